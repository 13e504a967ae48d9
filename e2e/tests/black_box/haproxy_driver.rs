//! The driver and real HAProxies of several versions: what it may do without a reload it does, nothing fails, and whatever is cut
//! short is put right by whoever drives next.

use futures_util::future::{Either, select};
use muster_e2e::load::{Load, Plan, failures};
use muster_e2e::{Haproxy, Hosts, Origin, Release, wait_for};
use muster_haproxy::lint;
use muster_haproxy_driver::{Applied, Config, Driver, Failed, Reload};
use rustix::process::{Signal, kill_process};
use std::collections::BTreeSet;
use std::fs;
use std::pin::pin;
use std::time::Duration;

const HEAD: &str = "global
    maxconn 2000
    stats socket DIR/admin.sock level admin expose-fd listeners
    server-state-file DIR/state
defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    retries 3
    option redispatch
    load-server-state-from-file global
    default-server check inter 300ms
";

/// One test's HAProxy, what it is to run, and who drives it.
struct Bench {
    hosts: Hosts,
    haproxy: Haproxy,
    driver: Driver,
    old_workers_max: usize,
    is_shadow: bool,
}

impl Bench {
    /// With its first servers, which answer.
    async fn start(release: &Release, servers: &[(&str, u8)]) -> (Self, Vec<Origin>) {
        let hosts = Hosts::claim();
        let mut origins = Vec::new();
        for (name, host) in servers {
            origins.push(Origin::start(&hosts.at(*host, 3000), name).await);
        }
        let text = text(&hosts, servers);
        let haproxy = Haproxy::start(release, &text).await;
        let (old_workers_max, is_shadow) = (8, false);
        let driver = Driver::new(config(&haproxy, old_workers_max, is_shadow));
        let mut bench = Self { hosts, haproxy, driver, old_workers_max, is_shadow };
        let mut up: Vec<String> = servers.iter().map(|(name, _)| format!("{name} UP")).collect();
        up.sort();
        bench.reaches(&up.iter().map(String::as_str).collect::<Vec<_>>()).await;
        (bench, origins)
    }

    /// Another life of the driver.
    fn drive_anew(&mut self) {
        self.driver = Driver::new(config(&self.haproxy, self.old_workers_max, self.is_shadow));
    }

    fn text(&self, servers: &[(&str, u8)]) -> String {
        text(&self.hosts, servers).replace("DIR/", &self.haproxy.path("").display().to_string())
    }

    /// Puts the file in its place, as the one who makes it does: the old one stays beside it.
    fn put(&self, text: &str) {
        let path = |name| self.haproxy.path(name);
        let _ = fs::hard_link(path("haproxy.cfg"), path(".haproxy.cfg.old"));
        fs::write(path("new"), text).expect("it can be written");
        fs::rename(path("new"), path("haproxy.cfg")).expect("it can be put there");
    }

    /// Until that succeeded.
    async fn bring(&mut self, text: &str) -> Result<Applied, Failed> {
        self.put(text);
        let applied = self.driver.apply(text).await?;
        let _ = fs::remove_file(self.haproxy.path(".haproxy.cfg.old"));
        Ok(applied)
    }

    async fn origin(&self, name: &str, host: u8) -> Origin {
        Origin::start(&self.hosts.at(host, 3000), name).await
    }

    /// The line of a server in HAProxy's own words, which end with its port.
    fn state(&self, server: &str) -> String {
        let states = self.haproxy.ask("show servers state web").unwrap_or_default();
        let line = states.lines().find(|line| line.contains(&format!(" {server} "))).unwrap_or_default();
        format!("{line} ")
    }

    /// Tends until HAProxy's servers are these, `NAME STATUS`.
    async fn reaches(&mut self, wanted: &[&str]) {
        let (driver, haproxy) = (tokio::sync::Mutex::new(&mut self.driver), &self.haproxy);
        wait_for(&format!("HAProxy has {wanted:?}"), || async {
            driver.lock().await.tend().await;
            let servers = haproxy.servers();
            if servers == wanted { Ok(()) } else { Err(format!("{servers:?}; {}", haproxy.said())) }
        })
        .await;
    }
}

fn text(hosts: &Hosts, servers: &[(&str, u8)]) -> String {
    let mut text =
        format!("{HEAD}frontend f\n    bind {}\n    default_backend web\nbackend web\n", hosts.at(1, 8080));
    for (name, host) in servers {
        text.push_str(&format!("    server {name} {}\n", hosts.at(*host, 3000)));
    }
    text
}

fn config(haproxy: &Haproxy, old_workers_max: usize, is_shadow: bool) -> Config {
    Config {
        file: haproxy.path("haproxy.cfg"),
        socket: haproxy.path("admin.sock"),
        reload: Reload::Master(haproxy.path("master.sock")),
        is_shadow,
        reload_within: Duration::from_secs(30),
        old_workers_max,
    }
}

fn loads(hosts: &Hosts) -> [Load; 2] {
    let plan =
        |closes| Plan { address: hosts.at(1, 8080), per_second: 200, post_every: 5, connections: 10, closes };
    [Load::start(&plan(false)), Load::start(&plan(true))]
}

async fn nobody_failed(loads: [Load; 2], haproxy: &Haproxy) -> usize {
    let mut all = 0;
    for load in loads {
        let outcomes = load.stop().await;
        let failed = failures(&outcomes);
        assert!(failed.is_empty(), "{} of {}: {failed:#?}\n{}", failed.len(), outcomes.len(), haproxy.said());
        all += outcomes.len();
    }
    all
}

fn why_reloaded(applied: Result<Applied, Failed>) -> String {
    match applied {
        Ok(Applied::Reloaded(why)) => why,
        other => panic!("no reload: {other:?}"),
    }
}

#[tokio::test]
async fn a_hundred_servers_join_and_leave_without_a_reload_and_nothing_fails() {
    for release in [Release::installed(), Release::of("trixie")].into_iter().flatten() {
        let (mut bench, _first) = Bench::start(&release, &[("stays", 2)]).await;
        let loads = loads(&bench.hosts);
        loads[0].passes(20).await;
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
            loads[1].passes(40).await;
            let why =
                why_reloaded(bench.bring(&text.replace("retries 3", &format!("retries {retries}"))).await);
            assert!(why.contains(&format!("`retries {retries}` is new")), "{why}");
        }
        let all = nobody_failed(loads, &bench.haproxy).await;
        eprintln!("{}: {all} requests over 10 reloads", release.name);
    }
}

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
    let haproxy = &bench.haproxy;
    let set = || {
        let states = haproxy.ask("show servers state web").unwrap_or_default();
        states.lines().filter(|line| line.split(' ').nth(7) == Some("7")).count()
    };
    bench.put(&new);
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
async fn a_reload_that_fails_is_told_and_the_next_good_one_succeeds() {
    for release in Release::all() {
        let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
        bench.reaches(&["a UP"]).await;
        let (good, worker) = (bench.text(&[("a", 2)]), bench.haproxy.pid());
        let failed = bench.bring(&good.replace("retries 3", "retrys 3")).await;
        assert!(matches!(failed, Err(Failed::Refused(_))), "{}: {failed:?}", release.name);
        assert_eq!(bench.haproxy.pid(), worker, "it goes on");
        let loads = loads(&bench.hosts);
        loads[0].passes(20).await;
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
        loads[1].passes(10).await;
        let before = origins[0].requests();
        loads[1].passes(20).await;
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
        assert!(!bench.driver.is_another().await);
        bench.haproxy.is_killed_and_comes_back().await;
        assert!(bench.driver.is_another().await);
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

/// One request that is held, and its answer.
async fn hold(front: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(front).await.expect("it listens");
    stream
        .write_all(b"GET /hold HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .expect("it takes it");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    answer
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
