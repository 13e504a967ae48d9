//! Whatever is cut short is put right by whoever drives next.

use super::bench::{Bench, why_reloaded};
use futures_util::future::{Either, select};
use muster_e2e::{Release, wait_for};
use muster_haproxy_driver::Applied;
use std::fs;
use std::pin::pin;

#[tokio::test]
async fn one_that_does_not_answer_yet_gets_nothing_and_enters_even_if_its_driver_is_replaced() {
    for release in [Release::installed(), Release::of("trixie")].into_iter().flatten() {
        let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
        let both = bench.text(&[("a", 2), ("late", 3)]);
        assert!(matches!(bench.bring(&both).await, Ok(Applied::Changed(_))));
        bench.reaches(&["a UP", "late MAINT"]).await;
        // It knows what runs, and who is about to enter.
        bench.drive_anew();
        assert_eq!(bench.driver.apply(&both).await.expect("it does not fail"), Applied::Nothing);
        let late = bench.origin("late", 3).await;
        bench.reaches(&["a UP", "late UP"]).await;
        drop(late);
        // Over a reload, by a driver that did not let it in: what is ours is no operator's wish.
        let three = bench.text(&[("a", 2), ("late", 3), ("later", 4)]);
        assert!(matches!(bench.bring(&three).await, Ok(Applied::Changed(_))));
        bench.drive_anew();
        why_reloaded(bench.bring(&three.replace("retries 3", "retries 4")).await);
        let _both = [bench.origin("late", 3).await, bench.origin("later", 4).await];
        bench.reaches(&["a UP", "late UP", "later UP"]).await;
    }
}

#[tokio::test]
async fn a_change_that_is_cut_in_the_middle_is_put_right_whichever_way_it_goes_on() {
    for release in [Release::installed(), Release::of("trixie")].into_iter().flatten() {
        for goes_on in [true, false] {
            let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
            let names: Vec<String> = (0..200).map(|nth| format!("s{nth:03}")).collect();
            let many: Vec<_> = names.iter().map(|name| (name.as_str(), 3)).chain([("a", 2)]).collect();
            let (old, new) = (bench.text(&[("a", 2)]), bench.text(&many));
            bench.put(&new);
            let haproxy = &bench.haproxy;
            let begun = wait_for("it has begun", || async {
                tokio::task::yield_now().await;
                let count = haproxy.servers().len();
                if count > 20 { Ok(count) } else { Err(count.to_string()) }
            });
            let begun = match select(pin!(bench.driver.apply(&new)), pin!(begun)).await {
                Either::Left((applied, _)) => panic!("it was over: {applied:?}"),
                Either::Right((count, _)) => count,
            };
            assert!(begun < 200, "all of them were there");
            bench.drive_anew();
            let _rest = bench.origin("rest", 3).await;
            let mut up = vec!["a UP".to_owned()];
            let wanted = if goes_on { &new } else { &old };
            if goes_on {
                up.extend(names.iter().map(|name| format!("{name} UP")));
            }
            let why = why_reloaded(bench.bring(wanted).await);
            assert!(why.contains("cut short"), "{why}");
            bench.reaches(&up.iter().map(String::as_str).collect::<Vec<_>>()).await;
            assert_eq!(bench.driver.apply(wanted).await.expect("it does not fail"), Applied::Nothing);
        }
    }
}

#[tokio::test]
async fn weights_of_which_nobody_knows_how_many_were_set_are_set_anew() {
    let Some(release) = Release::installed() else { return };
    let names: Vec<String> = (0..200).map(|nth| format!("s{nth:03}")).collect();
    let (mut bench, _first) = Bench::start(&release, &[]).await;
    let _all = bench.origin("all", 3).await;
    let old = bench.text(&names.iter().map(|name| (name.as_str(), 3)).collect::<Vec<_>>());
    bench.bring(&old).await.expect("it does not fail");
    let at = bench.hosts.at(3, 3000);
    let new = old.replace(&at, &format!("{at} weight 7"));
    bench.put(&new);
    let haproxy = &bench.haproxy;
    let set = || {
        let states = haproxy.ask("show servers state web").unwrap_or_default();
        states.lines().filter(|line| line.split(' ').nth(7) == Some("7")).count()
    };
    let begun = wait_for("it has begun", || async {
        tokio::task::yield_now().await;
        if set() > 20 { Ok(()) } else { Err(set().to_string()) }
    });
    match select(pin!(bench.driver.apply(&new)), pin!(begun)).await {
        Either::Left((applied, _)) => panic!("it was over: {applied:?}"),
        Either::Right(_) => assert!(set() < 200, "all of them were set"),
    }
    bench.drive_anew();
    // They look like an operator's.
    let why = why_reloaded(bench.bring(&old).await);
    assert!(why.contains("cut short"), "{why}");
}

#[tokio::test]
async fn where_nothing_can_be_noted_it_works_all_the_same() {
    let Some(release) = Release::installed() else { return };
    let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
    let _b = bench.origin("b", 3).await;
    // A folder is where each note would be; root writes to any folder that is read-only.
    for note in [".haproxy.cfg.guests", ".haproxy.cfg.running", "state"] {
        fs::create_dir(bench.haproxy.path(note)).expect("it can be made");
    }
    let both = bench.text(&[("a", 2), ("b", 3)]);
    assert!(matches!(bench.bring(&both).await, Ok(Applied::Changed(_))));
    bench.reaches(&["a UP", "b UP"]).await;
    why_reloaded(bench.bring(&both.replace("retries 3", "retries 4")).await);
    bench.reaches(&["a UP", "b UP"]).await;
}
