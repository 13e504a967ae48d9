//! Five minutes in which nothing happens, and nothing is said.

use muster_e2e::{Kind, Network, Node, reference_is_here, whole};
use std::collections::BTreeMap;
use std::time::Duration;

const QUIET: Duration = Duration::from_secs(300);
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Nodes of each kind.
const EACH: u8 = 10;
/// A probe and its answer are two datagrams a second of each node, of every ten or so one is lost to gossip; five times
/// that would be a storm.
const DATAGRAMS_PER_NODE_AND_SECOND_MAX: u64 = 12;

/// What counts as worth telling.
const LOUD: [&str; 4] = ["[WARN]", "[ERR]", " WARN ", " ERROR "];

/// What may happen on a busy machine, where an answer may miss its half second or a process stand still: counted and not
/// forbidden. Two of the words are the reference's.
const BUSY: [&str; 4] =
    ["Refuting a suspect", "Was able to connect to", "TCP works but UDP does not", "was stopped or starved"];

/// How each kind tells that somebody came, changed, left or failed. (The reference's handlers hear of it a second later.)
const JOINS_AND_SUCH: [&str; 2] = ["serf: EventMember", "gossip: member-"];

#[tokio::test]
async fn twenty_of_both_kinds_are_quiet_for_five_minutes() {
    if !reference_is_here() {
        return;
    }
    let test = "quiet::twenty_of_both_kinds_are_quiet_for_five_minutes";
    let Some(network) = Network::own(test) else { return };
    let hosts = network.hosts(1..=2 * EACH);
    let seed = hosts.at(1, 7946);
    let mut nodes = Vec::new();
    for host in 1..=2 * EACH {
        let kind = if host % 2 == 1 { Kind::Muster } else { Kind::Serf };
        let mut flags = vec!["-encrypt", KEY, "-log-level", "debug"];
        if host > 1 {
            flags.extend(["-join", &seed]);
        }
        nodes.push(Node::start(kind, &hosts, host, &format!("{kind:?}-{host}"), &flags));
        if host == 1 {
            whole(&nodes).await;
        }
    }
    whole(&nodes).await;
    let before: Vec<usize> = nodes.iter().map(|node| node.said().len()).collect();
    network.count_all("datagrams");
    tokio::time::sleep(QUIET).await;
    let datagrams = network.counted("datagrams");
    whole(&nodes).await;

    let mut events: BTreeMap<&str, usize> = BTreeMap::new();
    let mut loud = Vec::new();
    for (node, before) in nodes.iter().zip(before) {
        for line in node.said()[before..].lines() {
            for word in JOINS_AND_SUCH.into_iter().chain(BUSY).chain(["Suspect ", "suspected by"]) {
                *events.entry(word).or_default() += usize::from(line.contains(word));
            }
            let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
            if has(&LOUD) && !has(&BUSY) {
                loud.push(format!("{}: {line}", node.name()));
            }
        }
    }
    let rate = datagrams / QUIET.as_secs() / nodes.len() as u64;
    eprintln!(
        "{} nodes quiet for {QUIET:?}: {datagrams} datagrams, {rate} a node and second; {events:?}",
        nodes.len()
    );
    assert_eq!(loud, Vec::<String>::new());
    assert_eq!(
        JOINS_AND_SUCH.iter().map(|word| events[word]).sum::<usize>(),
        0,
        "nobody came, went or failed: {events:?}"
    );
    assert!(rate <= DATAGRAMS_PER_NODE_AND_SECOND_MAX, "{rate} datagrams a node and second");
}
