//! What only a reload can do, by any HAProxy; and what becomes of one that fails.

use super::bench::{Bench, config, hold, loads, nobody_failed, why_reloaded};
use muster_e2e::{Release, wait_for};
use muster_haproxy_driver::{Applied, Config, Driver, Failed, Reload};
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;

#[tokio::test]
async fn reloads_under_load_fail_nothing() {
    for release in [Release::installed(), Release::of("trixie")].into_iter().flatten() {
        let (mut bench, _first) = Bench::start(&release, &[("a", 2), ("b", 3)]).await;
        let text = bench
            .text(&[("a", 2), ("b", 3)])
            .replace("retries 3", "option idle-close-on-response\n    retries 3");
        // Nothing is in flight on the first one, which closes what is idle.
        bench.bring(&text).await.expect("it does not fail");
        let loads = loads(&bench.hosts);
        for retries in 4..14 {
            loads.closing.passes(40).await;
            let why =
                why_reloaded(bench.bring(&text.replace("retries 3", &format!("retries {retries}"))).await);
            assert!(why.contains(&format!("`retries {retries}` is new")), "{why}");
        }
        let all = nobody_failed(loads, &bench.haproxy).await;
        eprintln!("{}: {all} requests over 10 reloads", release.name);
    }
}

#[tokio::test]
async fn a_reload_that_fails_is_told_and_the_next_good_one_succeeds() {
    for release in Release::all() {
        let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
        bench.reaches(&["a UP"]).await;
        let (good, worker) = (bench.text(&[("a", 2)]), bench.haproxy.pid());
        let failed = bench.bring(&good.replace("retries 3", "retrys 3")).await;
        assert!(matches!(failed, Err(Failed::Refused(_))), "{}: {failed:?}", release.name);
        assert_eq!(bench.haproxy.pid(), worker, "it goes on");
        let loads = loads(&bench.hosts);
        loads.keeping.passes(20).await;
        // What runs is still known.
        assert_eq!(bench.bring(&good).await.expect("it does not fail"), Applied::Nothing);
        nobody_failed(loads, &bench.haproxy).await;
        why_reloaded(bench.bring(&good.replace("retries 3", "retries 4")).await);
        bench.reaches(&["a UP"]).await;
        assert_ne!(bench.haproxy.pid(), worker);
    }
}

#[tokio::test]
async fn any_haproxy_takes_addresses_without_a_reload_and_an_old_one_reloads_for_servers() {
    for release in Release::all() {
        let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
        let origins = [bench.origin("moved", 3).await, bench.origin("b", 4).await];
        let moved = bench.text(&[("a", 3)]).replace("8080\n", "8080\n    # a remark\n");
        assert!(matches!(bench.bring(&moved).await, Ok(Applied::Changed(_))), "{}", release.name);
        let loads = loads(&bench.hosts);
        loads.closing.passes(10).await;
        let before = origins[0].requests();
        loads.closing.passes(20).await;
        assert!(origins[0].requests() > before, "{}", release.name);
        nobody_failed(loads, &bench.haproxy).await;
        let both = bench.text(&[("a", 3), ("b", 4)]);
        let applied = bench.bring(&both).await.expect("it does not fail");
        let is_old = release.name == "bullseye";
        assert_eq!(matches!(applied, Applied::Reloaded(_)), is_old, "{}: {applied:?}", release.name);
        bench.reaches(&["a UP", "b UP"]).await;
        // Another life knows what runs, over that reload too.
        bench.drive_anew();
        assert_eq!(
            bench.driver.apply(&both).await.expect("it does not fail"),
            Applied::Nothing,
            "{}",
            release.name
        );
        // A port that changes with a reload is the one of the file, not the former one of HAProxy's state file.
        let with = |retries: u16, port: u16| {
            let moved = both.replace(&bench.hosts.at(3, 3000), &bench.hosts.at(3, port));
            moved.replace("retries 3", &format!("retries {retries}"))
        };
        let (elsewhere, other, again) = (with(4, 3001), with(5, 3001), with(5, 3002));
        why_reloaded(bench.bring(&elsewhere).await);
        assert!(bench.state("a").contains(" 3001 "), "{}: {}", release.name, bench.state("a"));
        // As is one that changed by a command, when HAProxy starts anew.
        why_reloaded(bench.bring(&other).await);
        assert!(matches!(bench.bring(&again).await, Ok(Applied::Changed(_))), "{}", release.name);
        bench.haproxy.is_killed_and_comes_back().await;
        assert!(bench.state("a").contains(" 3002 "), "{}: {}", release.name, bench.state("a"));
        assert_eq!(
            bench.driver.apply(&again).await.expect("it does not fail"),
            Applied::Nothing,
            "{}",
            release.name
        );
    }
}

#[tokio::test]
async fn a_command_reloads_as_well_and_is_told_of_when_it_does_not() {
    let Some(release) = Release::installed() else { return };
    let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
    let good = bench.text(&[("a", 2)]);
    let with = |bench: &Bench, words: &[&str], within| {
        let reload = Reload::Command(words.iter().map(|word| (*word).to_owned()).collect());
        Driver::new(Config { reload, reload_within: within, ..config(&bench.haproxy, 8, false) })
    };
    let master = bench.haproxy.master().to_string();
    bench.driver = with(&bench, &["kill", "-USR2", &master], Duration::from_secs(30));
    let worker = bench.haproxy.pid();
    why_reloaded(bench.bring(&good.replace("retries 3", "retries 4")).await);
    assert_ne!(bench.haproxy.pid(), worker);
    bench.reaches(&["a UP"]).await;
    let failed = async |bench: &mut Bench, words: &[&str], text: &str| {
        bench.driver = with(bench, words, Duration::from_secs(2));
        bench.bring(text).await.expect_err("it cannot reload").to_string()
    };
    let five = good.replace("retries 3", "retries 5");
    let why = failed(&mut bench, &["sh", "-c", "echo no way >&2; exit 3"], &five).await;
    assert!(why.contains("exit status: 3: no way"), "{why}");
    let why = failed(&mut bench, &["sleep", "1000"], &five).await;
    assert!(why.contains("it ran for longer than 2s"), "{why}");
    // What it leaves behind holds the pipe, and nobody waits for that.
    let left = bench.haproxy.path("left");
    let script = format!("sleep 1000 & echo $! >{}; echo no way >&2; exit 3", left.display());
    let why = failed(&mut bench, &["sh", "-c", &script], &five).await;
    let left = std::fs::read_to_string(left).expect("it wrote that").trim().parse().expect("a number");
    kill_process(Pid::from_raw(left).expect("one"), Signal::KILL).expect("it is ours");
    assert!(why.contains("exit status: 3: no way"), "{why}");
    let why = failed(&mut bench, &["/no/such/program"], &five).await;
    assert!(why.contains("No such file"), "{why}");
    // HAProxy says so to its log only.
    let why = failed(&mut bench, &["kill", "-USR2", &master], &good.replace("retries 3", "retrys 3")).await;
    assert!(why.contains("no new worker of HAProxy within 2s"), "{why}");
    bench.driver = with(&bench, &["kill", "-USR2", &master], Duration::from_secs(30));
    why_reloaded(bench.bring(&five).await);
    bench.reaches(&["a UP"]).await;
}

#[tokio::test]
async fn old_workers_are_counted_in_what_is_in_flight_and_bounded() {
    for release in Release::all() {
        let (mut bench, first) = Bench::start(&release, &[("a", 2)]).await;
        bench.old_workers_max = 1;
        bench.drive_anew();
        let [a] = &first[..] else { panic!("one server") };
        let front = bench.hosts.at(1, 8080);
        let held = tokio::spawn(async move { hold(&front).await });
        wait_for("it is held", || async { if a.requests() > 0 { Ok(()) } else { Err("no request".into()) } })
            .await;
        let text = bench.text(&[("a", 2)]);
        let with = |retries: u8| text.replace("retries 3", &format!("retries {retries}"));
        why_reloaded(bench.bring(&with(4)).await);
        let in_flight: u32 =
            bench.driver.loads().await.expect("it answers").iter().map(|load| load.in_flight).sum();
        assert_eq!(in_flight, 1, "{}", release.name);
        let failed = bench.bring(&with(5)).await;
        assert!(matches!(failed, Err(Failed::OldWorkers { count: 1 })), "{}: {failed:?}", release.name);
        a.release();
        assert!(held.await.expect("no panic").contains("200 OK"));
        wait_for("the old worker ends", || async {
            let processes = bench.haproxy.ask_master("show proc").map_err(|error| error.to_string())?;
            let mut old = processes.lines().skip_while(|line| !line.starts_with("# old workers"));
            if old.any(|line| line.contains("worker  ")) { Err(processes) } else { Ok(()) }
        })
        .await;
        why_reloaded(bench.driver.apply(&with(5)).await);
    }
}
