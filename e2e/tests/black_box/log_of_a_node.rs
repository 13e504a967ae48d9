//! What the processes of a node write, while whoever keeps the log is killed again and again: no line is lost.

use muster_e2e::{Hosts, WholeNode, wait_for};
use std::collections::BTreeSet;

/// How often it is killed; `make proof` kills it fifty times.
fn kills() -> usize {
    std::env::var("MUSTER_E2E_STOPS").ok().and_then(|text| text.parse().ok()).unwrap_or(5)
}

/// Lines between two kills: several times what a pipe holds, so that the log is behind when it is killed.
const LINES: usize = 20_000;
/// So many numbered lines, as fast as they are taken, each time that the next file appears.
const FLOOD: &str = "n=1; while [ $n -le $2 ]; do until [ -e $0/$n ]; do sleep 0.01; done; \
                     seq $(((n-1)*$1+1)) $((n*$1)); n=$((n+1)); done; echo the last was $(($1*$2)); exec sleep 1000";

#[tokio::test]
async fn a_log_keeper_that_is_killed_under_a_flood_loses_no_line() {
    let (hosts, directory) = (Hosts::claim(), tempfile::tempdir().expect("a place for tests"));
    let folder = directory.path();
    let flood = FLOOD.replace('$', "$$");
    let node = WholeNode::start(
        &hosts,
        1,
        "logs",
        &format!(
            "[logs]\nform = \"prefix\"\n[processes.flood]\ncommand = [\"sh\", \"-c\", {flood:?}, {folder:?}, \"{LINES}\", \"{}\"]\n\
             ready = \"started\"",
            kills()
        ),
    );
    for kill in 1..=kills() {
        std::fs::write(folder.join(kill.to_string()), "").expect("the file can be written");
        says(&node, &format!("flood | {}\n", (kill - 1) * LINES + 1)).await;
        node.kill_service("log");
    }
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

async fn says(node: &WholeNode, text: &str) {
    wait_for(&format!("it says {text:?}"), || async {
        if node.process.said().contains(text) { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
}
