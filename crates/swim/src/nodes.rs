//! Everyone we know of, ourselves included, and the order of probing.
//!
//! An order drawn at random serves the two questions SWIM asks all the time, "who is next?" and "give me a few at random";
//! an index by name serves the third. Source: memberlist's state.go (`nodes`, `nodeMap`, `resetNodes`).
//!
//! What is known of everybody is kept small, because everybody knows everybody; what is known of few is kept elsewhere,
//! by slot or name: suspicions, claims, findings.

use crate::Announcement;
use crate::by_name::{ByName, Named, Slot, push_tight};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;
use core::time::Duration;
use fastrand::Rng;
use muster_wire::memberlist::NodeState;

/// Most nodes we keep: forged announcements must not exhaust memory. memberlist has no bound; its users stay far below.
pub(crate) const NODES_MAX: usize = 65_536;

/// One node, as last announced and as we judge it. Reads as its announcement.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) announced: Arc<Announcement>,
    pub(crate) incarnation: u32,
    /// How long the last direct ping took; 0 if none was answered.
    round_trip_micros: u32,
    /// Where in the order of probing.
    place: u32,
    state: NodeState,
}

impl Node {
    /// A node just heard of. Dead with incarnation 0, so that any announcement brings it to life.
    pub(crate) fn unheard(announced: Arc<Announcement>) -> Self {
        Self { announced, incarnation: 0, round_trip_micros: 0, place: 0, state: NodeState::Dead }
    }

    pub(crate) fn state(&self) -> NodeState {
        self.state
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
}

impl Deref for Node {
    type Target = Announcement;
    fn deref(&self) -> &Announcement {
        &self.announced
    }
}

impl Named for Node {
    fn name(&self) -> &str {
        &self.announced.name
    }
}

fn is_present(state: NodeState) -> bool {
    matches!(state, NodeState::Alive | NodeState::Suspect)
}

/// The member list.
#[derive(Debug)]
pub(crate) struct Nodes {
    known: ByName<Node>,
    /// All of them, in the order of probing.
    order: Vec<Slot>,
    /// Where in `order` the next probe looks.
    cursor: usize,
    present: usize,
}

impl Nodes {
    /// Nobody yet.
    pub(crate) fn new(seed: u64) -> Self {
        Self { known: ByName::new(seed), order: Vec::new(), cursor: 0, present: 0 }
    }

    /// Known nodes in every state, ourselves included: SWIM's n.
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// Nodes alive or suspect, ourselves included.
    pub(crate) fn present(&self) -> usize {
        self.present
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Node> {
        self.known.iter()
    }

    pub(crate) fn find(&self, name: &str) -> Option<Slot> {
        self.known.find(name)
    }

    pub(crate) fn find_in_turn(&self, name: &str, turn: &mut Slot) -> Option<Slot> {
        self.known.find_in_turn(name, turn)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.known.get(name)
    }

    pub(crate) fn at(&self, slot: Slot) -> Option<&Node> {
        self.known.at(slot)
    }

    pub(crate) fn at_mut(&mut self, slot: Slot) -> Option<&mut Node> {
        self.known.at_mut(slot)
    }

    /// Makes room for so many more.
    pub(crate) fn reserve(&mut self, more: usize) {
        self.known.reserve(more);
        self.order.reserve_exact(more);
    }

    /// Adds a node at a random place of the probe order: appended ones would all be probed last.
    pub(crate) fn insert(&mut self, node: Node, rng: &mut Rng) -> Slot {
        self.present += usize::from(node.is_present());
        let slot = self.known.insert(node);
        let last = self.order.len();
        push_tight(&mut self.order, slot);
        self.swap(rng.usize(..=last), last);
        slot
    }

    /// Drops a node without disturbing who was probed already in this round.
    pub(crate) fn remove(&mut self, slot: Slot) {
        let Some(node) = self.known.remove(slot) else { return };
        self.present -= usize::from(node.is_present());
        let mut place = node.place as usize;
        if place < self.cursor {
            self.cursor -= 1;
            self.swap(place, self.cursor);
            place = self.cursor;
        }
        self.order.swap_remove(place);
        self.note_place(place);
    }

    /// Judges a node anew.
    pub(crate) fn set_state(&mut self, slot: Slot, state: NodeState) {
        let Some(node) = self.known.at_mut(slot) else { return };
        self.present -= usize::from(is_present(node.state));
        self.present += usize::from(is_present(state));
        node.state = state;
    }

    /// The next present node in probe order other than `own`; a new order is drawn when all had their turn.
    pub(crate) fn next_to_probe(&mut self, own: Slot, rng: &mut Rng) -> Option<Slot> {
        let place = match self.find_from(self.cursor, own) {
            Some(place) => place,
            None => {
                self.shuffle(rng);
                self.find_from(0, own)?
            }
        };
        self.cursor = place + 1;
        self.order.get(place).copied()
    }

    fn find_from(&self, start: usize, own: Slot) -> Option<usize> {
        let is_next = |slot: &Slot| *slot != own && self.at(*slot).is_some_and(Node::is_present);
        self.order.get(start..)?.iter().position(is_next).map(|offset| start + offset)
    }

    /// Up to `count` distinct nodes that `fits` accepts, in random order.
    pub(crate) fn pick(&self, count: usize, rng: &mut Rng, fits: impl Fn(Slot, &Node) -> bool) -> Vec<Slot> {
        let total = self.order.len();
        let fits = |slot: &Slot| self.at(*slot).is_some_and(|node| fits(*slot, node));
        // Drawing with replacement misses members of small lists, so those are shuffled; large ones would cost too much.
        if total < count.saturating_mul(3) {
            let mut chosen: Vec<Slot> = self.order.iter().copied().filter(&fits).collect();
            rng.shuffle(&mut chosen);
            chosen.truncate(count);
            return chosen;
        }
        let mut chosen = Vec::with_capacity(count);
        for _ in 0..total.saturating_mul(3) {
            if chosen.len() == count {
                break;
            }
            if let Some(slot) = self.order.get(rng.usize(..total))
                && !chosen.contains(slot)
                && fits(slot)
            {
                chosen.push(*slot);
            }
        }
        chosen
    }

    fn shuffle(&mut self, rng: &mut Rng) {
        rng.shuffle(&mut self.order);
        self.cursor = 0;
        for place in 0..self.order.len() {
            self.note_place(place);
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.order.swap(a, b);
        self.note_place(a);
        self.note_place(b);
    }

    /// Tells the node at that place of the order where it is.
    fn note_place(&mut self, place: usize) {
        if let Some(node) = self.order.get(place).and_then(|slot| self.known.at_mut(*slot)) {
            node.place = u32::try_from(place).unwrap_or(u32::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_wire::{RawAddr, Versions};
    use std::collections::BTreeSet;

    fn filled(count: usize) -> (Nodes, Rng) {
        let (mut nodes, mut rng) = (Nodes::new(1), Rng::with_seed(1));
        for at in 0..count {
            insert(&mut nodes, &mut rng, &at.to_string());
        }
        (nodes, rng)
    }

    fn insert(nodes: &mut Nodes, rng: &mut Rng, name: &str) {
        let announced = Announcement {
            name: name.into(),
            addr: RawAddr::V4([10, 0, 0, 1]),
            port: 1,
            meta: Vec::new(),
            versions: Versions::OURS,
        };
        let slot = nodes.insert(Node::unheard(announced.into()), rng);
        nodes.set_state(slot, NodeState::Alive);
    }

    fn judge(nodes: &mut Nodes, name: &str, state: NodeState) {
        nodes.set_state(nodes.find(name).unwrap(), state);
    }

    fn next(nodes: &mut Nodes, rng: &mut Rng) -> Option<String> {
        let own = nodes.find("0").unwrap();
        let slot = nodes.next_to_probe(own, rng)?;
        Some(nodes.at(slot).unwrap().name.to_string())
    }

    fn round(nodes: &mut Nodes, rng: &mut Rng, length: usize) -> Vec<String> {
        (0..length).map(|_| next(nodes, rng).unwrap()).collect()
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
        judge(&mut nodes, "1", NodeState::Dead);
        assert_eq!(round(&mut nodes, &mut rng, 2), ["2", "2"]);
        judge(&mut nodes, "2", NodeState::Left);
        assert!(next(&mut nodes, &mut rng).is_none());
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
                nodes.remove(nodes.find(&name).unwrap());
                left.remove(&name);
                probed.remove(&name);
            }
            while probed.len() < left.len() {
                let name = next(&mut nodes, &mut rng).unwrap();
                assert!(probed.insert(name), "seed {seed}: twice before all had their turn");
            }
        }
    }

    #[test]
    fn the_order_holds_everybody_once_whoever_comes_and_goes() {
        let (mut nodes, mut rng) = filled(1);
        let mut model = BTreeSet::from(["0".to_owned()]);
        for step in 0..2000 {
            let name = rng.usize(1..60).to_string();
            match rng.u8(0..3) {
                0 if model.insert(name.clone()) => insert(&mut nodes, &mut rng, &name),
                1 if model.remove(&name) => nodes.remove(nodes.find(&name).unwrap()),
                _ => drop(next(&mut nodes, &mut rng)),
            }
            assert_eq!((nodes.len(), nodes.present()), (model.len(), model.len()), "step {step}");
            let ordered = nodes.order.iter().map(|slot| nodes.at(*slot).unwrap().name.to_string());
            assert_eq!(ordered.collect::<BTreeSet<_>>(), model);
            let placed = |(place, slot): (usize, &Slot)| nodes.at(*slot).unwrap().place as usize == place;
            assert!(nodes.order.len() == model.len() && nodes.order.iter().enumerate().all(placed));
        }
    }

    #[test]
    fn picks_are_distinct_fitting_and_exhaustive_in_small_lists() {
        let (mut nodes, mut rng) = filled(8);
        judge(&mut nodes, "3", NodeState::Dead);
        let dead = nodes.find("3").unwrap();
        for count in [1, 2, 3, 7, 64] {
            let picked = nodes.pick(count, &mut rng, |_, node| node.is_present());
            let distinct: BTreeSet<_> = picked.iter().collect();
            assert_eq!((picked.len(), distinct.len()), (count.min(7), count.min(7)));
            assert!(!distinct.contains(&dead));
        }
    }

    /// A simulation of 10,000 nodes in one process holds 10^8 of these.
    #[test]
    fn a_node_takes_24_bytes() {
        assert_eq!(size_of::<Option<Node>>(), 24);
    }
}
