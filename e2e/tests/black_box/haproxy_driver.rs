//! The driver and real HAProxies of several versions: what it may do without a reload it does, and nothing fails.

mod apart;
mod bench;
mod cut_short;
mod hashes;
mod newcomers;
mod reloads;
mod started;

use bench::{Bench, hold, loads, nobody_failed};
use muster_e2e::{Release, wait_for};
use muster_haproxy::lint;
use muster_haproxy_driver::Applied;
use rustix::process::{Signal, kill_process};
use std::collections::BTreeSet;
use std::fs;

#[tokio::test]
async fn a_hundred_servers_join_and_leave_without_a_reload_and_nothing_fails() {
    for release in [Release::installed(), Release::of("trixie")].into_iter().flatten() {
        let (mut bench, _first) = Bench::start(&release, &[("stays", 2)]).await;
        let loads = loads(&bench.hosts);
        loads.keeping.passes(20).await;
        let names: Vec<String> = (0..100).map(|nth| format!("s{nth:02}")).collect();
        let servers = |count: usize| {
            let joined = names.iter().zip(10..).take(count).map(|(name, host)| (name.as_str(), host));
            [("stays", 2)].into_iter().chain(joined).collect::<Vec<_>>()
        };
        let mut origins = Vec::new();
        let mut took = Vec::new();
        // One after the other, then half of them at once; and back.
        let counts: Vec<usize> = (1..=50).chain([100]).chain((0..100).rev()).collect();
        for count in counts {
            for (name, host) in servers(count).into_iter().skip(origins.len() + 1) {
                origins.push(bench.origin(name, host).await);
            }
            let began = std::time::Instant::now();
            let text = bench.text(&servers(count));
            let applied = bench.bring(&text).await.expect("it does not fail");
            assert!(matches!(applied, Applied::Changed(_)), "{count}: {applied:?}");
            took.push(began.elapsed());
            let mut up: Vec<String> = servers(count).iter().map(|(name, _)| format!("{name} UP")).collect();
            up.sort();
            bench.reaches(&up.iter().map(String::as_str).collect::<Vec<_>>()).await;
            // They end as soon as HAProxy has let go of them.
            origins.truncate(count);
        }
        let all = nobody_failed(loads, &bench.haproxy).await;
        took.sort();
        let (median, slowest) = (took[took.len() / 2], took[took.len() - 1]);
        eprintln!("{}: {all} requests, 151 changes: median {median:?}, slowest {slowest:?}", release.name);
        assert_eq!(bench.driver.counts(), (0, 200));
    }
}

#[tokio::test]
async fn one_that_does_not_run_is_left_to_its_file() {
    let Some(release) = Release::installed() else { return };
    let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
    let _b = bench.origin("b", 3).await;
    let both = bench.text(&[("a", 2), ("b", 3)]);
    bench.haproxy.stop().await;
    assert_eq!(bench.bring(&both).await.expect("it is no failure"), Applied::NotRunning);
    assert!(bench.driver.loads().await.is_err(), "nobody says that nothing is in flight");
    bench.haproxy.is_killed_and_comes_back().await;
    assert!(bench.driver.has_strayed().await);
    assert_eq!(bench.driver.apply(&both).await.expect("it does not fail"), Applied::Nothing);
    bench.reaches(&["a UP", "b UP"]).await;
}

#[tokio::test]
async fn a_haproxy_that_hangs_is_told_of_and_goes_on_when_it_wakes() {
    let Some(release) = Release::installed() else { return };
    let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
    let _b = bench.origin("b", 3).await;
    let both = bench.text(&[("a", 2), ("b", 3)]);
    let worker = bench.haproxy.pid().expect("it runs");
    kill_process(worker, Signal::STOP).expect("it is ours");
    let failed = bench.bring(&both).await;
    let words = failed.expect_err("it cannot answer").to_string();
    assert!(words.contains("does not answer on") && words.contains("admin.sock"), "{words}");
    kill_process(worker, Signal::CONT).expect("it is ours");
    assert!(matches!(bench.driver.apply(&both).await, Ok(Applied::Changed(_))));
    bench.reaches(&["a UP", "b UP"]).await;
}

#[tokio::test]
async fn a_killed_haproxy_runs_what_the_file_says_and_the_driver_goes_on_from_there() {
    for release in Release::all() {
        let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
        let _origins = [bench.origin("b", 3).await, bench.origin("c", 4).await];
        let both = bench.text(&[("a", 2), ("b", 3)]);
        bench.bring(&both).await.expect("it does not fail");
        assert!(!bench.driver.has_strayed().await);
        bench.haproxy.is_killed_and_comes_back().await;
        assert!(bench.driver.has_strayed().await);
        assert_eq!(
            bench.driver.apply(&both).await.expect("it does not fail"),
            Applied::Nothing,
            "{}",
            release.name
        );
        let three = bench.text(&[("a", 2), ("b", 3), ("c", 4)]);
        bench.bring(&three).await.expect("it does not fail");
        bench.reaches(&["a UP", "b UP", "c UP"]).await;
    }
}

#[tokio::test]
async fn one_that_leaves_keeps_what_it_has_and_is_gone_when_that_is_done() {
    for release in [Release::installed(), Release::of("trixie")].into_iter().flatten() {
        let (mut bench, first) = Bench::start(&release, &[("a", 2)]).await;
        let [a] = &first[..] else { panic!("one server") };
        let _b = bench.origin("b", 3).await;
        let front = bench.hosts.at(1, 8080);
        let held = tokio::spawn(async move { hold(&front).await });
        wait_for("it is held", || async { if a.requests() > 0 { Ok(()) } else { Err("no request".into()) } })
            .await;
        let text = bench.text(&[("b", 3)]);
        bench.bring(&text).await.expect("it does not fail");
        bench.reaches(&["a DRAIN", "b UP"]).await;
        // Whoever drives next goes on with it, and reloads nothing.
        bench.drive_anew();
        assert_eq!(bench.driver.apply(&text).await.expect("it does not fail"), Applied::Nothing);
        bench.reaches(&["a DRAIN", "b UP"]).await;
        a.release();
        assert!(held.await.expect("no panic").contains("200 OK"));
        bench.reaches(&["b UP"]).await;
    }
}

#[tokio::test]
async fn a_shadow_says_what_it_would_do_and_touches_nothing() {
    let Some(release) = Release::installed() else { return };
    let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
    bench.is_shadow = true;
    bench.drive_anew();
    let entries = || -> BTreeSet<_> {
        fs::read_dir(bench.haproxy.path(""))
            .expect("it is there")
            .map(|entry| entry.expect("it is").file_name())
            .collect()
    };
    let (before, worker) = (entries(), bench.haproxy.pid());
    let two = bench.text(&[("a", 2), ("b", 3)]);
    for _ in 0..2 {
        let told = bench.driver.apply(&two).await.expect("it does not fail");
        assert_eq!(told, Applied::Shadow(format!("add web/b at {}", bench.hosts.at(3, 3000))));
    }
    let Ok(Applied::Shadow(told)) = bench.driver.apply(&two.replace("retries 3", "retries 4")).await else {
        panic!("it is a shadow")
    };
    assert!(told.starts_with("reload, because line "), "{told}");
    bench.driver.tend().await;
    assert_eq!((entries(), bench.haproxy.pid(), bench.haproxy.servers().len()), (before, worker, 1));
}

#[tokio::test]
async fn what_lint_calls_refused_is_refused_by_haproxy() {
    for release in [Release::installed(), Release::of("trixie")].into_iter().flatten() {
        let directory = tempfile::tempdir().expect("it can be made");
        let file = directory.path().join("haproxy.cfg");
        let takes = |text: &str| {
            fs::write(&file, text).expect("it can be written");
            release.checks(&file)
        };
        let head = "defaults\n mode http\n timeout client 1s\n timeout server 1s\n timeout connect 1s\n";
        let usual = format!("{head}listen l\n bind 127.0.0.1:18080\n server s 127.0.0.1:1\n");
        let (is_taken, words) = takes(&usual);
        assert!(is_taken, "{words}");
        let lines = lint::refused_lines();
        assert!(lines.len() > 30);
        for (is_global, line) in lines {
            let text =
                if is_global { format!("global\n {line}\n{usual}") } else { format!("{usual} {line}\n") };
            assert_eq!(lint::lint(&text).expect("it is short").len(), 1, "{line}");
            assert!(!takes(&text).0, "{}: `{line}` is taken", release.name);
        }
        let text = format!("{head}listen stats *:1936\n stats enable\n");
        assert!(!takes(&text).0, "{}", release.name);
    }
}
