//! Halves of a cluster that lose each other and are let together again.

use muster_e2e::{Hosts, Kind, Network, Node, Traffic, reference_is_here, wait_for, whole};
use std::net::Ipv4Addr;

/// A cluster on hosts 1 to n of which odd ones lose the even ones.
struct Halves {
    hosts: Hosts,
    nodes: Vec<Node>,
}

impl Halves {
    async fn start(network: &Network, kinds: &[Kind], flags: impl Fn(Kind, &Hosts) -> Vec<String>) -> Self {
        let hosts = network.hosts((1..).take(kinds.len()));
        let start = |(kind, host): (&Kind, u8)| {
            let flags = flags(*kind, &hosts);
            let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
            Node::start(*kind, &hosts, host, &format!("{kind:?}-{host}"), &flags)
        };
        let nodes = kinds.iter().zip(1..).map(start).collect();
        Self { hosts, nodes }
    }

    fn half(&self, odd: bool) -> impl Iterator<Item = &Node> {
        self.nodes.iter().enumerate().filter(move |(nth, _)| (nth % 2 == 0) == odd).map(|(_, node)| node)
    }

    fn ips(&self, odd: bool) -> Vec<Ipv4Addr> {
        (1..)
            .take(self.nodes.len())
            .filter(|host| (host % 2 == 1) == odd)
            .map(|host| self.hosts.ip(host))
            .collect()
    }

    /// Cuts the halves and waits until each holds the other failed.
    async fn part(&self, network: &Network) {
        network.cut(&self.ips(true), &self.ips(false), Traffic::All);
        for odd in [true, false] {
            whole(self.half(odd)).await;
            for node in self.half(odd) {
                for lost in self.half(!odd) {
                    node.sees(lost.name(), "failed").await;
                }
            }
        }
    }

    /// Makes each half forget the other, as the reaping of long gone members does.
    async fn forget(&self) {
        for odd in [true, false] {
            for lost in self.half(!odd) {
                self.half(odd).next().expect("halves have nodes").force_leave(lost.name(), true);
            }
            for node in self.half(odd) {
                let count = self.half(odd).count();
                wait_for(&format!("{} forgets the others", node.name()), || async {
                    let members = node.members().await?;
                    if members.len() == count { Ok(()) } else { Err(format!("{members:?}")) }
                })
                .await;
            }
        }
    }
}

fn flags(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[tokio::test]
async fn halves_of_a_mixed_cluster_find_each_other_again() {
    if !reference_is_here() {
        return;
    }
    let test = "partition::halves_of_a_mixed_cluster_find_each_other_again";
    let Some(network) = Network::own(test) else { return };
    let kinds = [Kind::Serf, Kind::Muster, Kind::Muster, Kind::Serf];
    let config = tempfile::Builder::new().suffix(".json").tempfile().expect("a temporary file can be made");
    std::fs::write(config.path(), r#"{"reconnect_interval": "3s"}"#).expect("the file is there");
    let cluster = Halves::start(&network, &kinds, |kind, hosts| {
        let seed = hosts.at(1, 7946);
        let mut all = flags(&["-profile", "local", "-retry-join", &seed, "-retry-interval", "1s"]);
        if kind == Kind::Serf {
            all.extend(flags(&["-config-file", config.path().to_str().expect("a path of ASCII")]));
        }
        all
    })
    .await;
    whole(&cluster.nodes).await;
    for _ in 0..2 {
        cluster.part(&network).await;
        network.heal();
        whole(&cluster.nodes).await;
    }
}

/// Without seeds only those who failed can be tried, and they are.
#[tokio::test]
async fn halves_without_seeds_find_each_other_by_trying_the_failed() {
    let test = "partition::halves_without_seeds_find_each_other_by_trying_the_failed";
    let Some(network) = Network::own(test) else { return };
    let cluster = Halves::start(&network, &[Kind::Muster; 4], |_, _| flags(&["-profile", "local"])).await;
    let first = &cluster.nodes[0];
    for node in &cluster.nodes[1..] {
        node.join(first.address()).await;
    }
    whole(&cluster.nodes).await;
    cluster.part(&network).await;
    network.heal();
    whole(&cluster.nodes).await;
}

/// One name for all: each half finds itself under it, and must look for more.
#[tokio::test]
async fn halves_that_forgot_each_other_find_each_other_by_their_seeds() {
    let test = "partition::halves_that_forgot_each_other_find_each_other_by_their_seeds";
    let Some(network) = Network::own(test) else { return };
    let cluster = Halves::start(&network, &[Kind::Muster; 4], |_, hosts| {
        network.name("seeds", &[1, 2, 3, 4].map(|host| hosts.ip(host)));
        flags(&["-profile", "local", "-join", "seeds"])
    })
    .await;
    whole(&cluster.nodes).await;
    cluster.part(&network).await;
    cluster.forget().await;
    network.heal();
    whole(&cluster.nodes).await;
}
