//! What once left HAProxy and its file apart, or a node to go while requests were in flight on it.

use super::bench::{Bench, hold, why_reloaded};
use futures_util::future::{Either, select};
use muster_e2e::{Release, wait_for};
use muster_haproxy_driver::{Applied, Load};
use rustix::process::{Pid, Signal, kill_process};
use std::pin::pin;

async fn hold_at(front: String) -> String {
    hold(&front).await
}

#[tokio::test]
async fn a_newcomer_that_moves_before_it_answers_is_looked_for_where_it_is_now() {
    let Some(release) = Release::installed() else { return };
    let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
    let there = bench.text(&[("a", 2), ("late", 3)]);
    assert!(matches!(bench.bring(&there).await, Ok(Applied::Changed(_))));
    bench.reaches(&["a UP", "late MAINT"]).await;
    let elsewhere = bench.text(&[("a", 2), ("late", 4)]);
    assert!(matches!(bench.bring(&elsewhere).await, Ok(Applied::Changed(_))));
    let _late = bench.origin("late", 4).await;
    bench.reaches(&["a UP", "late UP"]).await;
}

#[tokio::test]
async fn many_newcomers_that_never_answer_keep_nobody_out() {
    let Some(release) = Release::installed() else { return };
    let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
    let names: Vec<String> = (0..200).map(|nth| format!("s{nth:03}")).collect();
    let silent = names.iter().map(|name| (name.as_str(), 3));
    let all: Vec<_> = silent.chain([("a", 2), ("z", 4)]).collect();
    let text = bench.text(&all);
    let _z = bench.origin("z", 4).await;
    assert!(matches!(bench.bring(&text).await, Ok(Applied::Changed(_))));
    let mut wanted: Vec<String> = names.iter().map(|name| format!("{name} MAINT")).collect();
    wanted.extend(["a UP".to_owned(), "z UP".to_owned()]);
    wanted.sort();
    bench.reaches(&wanted.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn a_server_that_the_file_no_longer_disables_gets_requests() {
    for release in Release::all() {
        let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
        let text = bench.text(&[("a", 2)]);
        why_reloaded(bench.bring(&text.replace(":3000\n", ":3000 disabled\n")).await);
        bench.reaches(&["a MAINT"]).await;
        why_reloaded(bench.bring(&text).await);
        bench.reaches(&["a UP"]).await;
    }
}

#[tokio::test]
async fn one_that_was_about_to_be_taken_back_when_its_driver_died_is_taken_back() {
    let Some(release) = Release::installed() else { return };
    let (mut bench, first) = Bench::start(&release, &[("a", 2), ("z", 3)]).await;
    let front = bench.hosts.at(1, 8080);
    let held: Vec<_> = (0..2).map(|_| tokio::spawn(hold_at(front.clone()))).collect();
    wait_for("both hold", || async {
        if first.iter().all(|origin| origin.requests() > 0) { Ok(()) } else { Err("no request".into()) }
    })
    .await;
    bench.bring(&bench.text(&[("a", 2)])).await.expect("it does not fail");
    bench.reaches(&["a UP", "z DRAIN"]).await;
    let names: Vec<String> = (0..200).map(|nth| format!("s{nth:03}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), 2)).chain([("a", 2), ("z", 3)]).collect();
    let new = bench.text(&many);
    bench.put(&new);
    let haproxy = &bench.haproxy;
    let begun = wait_for("it has begun", || async {
        tokio::task::yield_now().await;
        let count = haproxy.servers().len();
        if count > 20 { Ok(count) } else { Err(count.to_string()) }
    });
    match select(pin!(bench.driver.apply(&new)), pin!(begun)).await {
        Either::Left((applied, _)) => panic!("it was over: {applied:?}"),
        Either::Right((count, _)) => assert!(count < 200, "all of them were there"),
    }
    bench.drive_anew();
    let why = why_reloaded(bench.bring(&new).await);
    assert!(why.contains("cut short"), "{why}");
    let mut up: Vec<String> = many.iter().map(|(name, _)| format!("{name} UP")).collect();
    up.sort();
    bench.reaches(&up.iter().map(String::as_str).collect::<Vec<_>>()).await;
    first.iter().for_each(muster_e2e::Origin::release);
    for held in held {
        assert!(held.await.expect("no panic").contains("200 OK"));
    }
}

#[tokio::test]
async fn who_is_stuck_to_a_server_goes_elsewhere_when_it_leaves() {
    for release in [Release::installed(), Release::of("trixie")].into_iter().flatten() {
        let (mut bench, first) = Bench::start(&release, &[("a", 2), ("b", 3)]).await;
        let stuck = |text: String| {
            text.replace(
                "\nbackend web\n",
                "\nbackend web\n    stick-table type ip size 10\n    stick on src\n",
            )
        };
        why_reloaded(bench.bring(&stuck(bench.text(&[("a", 2), ("b", 3)]))).await);
        bench.reaches(&["a UP", "b UP"]).await;
        // An answer makes a client stick.
        let before = super::bench::loads(&bench.hosts);
        before.closing.passes(5).await;
        super::bench::nobody_failed(before, &bench.haproxy).await;
        let requests = |nth: usize| first[nth].requests();
        let counts = (requests(0), requests(1));
        let held = tokio::spawn(hold_at(bench.hosts.at(1, 8080)));
        wait_for("it is held", || async {
            if (requests(0), requests(1)) == counts { Err("no request".into()) } else { Ok(()) }
        })
        .await;
        let (leaves, stays) = if requests(0) > counts.0 { (0, ("b", 3)) } else { (1, ("a", 2)) };
        bench.bring(&stuck(bench.text(&[stays]))).await.expect("it does not fail");
        let requests = first[leaves].requests();
        let loads = super::bench::loads(&bench.hosts);
        loads.closing.passes(20).await;
        assert_eq!(first[leaves].requests(), requests, "{}: it still gets new ones", release.name);
        super::bench::nobody_failed(loads, &bench.haproxy).await;
        first[leaves].release();
        assert!(held.await.expect("no panic").contains("200 OK"));
        bench.reaches(&[&format!("{} UP", stays.0)]).await;
    }
}

#[tokio::test]
async fn what_is_in_flight_is_counted_where_it_was_sent_whoever_has_the_name_now() {
    // An old worker of 2.2 does not say where a server is.
    for release in [Release::installed(), Release::of("trixie")].into_iter().flatten() {
        for how in ["moved", "reloaded", "taken back"] {
            let (mut bench, first) = Bench::start(&release, &[("s0", 2)]).await;
            let _other = bench.origin("other", 3).await;
            let held = tokio::spawn(hold_at(bench.hosts.at(1, 8080)));
            wait_for("it is held", || async {
                if first[0].requests() > 0 { Ok(()) } else { Err("no request".into()) }
            })
            .await;
            let mut text = bench.text(&[("s0", 3)]);
            if how == "taken back" {
                bench.bring(&bench.text(&[])).await.expect("it does not fail");
                bench.reaches(&["s0 DRAIN"]).await;
            }
            if how == "reloaded" {
                text = text.replace("retries 3", "retries 4");
            }
            bench.bring(&text).await.expect("it does not fail");
            let was = bench.hosts.at(2, 3000).parse().expect("an address");
            let there = async |bench: &mut Bench| {
                let loads = bench.driver.loads().await.expect("it answers");
                loads.iter().filter(|load| load.address == Some(was)).map(|load| load.in_flight).sum::<u32>()
            };
            assert_eq!(there(&mut bench).await, 1, "{}, {how}", release.name);
            first[0].release();
            assert!(held.await.expect("no panic").contains("200 OK"));
            let driver = tokio::sync::Mutex::new(&mut bench);
            wait_for("it is over", || async {
                let mut bench = driver.lock().await;
                bench.driver.tend().await;
                let count = there(&mut bench).await;
                if count == 0 { Ok(()) } else { Err(count.to_string()) }
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_shadow_finishes_nothing_that_was_begun() {
    let Some(release) = Release::installed() else { return };
    let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
    let text = bench.text(&[("a", 2), ("late", 3)]);
    assert!(matches!(bench.bring(&text).await, Ok(Applied::Changed(_))));
    bench.reaches(&["a UP", "late MAINT"]).await;
    bench.is_shadow = true;
    bench.drive_anew();
    bench.driver.apply(&text).await.expect("it does not fail");
    let _late = bench.origin("late", 3).await;
    bench.driver.tend().await;
    bench.reaches(&["a UP", "late MAINT"]).await;
}

#[tokio::test]
async fn one_that_somebody_deletes_while_it_leaves_is_forgotten() {
    let Some(release) = Release::installed() else { return };
    let (mut bench, first) = Bench::start(&release, &[("a", 2), ("b", 3)]).await;
    let held: Vec<_> = (0..2).map(|_| tokio::spawn(hold_at(bench.hosts.at(1, 8080)))).collect();
    wait_for("both hold", || async {
        if first.iter().all(|origin| origin.requests() > 0) { Ok(()) } else { Err("no request".into()) }
    })
    .await;
    let one = bench.text(&[("a", 2)]);
    bench.bring(&one).await.expect("it does not fail");
    bench.reaches(&["a UP", "b DRAIN"]).await;
    first.iter().for_each(muster_e2e::Origin::release);
    for held in held {
        assert!(held.await.expect("no panic").contains("200 OK"));
    }
    let haproxy = &bench.haproxy;
    wait_for("it can be deleted", || async {
        haproxy.ask("set server web/b state maint").map_err(|error| error.to_string())?;
        let reply = haproxy.ask("del server web/b").map_err(|error| error.to_string())?;
        if reply.contains("Server deleted") { Ok(()) } else { Err(reply) }
    })
    .await;
    let soon = bench.driver.tend().await;
    let later = bench.driver.tend().await;
    assert!(
        later >= soon && later >= std::time::Duration::from_secs(1),
        "it looks for it for ever: {later:?}"
    );
    // It is a newcomer like any other.
    let both = bench.text(&[("a", 2), ("b", 3)]);
    assert!(matches!(bench.bring(&both).await, Ok(Applied::Changed(_))));
    bench.reaches(&["a UP", "b UP"]).await;
}

#[tokio::test]
async fn nobody_says_that_nothing_is_in_flight_on_workers_that_do_not_answer() {
    let Some(release) = Release::installed() else { return };
    let (mut bench, first) = Bench::start(&release, &[("a", 2)]).await;
    let held = tokio::spawn(hold_at(bench.hosts.at(1, 8080)));
    wait_for("it is held", || async {
        if first[0].requests() > 0 { Ok(()) } else { Err("no request".into()) }
    })
    .await;
    let old = bench.haproxy.pid().expect("it runs");
    why_reloaded(bench.bring(&bench.text(&[("a", 2)]).replace("retries 3", "retries 4")).await);
    let master = Pid::from_raw(bench.haproxy.master().cast_signed()).expect("it runs");
    for process in [old, master] {
        kill_process(process, Signal::STOP).expect("it is ours");
        let loads = bench.driver.loads().await;
        kill_process(process, Signal::CONT).expect("it is ours");
        assert!(loads.is_err(), "{loads:?}");
    }
    let in_flight = |loads: &[Load]| loads.iter().map(|load| load.in_flight).sum::<u32>();
    assert_eq!(in_flight(&bench.driver.loads().await.expect("all answer")), 1);
    first[0].release();
    assert!(held.await.expect("no panic").contains("200 OK"));
}
