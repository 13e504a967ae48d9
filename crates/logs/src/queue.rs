//! What waits for somebody who may be slow, or gone. Bounded: what does not fit is dropped and counted, and the count is told in the
//! place of what is missing.
//!
//! The queue also knows whether it is worth waiting for: whoever took something lately, or was given something lately, may take the
//! rest soon. One who took nothing for longer than our patience is not waited for, until he takes something again.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use crate::Instant;

/// See the module's page.
#[derive(Clone, Debug)]
pub struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    bytes_max: usize,
    /// Dropped and not told yet.
    dropped: u64,
    /// So many bytes of the first item are gone already.
    gone: usize,
    /// Something was taken, or waits, since then.
    since: Instant,
    is_stalled: bool,
}

#[derive(Clone, Debug)]
struct Item {
    bytes: Vec<u8>,
    /// So many dropped ones it tells of; none, if it is what somebody put.
    tells: u64,
}

impl Item {
    /// As so many dropped ones it counts when it is dropped itself.
    fn weight(&self) -> u64 {
        self.tells.max(1)
    }
}

/// An item costs more than its bytes: so much is counted for the rest.
const ITEM_COST: usize = 32;

impl Queue {
    /// An empty one that holds so many bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self {
            items: VecDeque::new(),
            bytes: 0,
            bytes_max,
            dropped: 0,
            gone: 0,
            since: Instant::default(),
            is_stalled: false,
        }
    }

    /// Adds an item, or counts it as dropped. `notice` makes an item of how many were dropped. Returns whether it is in.
    pub fn put(&mut self, item: Vec<u8>, now: Instant, notice: impl FnOnce(u64) -> Vec<u8>) -> bool {
        if self.bytes + item.len() + ITEM_COST > self.bytes_max && !self.items.is_empty() {
            self.dropped += 1;
            return false;
        }
        self.tell_dropped(now, notice);
        self.add(Item { bytes: item, tells: 0 }, now);
        true
    }

    /// Says how many were dropped, if some were and there is room for it.
    pub fn tell_dropped(&mut self, now: Instant, notice: impl FnOnce(u64) -> Vec<u8>) {
        // Half of the room, so that it does not become a notice after every other line.
        if self.dropped > 0 && self.bytes <= self.bytes_max / 2 {
            let tells = core::mem::take(&mut self.dropped);
            self.add(Item { bytes: notice(tells), tells }, now);
        }
    }

    fn add(&mut self, item: Item, now: Instant) {
        if self.items.is_empty() && !self.is_stalled {
            self.since = now;
        }
        self.bytes += item.bytes.len() + ITEM_COST;
        self.items.push_back(item);
    }

    /// The items from the first one on, of which some bytes may be gone already.
    pub fn waiting(&self) -> impl Iterator<Item = &[u8]> {
        let gone = self.gone;
        self.items.iter().enumerate().map(move |(at, item)| &item.bytes[if at == 0 { gone } else { 0 }..])
    }

    /// So many bytes of what waits were taken.
    pub fn take(&mut self, mut bytes: usize, now: Instant) {
        self.since = now;
        self.is_stalled = false;
        while let Some(first) = self.items.front() {
            let left = first.bytes.len() - self.gone;
            if bytes < left {
                self.gone += bytes;
                return;
            }
            bytes -= left;
            self.bytes -= first.bytes.len() + ITEM_COST;
            self.gone = 0;
            self.items.pop_front();
        }
    }

    /// The first item could not be sent whole, and will be sent again from its beginning.
    pub fn rewind(&mut self) {
        self.gone = 0;
    }

    /// The first item is given up.
    pub fn drop_first(&mut self) {
        if let Some(first) = self.items.pop_front() {
            self.bytes -= first.bytes.len() + ITEM_COST;
            self.gone = 0;
            self.dropped += first.weight();
        }
    }

    /// All are given up, but for one that was taken in part: whoever has its beginning is to have its end. Returns how many of them
    /// were put, notices aside.
    pub fn give_up(&mut self) -> u64 {
        let mut kept = None;
        let mut lost = 0;
        while let Some(first) = self.items.pop_front() {
            if self.gone > 0 && kept.is_none() {
                kept = Some(first);
                continue;
            }
            self.dropped += first.weight();
            lost += u64::from(first.tells == 0);
        }
        self.bytes = kept.as_ref().map_or(0, |kept| kept.bytes.len() + ITEM_COST);
        self.items.extend(kept);
        lost
    }

    /// Nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Bytes that wait, with what holding them costs.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many items wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// How many were dropped and not told yet.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Until when what waits is worth waiting for; `None`: nothing waits, or nobody takes it.
    pub fn waits_until(&mut self, now: Instant, patience: Duration) -> Option<Instant> {
        if self.items.is_empty() || self.is_stalled {
            return None;
        }
        let until = self.since + patience;
        self.is_stalled = now >= until;
        (!self.is_stalled).then_some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    fn at(millis: u64) -> Instant {
        Instant(Duration::from_millis(millis))
    }

    fn notice(dropped: u64) -> Vec<u8> {
        format!("{dropped} dropped").into_bytes()
    }

    fn all(queue: &Queue) -> Vec<String> {
        queue.waiting().map(|item| String::from_utf8_lossy(item).into_owned()).collect()
    }

    #[test]
    fn what_does_not_fit_is_counted_and_told_in_its_place() {
        let mut queue = Queue::new(3 * (ITEM_COST + 1));
        for name in ["a", "b", "c", "d", "e"] {
            queue.put(name.into(), at(0), notice);
        }
        assert_eq!((all(&queue).join(" "), queue.dropped()), ("a b c".to_owned(), 2));
        queue.take(2, at(0));
        queue.put("f".into(), at(0), notice);
        assert_eq!(all(&queue), ["c", "2 dropped", "f"]);
    }

    #[test]
    fn one_item_always_fits() {
        let mut queue = Queue::new(1);
        assert!(queue.put(vec![b'x'; 100], at(0), notice));
        assert!(!queue.put(vec![b'x'], at(0), notice));
    }

    #[test]
    fn what_is_half_taken_goes_on_where_it_was_or_from_its_beginning() {
        let mut queue = Queue::new(1000);
        queue.put("abc".into(), at(0), notice);
        queue.take(2, at(0));
        assert_eq!(all(&queue), ["c"]);
        queue.rewind();
        assert_eq!(all(&queue), ["abc"]);
        queue.drop_first();
        assert_eq!((queue.is_empty(), queue.bytes(), queue.dropped()), (true, 0, 1));
    }

    #[test]
    fn of_what_is_given_up_the_sum_is_told_and_a_half_taken_item_stays() {
        let mut queue = Queue::new(3 * (ITEM_COST + 1));
        for name in ["a", "b", "c", "d"] {
            queue.put(name.into(), at(0), notice);
        }
        assert_eq!((queue.give_up(), queue.dropped(), queue.bytes()), (3, 4, 0));
        queue.put("ef".into(), at(0), notice);
        assert_eq!(all(&queue), ["4 dropped", "ef"]);
        // The notice was told to nobody, so what it tells is still to be told.
        assert_eq!((queue.give_up(), queue.dropped()), (1, 5));
        queue.put("gh".into(), at(0), notice);
        queue.take(10, at(0));
        assert_eq!(all(&queue), ["h"]);
        assert_eq!((queue.give_up(), all(&queue).join(" ")), (0, "h".to_owned()));
    }

    #[test]
    fn who_takes_nothing_is_waited_for_until_patience_ends_and_again_when_he_takes_something() {
        let mut queue = Queue::new(1000);
        assert_eq!(queue.waits_until(at(0), PATIENCE), None);
        queue.put("a".into(), at(5000), notice);
        queue.put("b".into(), at(5900), notice);
        assert_eq!(queue.waits_until(at(5999), PATIENCE), Some(at(6000)));
        assert_eq!(queue.waits_until(at(6000), PATIENCE), None);
        queue.put("c".into(), at(6001), notice);
        assert_eq!(queue.waits_until(at(6001), PATIENCE), None);
        queue.take(1, at(9000));
        assert_eq!(queue.waits_until(at(9500), PATIENCE), Some(at(10_000)));
    }

    proptest! {
        #[test]
        fn every_item_is_taken_or_counted(steps in proptest::collection::vec((0..60_usize, 0..120_usize), 0..100)) {
            let (mut queue, mut put, mut told) = (Queue::new(600), 0, 0);
            let count = |item: &[u8]| if item.starts_with(b"!") { item[1..].len() as u64 } else { 1 };
            for (length, taken) in steps {
                put += 1;
                queue.put(vec![b'x'; length], at(0), |dropped| [b"!".as_slice(), &vec![b'y'; usize::try_from(dropped).unwrap()]].concat());
                let before: u64 = queue.items.iter().map(|item| count(&item.bytes)).sum();
                queue.take(taken, at(0));
                let after: u64 = queue.items.iter().map(|item| count(&item.bytes)).sum();
                told += before - after;
                prop_assert!(queue.bytes() <= 600 + 200, "{}", queue.bytes());
            }
            let left: u64 = queue.items.iter().map(|item| count(&item.bytes)).sum();
            prop_assert_eq!(told + left + queue.dropped(), put);
        }
    }
}
