//! What is yet to be told, and how often it still must be.
//!
//! Each message travels in a limited number of packets. Those told least often go first; among equals the largest that
//! still fits, then the newest. Source: memberlist's queue.go (`TransmitLimitedQueue`).

use crate::Ticket;
use crate::by_name::{ByName, Named};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;

/// Most messages kept; beyond, those told most often are dropped first (Serf: MaxQueueDepth).
pub(crate) const QUEUE_MAX: usize = 4096;

/// Who waits for the end of a broadcast.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Waiter {
    /// The layer above.
    Ticket(Ticket),
    /// Our own leave.
    Leave,
}

/// The order of choice is the order of the map.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Key {
    transmits: u32,
    size: Reverse<usize>,
    id: Reverse<u64>,
}

#[derive(Debug)]
struct Broadcast {
    /// How often it was told, and what else decides when it is chosen.
    key: Key,
    /// The node it is about; a newer one about the same node replaces it.
    about: Option<Arc<str>>,
    message: Vec<u8>,
    waiter: Option<Waiter>,
}

/// What a packet still has room for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) bytes: usize,
    pub(crate) parts: usize,
}

/// Messages waiting for their packets.
///
/// Each is chosen again and again while its place stays the same, so that being told once more costs no search by name.
#[derive(Debug)]
pub(crate) struct BroadcastQueue {
    /// Where each is, in the order of choice.
    waiting: BTreeMap<Key, usize>,
    places: Vec<Option<Broadcast>>,
    /// Places that are empty.
    free: Vec<usize>,
    about: ByName<About>,
    next_id: u64,
}

/// Where the news about a node is.
#[derive(Debug)]
struct About {
    node: Arc<str>,
    place: usize,
}

impl Named for About {
    fn name(&self) -> &str {
        &self.node
    }
}

impl BroadcastQueue {
    /// Empty; see [`ByName::new`] for the seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            waiting: BTreeMap::new(),
            places: Vec::new(),
            free: Vec::new(),
            about: ByName::new(seed),
            next_id: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Queues a message that replaces nothing.
    pub(crate) fn push(&mut self, message: Vec<u8>, waiter: Option<Waiter>, done: &mut Vec<Waiter>) {
        self.enqueue(None, message, waiter, done);
    }

    /// Queues the news about one node, in place of older news about it.
    pub(crate) fn push_about(
        &mut self,
        node: &Arc<str>,
        message: Vec<u8>,
        waiter: Option<Waiter>,
        done: &mut Vec<Waiter>,
    ) {
        if let Some(old) = self.about.get(node).map(|about| about.place).and_then(|place| self.drop_at(place))
        {
            done.extend(old.waiter);
        }
        self.enqueue(Some(node.clone()), message, waiter, done);
    }

    fn enqueue(
        &mut self,
        about: Option<Arc<str>>,
        message: Vec<u8>,
        waiter: Option<Waiter>,
        done: &mut Vec<Waiter>,
    ) {
        self.next_id += 1;
        let key = Key { transmits: 0, size: Reverse(message.len()), id: Reverse(self.next_id) };
        let place = self.free.pop().unwrap_or(self.places.len());
        if let Some(node) = &about {
            self.about.insert(About { node: node.clone(), place });
        }
        let broadcast = Some(Broadcast { key, about, message, waiter });
        match self.places.get_mut(place) {
            Some(empty) => *empty = broadcast,
            None => self.places.push(broadcast),
        }
        self.waiting.insert(key, place);
        while self.waiting.len() > QUEUE_MAX {
            let Some((_, last)) = self.waiting.last_key_value() else { break };
            done.extend(self.drop_at(*last).and_then(|dropped| dropped.waiter));
        }
    }

    /// Takes a message out for good.
    fn drop_at(&mut self, place: usize) -> Option<Broadcast> {
        let dropped = self.places.get_mut(place)?.take()?;
        self.waiting.remove(&dropped.key);
        if let Some(about) = dropped.about.as_ref().and_then(|node| self.about.find(node)) {
            self.about.remove(about);
        }
        self.free.push(place);
        if self.free.len() == self.places.len() {
            // After a burst these are thousands.
            (self.places, self.free) = (Vec::new(), Vec::new());
        }
        Some(dropped)
    }

    /// Hands the messages for one packet to `each`, each costing `overhead` bytes beyond its own length, and counts them
    /// as told once more. At `limit` a message is done.
    pub(crate) fn take(
        &mut self,
        limit: u32,
        overhead: usize,
        room: &mut Room,
        each: &mut dyn FnMut(&[u8]),
        done: &mut Vec<Waiter>,
    ) {
        // Put back only at the end, or a message would be met again in the next tier.
        let mut again = Vec::new();
        let mut tier = 0;
        while room.parts > 0 && room.bytes > overhead {
            let fits = Key { transmits: tier, size: Reverse(room.bytes - overhead), id: Reverse(u64::MAX) };
            let Some((&key, &place)) = self.waiting.range(fits..).next() else { break };
            if key.transmits > tier {
                // Nothing small enough is left in this tier; the size bound must be applied afresh in the next.
                tier = key.transmits;
                continue;
            }
            let Some(broadcast) = self.places.get_mut(place).and_then(Option::as_mut) else { break };
            each(&broadcast.message);
            room.bytes -= overhead + broadcast.message.len();
            room.parts -= 1;
            if key.transmits + 1 < limit {
                broadcast.key.transmits += 1;
                again.push((broadcast.key, place));
                self.waiting.remove(&key);
            } else {
                done.extend(self.drop_at(place).and_then(|told| told.waiter));
            }
        }
        self.waiting.extend(again);
    }
}

/// In how many packets a message travels in a cluster of `members`: `mult * ceil(log10(members + 1))`.
pub(crate) fn retransmit_limit(mult: u32, members: usize) -> u32 {
    // ceil(log10(n + 1)) is the number of decimal digits of n, and 0 for 0.
    mult.saturating_mul(members.checked_ilog10().map_or(0, |log| log + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_END: u32 = u32::MAX;

    fn taken(queue: &mut BroadcastQueue, limit: u32, bytes: usize) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        let mut room = Room { bytes, parts: 255 };
        queue.take(limit, 2, &mut room, &mut |message| out.push(message.to_vec()), &mut Vec::new());
        out
    }

    fn filled(messages: &[&[u8]]) -> BroadcastQueue {
        let mut queue = BroadcastQueue::new(1);
        for message in messages {
            queue.push(message.to_vec(), None, &mut Vec::new());
        }
        queue
    }

    /// memberlist's util_test.go, TestRetransmitLimit; and where its logarithm steps.
    #[test]
    fn the_limit_is_memberlists() {
        for (members, limit) in [(0, 0), (1, 3), (9, 3), (10, 6), (99, 6), (100, 9), (999, 9), (1000, 12)] {
            assert_eq!(retransmit_limit(3, members), limit, "{members} members");
        }
    }

    /// The reference counts in floating point.
    #[test]
    fn the_limit_is_the_ceiling_of_the_logarithm_for_every_size_we_keep() {
        for members in 0..=65_536_u32 {
            let reference = 4.0 * (f64::from(members) + 1.0).log10().ceil();
            let ours = retransmit_limit(4, usize::try_from(members).unwrap());
            assert!((f64::from(ours) - reference).abs() < 0.5, "{members} members: {ours} and {reference}");
        }
    }

    #[test]
    fn a_message_travels_as_often_as_the_limit_says() {
        let mut queue = filled(&[b"a"]);
        for _ in 0..4 {
            assert_eq!(taken(&mut queue, 4, 100), [b"a"]);
        }
        assert!(queue.is_empty());
    }

    #[test]
    fn largest_first_then_newest() {
        let mut queue = filled(&[b"x1", b"long", b"x2"]);
        assert_eq!(taken(&mut queue, NO_END, 100), [b"long".to_vec(), b"x2".to_vec(), b"x1".to_vec()]);
    }

    #[test]
    fn least_told_before_larger() {
        let mut queue = filled(&[b"longer"]);
        taken(&mut queue, NO_END, 100);
        queue.push(b"new".to_vec(), None, &mut Vec::new());
        assert_eq!(taken(&mut queue, NO_END, 100), [b"new".to_vec(), b"longer".to_vec()]);
    }

    #[test]
    fn what_does_not_fit_is_passed_over_in_every_tier() {
        let mut queue = filled(&[b"0123456789", b"abc"]);
        taken(&mut queue, NO_END, 100);
        queue.push(b"9876543210".to_vec(), None, &mut Vec::new());
        queue.push(b"de".to_vec(), None, &mut Vec::new());
        // 9 bytes: "de" costs 4, "abc" of the second tier 5; the two long ones never fit.
        assert_eq!(taken(&mut queue, NO_END, 9), [b"de".to_vec(), b"abc".to_vec()]);
        assert_eq!(taken(&mut queue, NO_END, 2), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn newer_news_about_a_node_replace_older_and_tell_who_waits() {
        let mut queue = BroadcastQueue::new(1);
        let mut done = Vec::new();
        let node = Arc::from("n");
        queue.push_about(&node, b"old".to_vec(), Some(Waiter::Ticket(Ticket(7))), &mut done);
        assert_eq!(done, []);
        queue.push_about(&node, b"new".to_vec(), None, &mut done);
        assert_eq!(done, [Waiter::Ticket(Ticket(7))]);
        assert_eq!(taken(&mut queue, NO_END, 100), [b"new"]);
        // Also once it has been told: its key has changed by then.
        queue.push_about(&node, b"last".to_vec(), None, &mut done);
        assert_eq!(taken(&mut queue, 1, 100), [b"last"]);
        assert!(queue.is_empty() && queue.about.is_empty());
    }

    #[test]
    fn a_full_queue_drops_what_was_told_most() {
        let mut queue = filled(&[b"told"]);
        taken(&mut queue, NO_END, 100);
        let mut done = Vec::new();
        for _ in 0..QUEUE_MAX {
            queue.push(b"untold".to_vec(), Some(Waiter::Leave), &mut done);
        }
        assert_eq!((queue.len(), done.len()), (QUEUE_MAX, 0));
        queue.push(b"untold".to_vec(), Some(Waiter::Leave), &mut done);
        assert_eq!((queue.len(), done.len()), (QUEUE_MAX, 1));
    }

    #[test]
    fn a_packet_takes_no_more_parts_than_it_may() {
        let mut queue = filled(&[b"a", b"b", b"c"]);
        let mut out = 0;
        let mut room = Room { bytes: 1000, parts: 2 };
        queue.take(NO_END, 2, &mut room, &mut |_| out += 1, &mut Vec::new());
        assert_eq!((out, room.parts), (2, 0));
    }
}
