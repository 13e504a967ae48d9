//! Everyone we know of, ourselves included, in the order of probing.
//!
//! A vector in random order serves the two questions SWIM asks all the time, "who is next?" and "give me a few at
//! random"; an index by name serves the third. Source: memberlist's state.go (`nodes`, `nodeMap`, `resetNodes`).

use crate::suspicion::Suspicion;
use crate::{Instant, NodeView};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use fastrand::Rng;
use muster_wire::memberlist::NodeState;
use muster_wire::{RawAddr, Versions};

/// Most nodes we keep: forged announcements must not exhaust memory. memberlist has no bound; its users stay far below.
pub(crate) const NODES_MAX: usize = 65_536;

/// From this memberlist version on, a ping on a stream is answered.
const ANSWERS_STREAM_PINGS: u8 = 3;
/// From this memberlist version on, a relay tells us when the target stayed silent.
const SENDS_NACKS: u8 = 4;
/// From this memberlist version on, a CRC before a packet is understood.
const READS_CRC: u8 = 5;

/// One node, as last announced and as we judge it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: Arc<str>,
    pub(crate) addr: RawAddr,
    pub(crate) port: u16,
    pub(crate) meta: Vec<u8>,
    pub(crate) versions: Versions,
    pub(crate) incarnation: u32,
    /// Running while the state is suspect.
    pub(crate) suspicion: Option<Suspicion>,
    /// How long the last direct ping took; 0 if none was answered.
    round_trip_micros: u32,
    state: NodeState,
    changed: Instant,
}

impl Node {
    /// A node just heard of. Dead with incarnation 0, so that any announcement brings it to life.
    pub(crate) fn unheard(name: &str, addr: RawAddr, port: u16, versions: Versions) -> Self {
        Self {
            name: name.into(),
            addr,
            port,
            meta: Vec::new(),
            versions,
            incarnation: 0,
            suspicion: None,
            round_trip_micros: 0,
            state: NodeState::Dead,
            changed: Instant::default(),
        }
    }

    pub(crate) fn state(&self) -> NodeState {
        self.state
    }

    /// When the state last changed.
    pub(crate) fn changed(&self) -> Instant {
        self.changed
    }

    /// Alive or suspect.
    pub(crate) fn is_present(&self) -> bool {
        is_present(self.state)
    }

    /// How long the last direct ping took.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        (self.round_trip_micros > 0).then(|| Duration::from_micros(self.round_trip_micros.into()))
    }

    pub(crate) fn set_round_trip(&mut self, time: Duration) {
        self.round_trip_micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX).max(1);
    }

    pub(crate) fn socket_addr(&self) -> SocketAddr {
        SocketAddr::new(self.addr.ip(), self.port)
    }

    pub(crate) fn view(&self) -> NodeView {
        NodeView {
            name: (*self.name).into(),
            addr: self.addr,
            port: self.port,
            meta: self.meta.clone(),
            versions: self.versions,
        }
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer {
            name: self.name.clone(),
            at: self.socket_addr(),
            answers_stream_pings: self.versions.protocol_max() >= ANSWERS_STREAM_PINGS,
            sends_nacks: self.versions.protocol_max() >= SENDS_NACKS,
            reads_crc: self.versions.protocol_max() >= READS_CRC,
        }
    }
}

/// What must be known of a node to send to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Peer {
    pub(crate) name: Arc<str>,
    pub(crate) at: SocketAddr,
    pub(crate) answers_stream_pings: bool,
    pub(crate) sends_nacks: bool,
    pub(crate) reads_crc: bool,
}

fn is_present(state: NodeState) -> bool {
    matches!(state, NodeState::Alive | NodeState::Suspect)
}

/// The member list.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    list: Vec<Node>,
    place: BTreeMap<Arc<str>, usize>,
    /// Where in `list` the next probe looks.
    cursor: usize,
    present: usize,
}

impl Nodes {
    /// Known nodes in every state, ourselves included: SWIM's n.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Nodes alive or suspect, ourselves included.
    pub(crate) fn present(&self) -> usize {
        self.present
    }

    pub(crate) fn iter(&self) -> core::slice::Iter<'_, Node> {
        self.list.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> core::slice::IterMut<'_, Node> {
        self.list.iter_mut()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.list.get(*self.place.get(name)?)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.list.get_mut(*self.place.get(name)?)
    }

    /// Adds a node at a random place of the probe order: appended ones would all be probed last.
    pub(crate) fn insert(&mut self, node: Node, rng: &mut Rng) {
        debug_assert!(self.get(&node.name).is_none(), "a name is inserted once");
        let last = self.list.len();
        self.present += usize::from(node.is_present());
        self.place.insert(node.name.clone(), last);
        self.list.push(node);
        self.swap(rng.usize(..=last), last);
    }

    /// Drops a node without disturbing who was probed already in this round.
    pub(crate) fn remove(&mut self, name: &str) {
        let Some(mut at) = self.place.remove(name) else { return };
        if at < self.cursor {
            self.cursor -= 1;
            self.swap(at, self.cursor);
            at = self.cursor;
        }
        let node = self.list.swap_remove(at);
        self.present -= usize::from(node.is_present());
        if let Some(moved) = self.list.get(at) {
            self.place.insert(moved.name.clone(), at);
        }
    }

    /// Judges a node anew.
    pub(crate) fn set_state(&mut self, name: &str, state: NodeState, now: Instant) {
        let Some(node) = self.place.get(name).and_then(|at| self.list.get_mut(*at)) else { return };
        if node.state == state {
            return;
        }
        self.present -= usize::from(is_present(node.state));
        self.present += usize::from(is_present(state));
        node.state = state;
        node.changed = now;
    }

    /// The next present node in probe order other than `own`; a new order is drawn when all had their turn.
    pub(crate) fn next_to_probe(&mut self, own: &str, rng: &mut Rng) -> Option<&Node> {
        let at = match self.find_from(self.cursor, own) {
            Some(at) => at,
            None => {
                self.shuffle(rng);
                self.find_from(0, own)?
            }
        };
        self.cursor = at + 1;
        self.list.get(at)
    }

    fn find_from(&self, start: usize, own: &str) -> Option<usize> {
        let rest = self.list.get(start..)?;
        rest.iter().position(|node| node.is_present() && *node.name != *own).map(|offset| start + offset)
    }

    /// Up to `count` distinct nodes that `fits` accepts, in random order.
    pub(crate) fn pick(&self, count: usize, rng: &mut Rng, fits: impl Fn(&Node) -> bool) -> Vec<Peer> {
        let total = self.list.len();
        // Drawing with replacement misses members of small lists, so those are shuffled; large ones would cost too much.
        let mut chosen: Vec<usize> = Vec::new();
        if total < count.saturating_mul(3) {
            chosen = (0..total).collect();
            rng.shuffle(&mut chosen);
            chosen.retain(|at| self.list.get(*at).is_some_and(&fits));
            chosen.truncate(count);
        } else {
            for _ in 0..total.saturating_mul(3) {
                if chosen.len() == count {
                    break;
                }
                let at = rng.usize(..total);
                if !chosen.contains(&at) && self.list.get(at).is_some_and(&fits) {
                    chosen.push(at);
                }
            }
        }
        chosen.into_iter().filter_map(|at| self.list.get(at).map(Node::peer)).collect()
    }

    fn shuffle(&mut self, rng: &mut Rng) {
        rng.shuffle(&mut self.list);
        self.cursor = 0;
        for (at, node) in self.list.iter().enumerate() {
            if let Some(place) = self.place.get_mut(&node.name) {
                *place = at;
            }
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.list.swap(a, b);
        for at in [a, b] {
            if let Some(place) = self.list.get(at).and_then(|node| self.place.get_mut(&node.name)) {
                *place = at;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn filled(count: usize) -> (Nodes, Rng) {
        let (mut nodes, mut rng) = (Nodes::default(), Rng::with_seed(1));
        for at in 0..count {
            insert(&mut nodes, &mut rng, &at.to_string());
        }
        (nodes, rng)
    }

    fn insert(nodes: &mut Nodes, rng: &mut Rng, name: &str) {
        nodes.insert(Node::unheard(name, RawAddr::V4([10, 0, 0, 1]), 1, Versions::OURS), rng);
        nodes.set_state(name, NodeState::Alive, Instant::default());
    }

    fn round(nodes: &mut Nodes, rng: &mut Rng, length: usize) -> Vec<String> {
        (0..length).map(|_| nodes.next_to_probe("0", rng).unwrap().name.to_string()).collect()
    }

    #[test]
    fn each_round_probes_everyone_once_in_a_new_order() {
        let (mut nodes, mut rng) = filled(20);
        let first = round(&mut nodes, &mut rng, 19);
        let second = round(&mut nodes, &mut rng, 19);
        let others: BTreeSet<String> = (1..20).map(|at: usize| at.to_string()).collect();
        assert_eq!(first.iter().cloned().collect::<BTreeSet<_>>(), others);
        assert_eq!(second.iter().cloned().collect::<BTreeSet<_>>(), others);
        assert_ne!(first, second);
        assert_ne!(first, (1..20).map(|at: usize| at.to_string()).collect::<Vec<_>>(), "not as they came");
    }

    #[test]
    fn the_gone_are_not_probed_and_alone_there_is_nobody() {
        let (mut nodes, mut rng) = filled(3);
        nodes.set_state("1", NodeState::Dead, Instant::default());
        assert_eq!(round(&mut nodes, &mut rng, 2), ["2", "2"]);
        nodes.set_state("2", NodeState::Left, Instant::default());
        assert!(nodes.next_to_probe("0", &mut rng).is_none());
        assert_eq!(nodes.present(), 1);
    }

    #[test]
    fn a_removal_makes_nobody_miss_its_turn() {
        for seed in 0..50 {
            let (mut nodes, _) = filled(20);
            let mut rng = Rng::with_seed(seed);
            let mut probed: BTreeSet<String> = round(&mut nodes, &mut rng, 10).into_iter().collect();
            let mut left: BTreeSet<String> = (1..20).map(|at: usize| at.to_string()).collect();
            for _ in 0..5 {
                let name = rng.choice(left.iter().cloned().collect::<Vec<_>>()).unwrap();
                nodes.remove(&name);
                left.remove(&name);
                probed.remove(&name);
            }
            while probed.len() < left.len() {
                let name = nodes.next_to_probe("0", &mut rng).unwrap().name.to_string();
                assert!(probed.insert(name), "seed {seed}: twice before all had their turn");
            }
        }
    }

    #[test]
    fn the_index_follows_whatever_moves() {
        let (mut nodes, mut rng) = filled(0);
        let mut model = BTreeSet::new();
        for step in 0..2000 {
            let name = rng.usize(0..60).to_string();
            match rng.u8(0..3) {
                0 if model.insert(name.clone()) => insert(&mut nodes, &mut rng, &name),
                1 if model.remove(&name) => nodes.remove(&name),
                _ => drop(nodes.next_to_probe("none", &mut rng).map(|node| node.port)),
            }
            assert_eq!((nodes.len(), nodes.present()), (model.len(), model.len()), "step {step}");
            assert!(model.iter().all(|name| nodes.get(name).is_some_and(|node| *node.name == **name)));
        }
    }

    #[test]
    fn picks_are_distinct_fitting_and_exhaustive_in_small_lists() {
        let (mut nodes, mut rng) = filled(8);
        nodes.set_state("3", NodeState::Dead, Instant(Duration::from_secs(1)));
        for count in [1, 2, 3, 7, 64] {
            let picked = nodes.pick(count, &mut rng, Node::is_present);
            let names: BTreeSet<_> = picked.iter().map(|peer| peer.name.clone()).collect();
            assert_eq!((picked.len(), names.len()), (count.min(7), count.min(7)));
            assert!(!names.contains("3"));
        }
    }
}
