//! Everything dies, and comes back at once: as it was, elsewhere, and to seeds that are not what they were.

use muster_e2e::{Hosts, Kind, Network, Node, nobody_failed, reference_is_here, whole};

fn start(hosts: &Hosts, kinds: &[Kind], first_host: u8) -> Vec<Node> {
    let flags = ["-profile", "local", "-retry-join", "seed", "-retry-interval", "1s"];
    let named = |(kind, nth): (&Kind, u8)| {
        Node::start(*kind, hosts, first_host + nth, &format!("{kind:?}-{nth}"), &flags)
    };
    kinds.iter().zip(0..).map(named).collect()
}

fn kill(nodes: &mut [Node]) {
    nodes.iter_mut().for_each(|node| node.process().kill());
}

async fn outages(network: &Network, kinds: &[Kind]) {
    let count = u8::try_from(kinds.len()).expect("a few");
    let hosts = network.hosts((1..=count).chain(101..=100 + count));
    network.name("seed", &[hosts.ip(1), hosts.ip(2)]);
    let mut nodes = start(&hosts, kinds, 1);
    whole(&nodes).await;
    // Where they were; twice, since what is said of the first life must not weigh on the third (memberlist#311).
    for _ in 0..2 {
        kill(&mut nodes);
        nodes.iter_mut().for_each(Node::restart);
        whole(&nodes).await;
    }
    // Elsewhere, while the name still tells where they were.
    kill(&mut nodes);
    let moved = start(&hosts, kinds, 101);
    for node in &moved {
        node.sees(node.name(), "alive").await;
        assert_eq!(node.members().await.expect("it answers").len(), 1, "nobody can be found yet");
    }
    network.name("seed", &[hosts.ip(101), hosts.ip(102)]);
    whole(&moved).await;
    nobody_failed(&moved);
}

#[tokio::test]
async fn a_cluster_outlives_the_death_of_everything() {
    let test = "outage::a_cluster_outlives_the_death_of_everything";
    let Some(network) = Network::own(test) else { return };
    outages(&network, &[Kind::Muster; 4]).await;
}

#[tokio::test]
async fn a_mixed_cluster_outlives_the_death_of_everything() {
    if !reference_is_here() {
        return;
    }
    let test = "outage::a_mixed_cluster_outlives_the_death_of_everything";
    let Some(network) = Network::own(test) else { return };
    outages(&network, &[Kind::Muster, Kind::Serf, Kind::Muster, Kind::Serf]).await;
}
