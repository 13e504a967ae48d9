//! Agents bound to every address of their host, which the reference tells of in 16 bytes instead of 4: the same member to both
//! kinds, before and after a restart.

use muster_e2e::{Kind, Network, Node, reference_is_here, whole};
use rustix::process::Signal;

/// Kind, and whether it is bound to every address or to its own.
const NODES: [(Kind, bool); 4] =
    [(Kind::Serf, true), (Kind::Muster, true), (Kind::Serf, false), (Kind::Muster, false)];

/// How either kind tells that one name has two addresses.
const CONFLICT: [&str; 3] = ["onflict", "also claimed by", "moved from"];

#[tokio::test]
async fn addresses_of_16_bytes_and_of_4_are_the_same_members() {
    if !reference_is_here() {
        return;
    }
    let test = "every_address::addresses_of_16_bytes_and_of_4_are_the_same_members";
    let Some(network) = Network::own(test) else { return };
    let hosts = network.hosts(1..=4);
    let seed = hosts.at(1, 7946);
    let mut nodes: Vec<Node> = (1..)
        .zip(NODES)
        .map(|(host, (kind, every))| {
            let mut flags = vec!["-retry-join", &*seed, "-retry-interval", "1s"];
            if every {
                // The later one counts, in both.
                flags.extend(["-bind", "0.0.0.0:7946"]);
            }
            Node::start(kind, &hosts, host, &format!("n{host}"), &flags)
        })
        .collect();
    whole(&nodes).await;
    for nth in 0..nodes.len() {
        // Without a leave: whoever comes back is taken in as the one that was there.
        nodes[nth].process().signal(Signal::KILL);
        nodes[nth].process().ends().await;
        nodes[nth].restart();
        whole(&nodes).await;
    }
    for node in &nodes {
        assert_eq!(node.lines(&CONFLICT), Vec::<String>::new(), "{}:\n{}", node.name(), node.said());
    }
}
