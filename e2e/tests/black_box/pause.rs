//! A process that stood still: others may miss it, but it blames nobody.

use muster_e2e::{Hosts, Kind, Node, reference_is_here, says, whole};
use rustix::process::Signal;

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
    says("it knows that it stood still", "nobody is accused", || paused.said()).await;
    assert_eq!(paused.failures(), Vec::<String>::new(), "{}", paused.said());
    let own = format!("suspected by {}", paused.name());
    for node in nodes.iter().chain([&paused]) {
        assert_eq!(node.lines(&[&own]), Vec::<String>::new(), "{}:\n{}", node.name(), node.said());
        let others = node.failures().into_iter().filter(|line| !line.contains(paused.name()));
        assert_eq!(others.collect::<Vec<_>>(), Vec::<String>::new(), "{}:\n{}", node.name(), node.said());
    }
}
