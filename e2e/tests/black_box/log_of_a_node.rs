//! What the processes of a node write, while whoever keeps the log is killed again and again: no line is lost.

use muster_e2e::{Hosts, WholeNode, wait_for};
use std::collections::BTreeSet;

/// How often it is killed; `make proof` kills it fifty times.
fn kills() -> usize {
    std::env::var("MUSTER_E2E_STOPS").ok().and_then(|text| text.parse().ok()).unwrap_or(5)
}

/// Numbered lines, faster than anybody reads them, until a file says that it is enough.
const FLOOD: &str = "i=1; until [ -e $0 ]; do seq $i $((i+4999)); i=$((i+5000)); done; echo the last was $((i-1)); exec sleep 1000";

#[tokio::test]
async fn a_log_keeper_that_is_killed_under_a_flood_loses_no_line() {
    let (hosts, directory) = (Hosts::claim(), tempfile::tempdir().expect("a place for tests"));
    let enough = directory.path().join("enough");
    let flood = FLOOD.replace('$', "$$");
    let node = WholeNode::start(
        &hosts,
        1,
        "logs",
        &format!(
            "[logs]\nform = \"prefix\"\n[processes.flood]\ncommand = [\"sh\", \"-c\", {flood:?}, {enough:?}]\nready = \"started\""
        ),
    );
    wait_for("the flood begins", || async {
        if node.process.said().contains("flood | 1\n") { Ok(()) } else { Err(node.process.said()) }
    })
    .await;
    let written = || node.process.said().matches("flood | ").count();
    for _ in 0..kills() {
        let before = written();
        wait_for("it writes", || async {
            if written() > before + 1_000 { Ok(()) } else { Err(format!("{} lines", written())) }
        })
        .await;
        node.kill_service("log");
    }
    std::fs::write(&enough, "").expect("the file can be written");
    let last = || {
        let said = node.process.said();
        let line = said.lines().find_map(|line| line.strip_prefix("flood | the last was "))?;
        line.parse::<usize>().ok()
    };
    wait_for("the flood has passed", || async { last().map(drop).ok_or_else(|| "not yet".to_owned()) }).await;
    let (said, last) = (node.process.said(), last().expect("it was just there"));
    let numbers: BTreeSet<usize> =
        said.lines().filter_map(|line| line.strip_prefix("flood | ")?.parse().ok()).collect();
    let missing: Vec<usize> = (1..=last).filter(|number| !numbers.contains(number)).take(10).collect();
    eprintln!("{} log keepers killed, {last} lines", kills());
    assert!(missing.is_empty(), "the first of those that are lost: {missing:?}");
    let deaths = said.lines().filter(|line| line.contains("log ended with signal 9")).count();
    assert_eq!(deaths, kills(), "it was killed while it worked");
}
