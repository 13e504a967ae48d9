//! `muster why`: a paused node, a killed one, a healthy one, and a name nobody has.

use muster_control::why::{Verdict, Way, Why};
use muster_e2e::{Agent, AgentOptions, Hosts, reference, wait_for};
use rustix::process::Signal;

fn why(agent: &Agent, node: &str) -> Result<Why, String> {
    let text = agent.run(&["why", "--format", "json", node])?;
    serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))
}

#[tokio::test]
async fn a_paused_node_is_explained_while_suspected_when_failed_and_when_back() {
    let hosts = Hosts::claim();
    let Some(serf) = reference(&hosts, 1, "serf", &[]).await else { return };
    let lb = Agent::start(&hosts, 2, "lb", AgentOptions::default().join(&serf.address));
    let web = Agent::start(&hosts, 3, "web-1", AgentOptions::default().join(&serf.address));
    lb.sees("web-1", "alive").await;
    serf.sees("web-1", "alive").await;
    wait_for("a ping was answered", || async {
        let why = why(&lb, "web-1")?;
        if why.round_trips_us.is_empty() { Err(format!("{why:?}")) } else { Ok(()) }
    })
    .await;
    let healthy = why(&lb, "web-1").expect("it is a member");
    assert_eq!(healthy.findings, []);
    assert_eq!(healthy.member.map(|member| member.status).as_deref(), Some("alive"));
    let page = lb.run(&["why", "web-1"]).expect("it is a member");
    assert!(page.starts_with("web-1 is alive, for ") && page.contains("Nobody ever doubted it."), "{page}");

    web.process.signal(Signal::STOP);
    let suspected = wait_for("it is suspected", || async {
        let why = why(&lb, "web-1")?;
        let is_suspected = why.findings.iter().any(|finding| finding.verdict == Verdict::Suspected);
        if is_suspected { Ok(why) } else { Err(format!("{why:?}")) }
    })
    .await;
    assert!(!suspected.round_trips_us.is_empty(), "{suspected:?}");
    lb.sees("web-1", "failed").await;
    let failed = why(&lb, "web-1").expect("it was a member");
    let standing = failed.member.clone().expect("it is remembered");
    assert_eq!((standing.status.as_str(), standing.addr.to_string()), ("failed", web.address.clone()));
    // Whoever was first: this node by its own probe, or Serf, whose word came by gossip.
    let how = |way: &Way| matches!(way, Way::Probe { .. } | Way::Gossip { .. } | Way::Exchange { .. });
    let first = &failed.findings[0];
    assert!(first.verdict == Verdict::Suspected && how(&first.way), "{failed:?}");
    assert!(failed.findings.iter().any(|finding| finding.verdict == Verdict::FoundDead), "{failed:?}");
    let page = lb.run(&["why", "web-1"]).expect("it was a member");
    for line in ["web-1 FAILED ", "suspected it", "found it dead", "Health of lb", "muster force-leave web-1"]
    {
        assert!(page.contains(line), "{line}\n{page}");
    }
    assert!(page.lines().count() <= 40, "one screen:\n{page}");

    web.process.signal(Signal::CONT);
    lb.sees("web-1", "alive").await;
    let back = why(&lb, "web-1").expect("it is a member");
    assert_eq!(back.findings.last().map(|finding| finding.verdict), Some(Verdict::Refuted), "{back:?}");
}

#[tokio::test]
async fn a_killed_node_is_explained_by_the_only_one_who_looks() {
    let hosts = Hosts::claim();
    let lb = Agent::start(&hosts, 1, "lb", AgentOptions::default());
    lb.sees("lb", "alive").await;
    let mut web = Agent::start(&hosts, 2, "web-1", AgentOptions::default().join(&lb.address));
    lb.sees("web-1", "alive").await;
    web.process.kill();
    lb.sees("web-1", "failed").await;
    let page = lb.run(&["why", "web-1"]).expect("it was a member");
    for line in [
        "lb (this node) suspected it: no answer to a direct ping",
        "there was nobody to ask",
        "ping by TCP: ",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    assert!(page.contains("nothing listens on"), "{page}");

    let unknown = lb.run(&["why", "wbe-1"]).expect_err("nobody has this name");
    assert!(unknown.contains("no member is or was called \"wbe-1\"; did you mean `web-1`?"), "{unknown}");
    let own = lb.run(&["why", "lb"]).expect("it is a member");
    assert!(own.contains("It is this node, which does not ping itself."), "{own}");
}
