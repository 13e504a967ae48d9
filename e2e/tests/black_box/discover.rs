//! Agents find each other by multicast DNS, of either kind, with no seed anywhere.

use muster_e2e::{Hosts, Kind, Network, Node, reference_is_here, whole};

const V4_ONLY: &str = "-mdns-disable-ipv6";
const V6_ONLY: &str = "-mdns-disable-ipv4";

/// Three hosts on one segment.
fn segment(network: &Network) -> Hosts {
    let hosts = network.hosts(1..=3);
    network.segment(&hosts, 1..=3);
    hosts
}

async fn find_each_other(test: &str, kinds: &[Kind], how: &[&str]) {
    if !reference_is_here() {
        return;
    }
    let Some(network) = Network::own(test) else { return };
    let hosts = segment(&network);
    let mut nodes = Vec::new();
    for (host, kind) in (1..).zip(kinds) {
        // Debian's Serf knows none of the others: it always speaks both families, where the routes lead it.
        let mut flags = vec!["-discover", "lab"];
        if *kind == Kind::Muster {
            flags.extend(how);
        }
        if !flags.contains(&"-mdns-iface") {
            network.prefer_segment(&hosts, host);
        }
        nodes.push(Node::start(*kind, &hosts, host, &format!("n{host}"), &flags));
        // The next one asks at its start; that this one answers is seen below.
        whole(&nodes).await;
    }
    // The last one asked and joined; the others do not ask again for a minute.
    let last = nodes.last().expect("there are some");
    assert!(
        !last.lines(&["joined a member found by multicast DNS", "agent.mdns: Joined"]).is_empty(),
        "{}",
        last.said()
    );
    assert_eq!(
        nodes[0].lines(&["joined a member found by multicast DNS", "agent.mdns: Joined 2"]),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn muster_finds_muster() {
    find_each_other(
        "discover::muster_finds_muster",
        &[Kind::Muster, Kind::Muster, Kind::Muster],
        &[V4_ONLY, "-mdns-iface", "segment"],
    )
    .await;
}

#[tokio::test]
async fn muster_finds_serf() {
    find_each_other(
        "discover::muster_finds_serf",
        &[Kind::Serf, Kind::Muster],
        &[V4_ONLY, "-mdns-iface", "segment"],
    )
    .await;
}

#[tokio::test]
async fn serf_finds_muster() {
    find_each_other(
        "discover::serf_finds_muster",
        &[Kind::Muster, Kind::Serf],
        &[V4_ONLY, "-mdns-iface", "segment"],
    )
    .await;
}

#[tokio::test]
async fn by_ipv6_alone() {
    find_each_other(
        "discover::by_ipv6_alone",
        &[Kind::Serf, Kind::Muster, Kind::Muster],
        &[V6_ONLY, "-mdns-iface", "segment"],
    )
    .await;
}

#[tokio::test]
async fn by_ipv6_alone_where_the_system_chooses_the_interface() {
    find_each_other(
        "discover::by_ipv6_alone_where_the_system_chooses_the_interface",
        &[Kind::Serf, Kind::Muster, Kind::Muster],
        &[V6_ONLY],
    )
    .await;
}

#[tokio::test]
async fn where_the_system_chooses_all() {
    find_each_other("discover::where_the_system_chooses_all", &[Kind::Muster, Kind::Serf, Kind::Muster], &[])
        .await;
}

#[tokio::test]
async fn another_name_is_another_cluster() {
    let Some(network) = Network::own("discover::another_name_is_another_cluster") else { return };
    let hosts = segment(&network);
    let flags = |name| ["-discover", name, "-mdns-iface", "segment", "-mdns-disable-ipv6"];
    let a = Node::start(Kind::Muster, &hosts, 1, "a", &flags("lab"));
    let stranger = Node::start(Kind::Muster, &hosts, 2, "stranger", &flags("other"));
    // Whoever is to find `a` comes after the stranger, so that had had its chance.
    let b = Node::start(Kind::Muster, &hosts, 3, "b", &flags("lab"));
    whole([&a, &b]).await;
    assert_eq!(stranger.members().await.map(|members| members.len()), Ok(1));
}
