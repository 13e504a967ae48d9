//! A process that stood still: others may miss it, but it blames nobody.

use muster_e2e::{Hosts, Kind, Node, reference_is_here, says, whole};
use rustix::process::Signal;

/// What our agent says when it runs again.
const WOKE: &str = "nobody is accused";
const DAY: f64 = 86_400.0;
/// Seconds: the round of the truce, and most of the first honest probe.
const SOON: f64 = 1.5;

#[tokio::test]
async fn whoever_stood_still_accuses_nobody_and_is_taken_back() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let seed = hosts.at(1, 7946);
    let flags = ["-profile", "local", "-log-level", "debug", "-retry-join", &seed, "-retry-interval", "1s"];
    let kinds = [Kind::Muster, Kind::Serf, Kind::Muster, Kind::Serf];
    let start =
        |(kind, host): (Kind, u8)| Node::start(kind, &hosts, host, &format!("{kind:?}-{host}"), &flags);
    let mut nodes: Vec<Node> = kinds.into_iter().zip(1..).map(start).collect();
    whole(&nodes).await;
    let mut paused = nodes.remove(2);
    for _ in 0..2 {
        paused.process().signal(Signal::STOP);
        for node in &nodes {
            node.sees(paused.name(), "failed").await;
        }
        whole(&nodes).await;
        paused.process().signal(Signal::CONT);
        whole(nodes.iter().chain([&paused])).await;
    }
    says("it knows that it stood still", WOKE, || paused.said()).await;
    assert_eq!(paused.failures(), Vec::<String>::new(), "{}", paused.said());
    let lines = paused.lines(&[WOKE, &format!("suspected by {}", paused.name())]);
    assert_eq!(blamed_for_a_pause(&lines), Vec::<&String>::new(), "{}", paused.said());
    for node in nodes.iter().chain([&paused]) {
        let others = node.failures().into_iter().filter(|line| !line.contains(paused.name()));
        assert_eq!(others.collect::<Vec<_>>(), Vec::<String>::new(), "{}:\n{}", node.name(), node.said());
    }
}

/// Of these lines of our agent those in which it accused somebody so soon after a pause that the probe began in it, or in the round
/// of a second for which nobody is accused afterwards. Later, on a busy machine, one may fail as anybody's.
fn blamed_for_a_pause(lines: &[String]) -> Vec<&String> {
    let mut woke = None;
    let mut blamed = Vec::new();
    for line in lines {
        let at = second_of_day(line);
        if line.contains(WOKE) {
            woke = at;
        } else if at.zip(woke).is_some_and(|(at, woke)| f64::rem_euclid(at - woke, DAY) < SOON) {
            blamed.push(line);
        }
    }
    blamed
}

/// When a line of our agent was written: it begins as `2026-01-31T23:59:59.999999Z`.
fn second_of_day(line: &str) -> Option<f64> {
    let (_, time) = line.split_once('T')?;
    let (time, _) = time.split_once('Z')?;
    time.split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?))
}

#[test]
fn what_is_said_soon_after_a_pause_is_told_from_what_is_said_later() {
    let lines = [
        "2026-01-31T23:59:58.000000Z DEBUG agent: web-2 is suspected by web-1",
        "2026-01-31T23:59:59.500000Z  WARN agent: nobody is accused for what was missed",
        "2026-02-01T00:00:00.600000Z DEBUG agent: web-2 is suspected by web-1",
        "2026-02-01T00:00:01.600000Z DEBUG agent: web-2 is suspected by web-1",
    ]
    .map(str::to_owned);
    assert_eq!(blamed_for_a_pause(&lines), [&lines[2]]);
}
