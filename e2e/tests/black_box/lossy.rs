//! Forty of both kinds behind a router that loses one of twenty packets: nobody is taken for failed, what is exchanged by
//! streams gets through, and no queue grows.

use muster_e2e::{Kind, Network, Node, reference_is_here, wait_for, whole};
use std::collections::BTreeMap;
use std::time::Duration;

/// Of everything, datagrams and segments.
const LOST_PERCENT: u8 = 5;
/// Nodes of each kind.
const EACH: u8 = 20;
/// How long it is watched; `make proof` gives it longer by this variable.
const MINUTES_VARIABLE: &str = "MUSTER_E2E_LOSSY_MINUTES";
const MINUTES: u64 = 2;
/// How either kind tells that an exchange by a stream did not work out.
const EXCHANGE_FAILED: [&str; 4] =
    ["could not exchange state", "Push/Pull with", "Failed push/pull", "[ERR] memberlist"];
/// Not one of them: a ping by TCP has what is left of its probe, some half a second, which two lost segments in a row take. Others ask
/// the same member at the same time; whether anybody is taken for failed is looked at apart.
const PING_LATE: &str = "Failed fallback ping";
/// The queues of either kind, by their names among its figures.
const QUEUES: [&str; 3] = ["intent_queue", "event_queue", "query_queue"];

#[tokio::test]
async fn forty_of_both_kinds_stay_alive_where_one_packet_of_twenty_is_lost() {
    if !reference_is_here() {
        return;
    }
    let test = "lossy::forty_of_both_kinds_stay_alive_where_one_packet_of_twenty_is_lost";
    let Some(network) = Network::own(test) else { return };
    let hosts = network.hosts(1..=2 * EACH);
    let seed = hosts.at(1, 7946);
    let nodes: Vec<Node> = (1..=2 * EACH)
        .map(|host| {
            let kind = if host % 2 == 1 { Kind::Muster } else { Kind::Serf };
            let flags = ["-log-level", "debug", "-retry-join", &*seed, "-retry-interval", "1s"];
            Node::start(kind, &hosts, host, &format!("{kind:?}-{host}"), &flags)
        })
        .collect();
    whole(&nodes).await;
    let before: Vec<usize> = nodes.iter().map(|node| node.said().len()).collect();
    network.lose(LOST_PERCENT);
    let minutes = std::env::var(MINUTES_VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or(MINUTES);
    tokio::time::sleep(Duration::from_secs(60 * minutes)).await;
    whole(&nodes).await;

    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for (node, before) in nodes.iter().zip(before) {
        let said = node.said();
        let lines = || said[before..].lines();
        for word in ["Suspect ", "suspected by", "Refuting", "ourselves"] {
            *told.entry(word).or_default() += lines().filter(|line| line.contains(word)).count();
        }
        let bad = |words: &[&str]| -> Vec<&str> {
            lines().filter(|line| words.iter().any(|word| line.contains(word))).collect()
        };
        let failed: Vec<&str> =
            bad(&EXCHANGE_FAILED).into_iter().filter(|line| !line.contains(PING_LATE)).collect();
        assert_eq!(failed, Vec::<&str>::new(), "{}", node.name());
        assert_eq!(bad(&["EventMemberFailed", "member-failed"]), Vec::<&str>::new(), "{}", node.name());
        // A refutation may just be on its way; whatever grew would not end.
        wait_for(&format!("{} has told everything", node.name()), || async {
            let figures = node.figures()?;
            let empty = |queue: &str| figures.lines().any(|line| line.trim() == format!("{queue} = 0"));
            if QUEUES.iter().all(|queue| empty(queue)) { Ok(()) } else { Err(figures) }
        })
        .await;
    }
    eprintln!("{} nodes, {LOST_PERCENT} % lost for {minutes} min: {told:?}", nodes.len());
}
