//! What the processes of a node write, while whoever keeps the log is killed again and again: no line is lost.

use muster_e2e::{Hosts, WholeNode, wait_for};
use std::collections::BTreeSet;

/// Enough that it is still writing at the last kill.
fn lines() -> usize {
    kills() * 150_000
}
/// How often it is killed; `make proof` kills it fifty times.
fn kills() -> usize {
    std::env::var("MUSTER_E2E_STOPS").ok().and_then(|text| text.parse().ok()).unwrap_or(5)
}

#[tokio::test]
async fn a_log_keeper_that_is_killed_under_a_flood_loses_no_line() {
    let (hosts, lines) = (Hosts::claim(), lines());
    let node = WholeNode::start(
        &hosts,
        1,
        "logs",
        &format!(
            "[logs]\nform = \"prefix\"\n[processes.flood]\ncommand = [\"sh\", \"-c\", \"seq 1 {lines}; exec sleep 100000\"]\n\
             ready = \"started\""
        ),
    );
    wait_for("the flood begins", || async {
        if node.process.said().contains("flood | 1\n") { Ok(()) } else { Err(node.process.said()) }
    })
    .await;
    let last = format!("flood | {lines}\n");
    for kill in 0..kills() {
        assert!(!node.process.said().contains(&last), "the flood has passed before kill {kill}");
        node.kill_service("log");
    }
    wait_for("the flood has passed", || async {
        if node.process.said().contains(&last) { Ok(()) } else { Err("not yet".into()) }
    })
    .await;
    let said = node.process.said();
    let numbers: BTreeSet<usize> =
        said.lines().filter_map(|line| line.strip_prefix("flood | ")?.parse().ok()).collect();
    let missing: Vec<usize> = (1..=lines).filter(|number| !numbers.contains(number)).take(10).collect();
    assert!(missing.is_empty(), "the first of those that are lost: {missing:?}");
    let deaths = said.lines().filter(|line| line.contains("log ended with signal 9")).count();
    assert_eq!(deaths, kills(), "it was killed while it worked");
}
