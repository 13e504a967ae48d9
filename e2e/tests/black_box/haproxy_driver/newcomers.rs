//! Newcomers that cannot simply enter.

use super::bench::{Bench, config, why_reloaded};
use muster_e2e::{Release, wait_for};
use muster_haproxy_driver::{Applied, Config, Driver};
use std::time::Duration;

/// Whom this driver does not reach HAProxy is to check at once.
fn impatient(bench: &Bench) -> Driver {
    Driver::new(Config { checked_after: Duration::ZERO, ..config(&bench.haproxy, 8, false) })
}

#[tokio::test]
async fn one_that_haproxy_does_not_let_in_enters_by_a_reload() {
    for release in [Release::installed(), Release::of("trixie")].into_iter().flatten() {
        let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
        let both = bench.text(&[("a", 2), ("late", 3)]);
        assert!(matches!(bench.bring(&both).await, Ok(Applied::Changed(_))));
        bench.reaches(&["a UP", "late MAINT"]).await;
        let reply = bench.haproxy.ask("del server web/late").expect("it answers");
        assert!(reply.contains("Server deleted"), "{reply}");
        assert!(!bench.driver.has_strayed().await);
        let _late = bench.origin("late", 3).await;
        let driver = tokio::sync::Mutex::new(&mut bench.driver);
        wait_for("it is noticed", || async {
            let mut driver = driver.lock().await;
            driver.tend().await;
            if driver.has_strayed().await { Ok(()) } else { Err(String::new()) }
        })
        .await;
        let why = why_reloaded(bench.driver.apply(&both).await);
        assert!(why.contains("does not let web/late in") && why.contains("No such server"), "{why}");
        bench.reaches(&["a UP", "late UP"]).await;
        assert!(!bench.driver.has_strayed().await);
    }
}

#[tokio::test]
async fn one_that_only_haproxy_reaches_is_let_in_by_its_check() {
    for release in [Release::installed(), Release::of("trixie")].into_iter().flatten() {
        let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
        bench.driver = impatient(&bench);
        bench.driver.apply(&bench.text(&[("a", 2)])).await.expect("it does not fail");
        // Where it listens, checks are answered; where it is told to be, nobody listens yet.
        let door = muster_e2e::Origin::start(&bench.hosts.at(3, 3001), "door").await;
        let text = bench.text(&[("a", 2), ("checked", 3), ("down", 4), ("alone", 5)]);
        let [checked, alone] = [3, 5].map(|host| bench.hosts.at(host, 3000));
        let text = text.replace(&checked, &format!("{checked} port 3001"));
        let text = text.replace(&alone, &format!("{alone} no-check"));
        assert!(matches!(bench.bring(&text).await, Ok(Applied::Changed(_))));
        bench.reaches(&["a UP", "alone MAINT", "checked UP", "down DOWN"]).await;
        let waiting = bench.driver.waiting();
        let told =
            format!("web/alone gets nothing: it is not reached from here ({alone}: Connection refused");
        assert!(matches!(&waiting[..], [one] if one.starts_with(&told)), "{waiting:?}");
        let _both = [bench.origin("down", 4).await, bench.origin("alone", 5).await];
        bench.reaches(&["a UP", "alone no check", "checked UP", "down UP"]).await;
        assert_eq!((bench.driver.waiting().len(), bench.driver.counts()), (0, (0, 3)), "{}", release.name);
        drop(door);
    }
}

#[tokio::test]
async fn one_that_is_checked_before_it_enters_gets_no_request_until_then() {
    let Some(release) = Release::installed() else { return };
    let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
    bench.driver = impatient(&bench);
    bench.driver.apply(&bench.text(&[("a", 2)])).await.expect("it does not fail");
    let loads = super::bench::loads(&bench.hosts);
    let down: Vec<String> = (0..20).map(|nth| format!("s{nth:02}")).collect();
    let all: Vec<_> = down.iter().map(|name| (name.as_str(), 3)).chain([("a", 2)]).collect();
    let text = bench.text(&all);
    assert!(matches!(bench.bring(&text).await, Ok(Applied::Changed(_))));
    let mut wanted: Vec<String> = down.iter().map(|name| format!("{name} DOWN")).collect();
    wanted.insert(0, "a UP".to_owned());
    bench.reaches(&wanted.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let stat = bench.haproxy.ask("show stat").expect("it answers");
    // stot
    let served = |line: &&str| line.starts_with("web,s") && line.split(',').nth(7) != Some("0");
    assert_eq!(stat.lines().filter(served).collect::<Vec<_>>(), [""; 0]);
    super::bench::nobody_failed(loads, &bench.haproxy).await;
}
