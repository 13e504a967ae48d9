//! A network that lets only some things through: pairs that cannot reach each other by UDP, or not at all.

use muster_e2e::{
    Agent, AgentOptions, Kind, Network, Node, SerfAgent, Traffic, nobody_failed, reference_is_here, says,
    wait_for, whole,
};

/// memberlist's message "ping this one for me".
const INDIRECT_PING: u8 = 1;

/// By so many must the probes that went through the third outnumber twice the accusations, each way, before the trial ends.
const ROUNDS: u64 = 6;

/// Three nodes: the first two are cut from each other.
const TRIALS: [[Kind; 3]; 5] = [
    [Kind::Muster, Kind::Muster, Kind::Muster],
    [Kind::Muster, Kind::Muster, Kind::Serf],
    [Kind::Muster, Kind::Serf, Kind::Muster],
    [Kind::Muster, Kind::Serf, Kind::Serf],
    [Kind::Serf, Kind::Serf, Kind::Muster],
];

#[tokio::test]
async fn muster_and_serf_keep_each_other_by_tcp_when_udp_is_dropped() {
    if !reference_is_here() {
        return;
    }
    let test = "partial_network::muster_and_serf_keep_each_other_by_tcp_when_udp_is_dropped";
    let Some(network) = Network::own(test) else { return };
    let hosts = network.hosts(1..=2);
    let serf = SerfAgent::start(&hosts, 1, "serf", &[]);
    serf.is_up().await;
    let muster = Agent::start(&hosts, 2, "muster", AgentOptions::default().join(&serf.address));
    serf.sees("muster", "alive").await;
    muster.sees("serf", "alive").await;
    network.cut(&[hosts.ip(1)], &[hosts.ip(2)], Traffic::Udp);
    // Each has asked the other by TCP and got its answer.
    says("muster notices", "TCP works but UDP does not", || muster.process.said()).await;
    says("serf notices", "Was able to connect to muster", || serf.process.said()).await;
    muster.sees("serf", "alive").await;
    serf.sees("muster", "alive").await;
    // Suspicions may come on a busy machine, where an answer misses its half second.
    for said in [muster.process.said(), serf.process.said()] {
        assert!(!["EventMemberFailed", "member-failed"].iter().any(|word| said.contains(word)), "{said}");
    }
}

async fn trial(network: &Network, number: usize, kinds: [Kind; 3]) {
    let hosts = network.hosts(1..=3);
    let mut nodes = Vec::new();
    for (kind, host) in kinds.into_iter().zip(1..) {
        // At this level ours tells of every suspicion.
        let mut flags = vec!["-log-level", "debug"];
        let seed = hosts.at(1, 7946);
        if host > 1 {
            flags.extend(["-join", &seed]);
        }
        nodes.push(Node::start(kind, &hosts, host, &format!("{kind:?}-{host}"), &flags));
        whole(&nodes).await;
    }
    let counters = [1, 2].map(|host| {
        let counter = format!("trial_{number}_from_{host}");
        network.count(&counter, hosts.ip(host), hosts.ip(3), INDIRECT_PING);
        counter
    });
    network.cut(&[hosts.ip(1)], &[hosts.ip(2)], Traffic::All);
    for (node, counter) in nodes.iter().zip(&counters) {
        wait_for(&format!("{kinds:?}: {} is kept by pings through the third", node.name()), || async {
            // On a busy machine an answer may miss the rest of its second, by either kind, and is followed by an accusation and
            // its refutation. Without a relay, every probe is.
            let asked = network.counted(counter);
            let accused = accusations(node);
            if asked >= ROUNDS + 2 * accused {
                return Ok(());
            }
            Err(format!("{asked} probes went that way, {accused} accusations\n{}", node.said()))
        })
        .await;
    }
    whole(&nodes).await;
    nobody_failed(&nodes);
}

/// How often a probe of the node's own failed.
fn accusations(node: &Node) -> u64 {
    let own = format!("is suspected by {}", node.name());
    node.lines(&[&own, "Suspect "]).len() as u64
}

#[tokio::test]
async fn pings_through_a_third_keep_those_who_cannot_reach_each_other() {
    if !reference_is_here() {
        return;
    }
    let test = "partial_network::pings_through_a_third_keep_those_who_cannot_reach_each_other";
    let Some(network) = Network::own(test) else { return };
    let trials = TRIALS.into_iter().enumerate().map(|(number, kinds)| trial(&network, number, kinds));
    futures_util::future::join_all(trials).await;
}
