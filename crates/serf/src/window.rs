//! What was heard lately, so that gossip's repetitions are recognised.
//!
//! Serf keeps, per Lamport time, the events or query ids of the last 512 times; what is older than that counts as seen
//! (serf.go, handleUserEvent and handleQuery). The reference bounds the times but not what one time may hold; here a
//! weight bounds the whole, and when it is used up the oldest times give way: the window gets shorter, never wrong.

use alloc::collections::{BTreeMap, BTreeSet};

/// How many Lamport times are remembered (Serf: EventBuffer and QueryBuffer).
const TIMES: u64 = 512;

/// The things heard at the most recent Lamport times.
#[derive(Debug)]
pub(crate) struct Window<T> {
    /// Times before this count as seen.
    floor: u64,
    by_time: BTreeMap<u64, Heard<T>>,
    weight: usize,
    weight_max: usize,
}

/// The things of one time: a set, because a peer may say as many as fit and each is looked up.
#[derive(Debug)]
struct Heard<T> {
    things: BTreeSet<T>,
    weight: usize,
}

impl<T: Ord> Window<T> {
    /// Empty; holds things of at most `weight_max` together.
    pub(crate) fn new(weight_max: usize) -> Self {
        Self { floor: 0, by_time: BTreeMap::new(), weight: 0, weight_max }
    }

    /// Remembers `thing`; returns whether it is new. `clock` has witnessed `ltime`.
    pub(crate) fn is_new(&mut self, clock: u64, ltime: u64, thing: T, weight: usize) -> bool {
        self.forget_before(clock.saturating_sub(TIMES));
        if ltime < self.floor || ltime < clock.saturating_sub(TIMES) {
            return false;
        }
        if self.by_time.get(&ltime).is_some_and(|heard| heard.things.contains(&thing)) {
            return false;
        }
        if !self.make_room(ltime, weight) {
            return false;
        }
        self.weight += weight;
        let heard = self.by_time.entry(ltime).or_insert_with(|| Heard { things: BTreeSet::new(), weight: 0 });
        heard.weight += weight;
        heard.things.insert(thing)
    }

    /// Counts everything before `ltime` as seen.
    pub(crate) fn ignore_before(&mut self, ltime: u64) {
        self.floor = self.floor.max(ltime);
    }

    /// Everything remembered, by time.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, impl Iterator<Item = &T>)> {
        self.by_time.iter().map(|(ltime, heard)| (*ltime, heard.things.iter()))
    }

    /// Drops times older than `ltime` until `weight` more fits; `false` when it cannot.
    fn make_room(&mut self, ltime: u64, weight: usize) -> bool {
        if weight > self.weight_max {
            return false;
        }
        while self.weight + weight > self.weight_max {
            match self.by_time.first_key_value() {
                Some((&oldest, _)) if oldest < ltime => {
                    self.forget_before(oldest + 1);
                    self.floor = self.floor.max(oldest + 1);
                }
                _ => return false,
            }
        }
        true
    }

    fn forget_before(&mut self, ltime: u64) {
        while let Some(oldest) = self.by_time.first_entry().filter(|oldest| *oldest.key() < ltime) {
            self.weight -= oldest.remove().weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Serf calls it: the clock has always witnessed the time.
    fn hear(window: &mut Window<&'static str>, clock: &mut u64, ltime: u64, thing: &'static str) -> bool {
        *clock = (*clock).max(ltime + 1);
        window.is_new(*clock, ltime, thing, 1)
    }

    #[test]
    fn a_repetition_is_recognised_and_another_thing_of_the_same_time_is_not_one() {
        let (mut window, mut clock) = (Window::new(100), 1);
        assert!(hear(&mut window, &mut clock, 5, "a"));
        assert!(!hear(&mut window, &mut clock, 5, "a"));
        assert!(hear(&mut window, &mut clock, 5, "b"), "two nodes may use one time");
        assert!(hear(&mut window, &mut clock, 6, "a"), "the same words said again later");
        assert!(!hear(&mut window, &mut clock, 5, "b"));
    }

    #[test]
    fn what_is_older_than_512_times_counts_as_seen() {
        let (mut window, mut clock) = (Window::new(100), 1);
        assert!(hear(&mut window, &mut clock, 999, "now"));
        assert_eq!(clock, 1000);
        assert!(!hear(&mut window, &mut clock, 487, "too old"));
        assert!(hear(&mut window, &mut clock, 488, "just in time"));
        assert!(hear(&mut window, &mut clock, 1000, "next"));
        assert_eq!(window.by_time.keys().copied().collect::<Vec<_>>(), [999, 1000], "488 fell out");
        assert_eq!(window.weight, 2);
    }

    #[test]
    fn ignoring_the_past_keeps_what_is_known_and_drops_what_comes() {
        let (mut window, mut clock) = (Window::new(100), 1);
        window.ignore_before(7);
        assert!(!hear(&mut window, &mut clock, 6, "old"));
        assert!(hear(&mut window, &mut clock, 7, "new"));
        window.ignore_before(3);
        assert!(!hear(&mut window, &mut clock, 6, "old"), "the floor never sinks");
    }

    #[test]
    fn a_full_window_gets_shorter_and_never_calls_an_old_thing_new() {
        let (mut window, mut clock) = (Window::new(3), 1);
        for (ltime, thing) in [(1, "a"), (2, "b"), (3, "c"), (4, "d")] {
            assert!(hear(&mut window, &mut clock, ltime, thing));
        }
        assert_eq!(window.weight, 3);
        assert!(!hear(&mut window, &mut clock, 1, "a"), "forgotten, and still not new");
        assert!(hear(&mut window, &mut clock, 4, "e"));
        assert!(hear(&mut window, &mut clock, 4, "f"));
        assert!(!hear(&mut window, &mut clock, 4, "g"), "one time cannot exceed the whole");
        assert!(!window.is_new(clock, 9, "huge", 4));
        assert_eq!(window.weight, 3);
    }

    #[test]
    fn the_highest_time_fits() {
        let mut window = Window::new(10);
        assert!(window.is_new(u64::MAX, u64::MAX, "end", 1));
        assert!(!window.is_new(u64::MAX, u64::MAX, "end", 1));
        assert!(window.is_new(u64::MAX, u64::MAX, "other", 9));
        assert!(!window.is_new(u64::MAX, u64::MAX, "third", 1));
    }
}
