//! Which file a HAProxy has read that started while somebody replaced it.

use super::bench::{Bench, why_reloaded};
use muster_e2e::{Release, wait_for};
use muster_haproxy_driver::Applied;
use std::fs::{self, File};

#[tokio::test]
async fn one_that_started_while_servers_joined_is_not_reloaded() {
    for release in [Release::installed(), Release::of("trixie")].into_iter().flatten() {
        let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
        let _others = [bench.origin("b", 3).await, bench.origin("c", 4).await];
        let text = bench.text(&[("a", 2)]);
        assert_eq!(bench.bring(&text).await.expect("it does not fail"), Applied::Nothing);
        bench.haproxy.is_killed_and_comes_back().await;
        // Replaced twice before anybody asks it what it runs.
        bench.put(&bench.text(&[("a", 2), ("b", 3)]));
        let all = bench.text(&[("a", 2), ("b", 3), ("c", 4)]);
        let applied = bench.bring(&all).await;
        assert!(matches!(applied, Ok(Applied::Changed(_))), "{}: {applied:?}", release.name);
        bench.reaches(&["a UP", "b UP", "c UP"]).await;
    }
}

#[tokio::test]
async fn a_file_that_is_replaced_after_it_was_read_is_not_what_runs() {
    let Some(release) = Release::installed() else { return };
    let (mut bench, _first) = Bench::start(&release, &[("a", 2)]).await;
    // It waits here while it reads its file.
    let pipe = bench.haproxy.path("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from_raw_mode(0o600))
        .expect("it can be made");
    let good = bench.text(&[("a", 2)]);
    let slow = good.replace(
        "default_backend web\n",
        &format!("default_backend web\n    http-request deny if {{ path -f {} }}\n", pipe.display()),
    );
    bench.haproxy.stop().await;
    assert_eq!(bench.bring(&slow).await.expect("it is no failure"), Applied::NotRunning);
    bench.haproxy.begins_anew();
    let opened = {
        let pipe = pipe.clone();
        tokio::task::spawn_blocking(move || File::options().write(true).open(pipe))
    };
    let held = opened.await.expect("no panic").expect("it can be opened");
    // The same servers, and another line.
    let other = good.replace("retries 3", "retries 4");
    bench.put(&other);
    drop(held);
    wait_for("it answers", || async { bench.haproxy.ask("show info").map_err(|error| error.to_string()) })
        .await;
    let why = why_reloaded(bench.driver.apply(&other).await);
    assert!(why.contains("not known") || why.contains("retries 4"), "{why}");
    fs::remove_file(pipe).expect("it is there");
    bench.reaches(&["a UP"]).await;
}
