//! Lamport clocks: an order of messages without a shared time.
//!
//! A node that has seen a message says everything later with a higher number. Serf keeps three (serf/lamport.go): one for
//! joins and leaves, one for user events, one for queries.

/// One Lamport clock.
///
/// Saturates: a peer that announces the highest number stops the clock instead of turning it back to zero, as it would in
/// the reference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LamportClock(u64);

impl LamportClock {
    /// Serf increments each clock once at start, so that 0 always means "never".
    pub(crate) fn new() -> Self {
        Self(1)
    }

    /// The number for the next message.
    pub(crate) fn time(self) -> u64 {
        self.0
    }

    /// That number is used.
    pub(crate) fn increment(&mut self) {
        self.0 = self.0.saturating_add(1);
    }

    /// Somebody used `seen`: what we say next is later.
    pub(crate) fn witness(&mut self, seen: u64) {
        if seen >= self.0 {
            self.0 = seen.saturating_add(1);
        }
    }

    /// A peer would use `next` for its next message, so nothing was said with it yet (serf/delegate.go,
    /// MergeRemoteState).
    pub(crate) fn witness_next(&mut self, next: u64) {
        if next > 0 {
            self.witness(next - 1);
        }
    }
}

/// Serf's three clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    /// Join and leave intents.
    pub(crate) member: LamportClock,
    /// User events.
    pub(crate) event: LamportClock,
    /// Queries.
    pub(crate) query: LamportClock,
}

impl Clocks {
    /// All at 1.
    pub(crate) fn new() -> Self {
        Self { member: LamportClock::new(), event: LamportClock::new(), query: LamportClock::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_starts_at_one_and_only_moves_forward() {
        let mut clock = LamportClock::new();
        assert_eq!(clock.time(), 1);
        clock.witness(0);
        assert_eq!(clock.time(), 1);
        clock.witness(1);
        assert_eq!(clock.time(), 2);
        clock.witness(41);
        assert_eq!(clock.time(), 42);
        clock.witness(17);
        assert_eq!(clock.time(), 42);
        clock.increment();
        assert_eq!(clock.time(), 43);
    }

    #[test]
    fn a_peers_next_time_is_reached_and_not_passed() {
        let mut clock = LamportClock::new();
        clock.witness_next(0);
        assert_eq!(clock.time(), 1);
        clock.witness_next(7);
        assert_eq!(clock.time(), 7);
    }

    #[test]
    fn the_highest_time_neither_panics_nor_turns_back() {
        let mut clock = LamportClock::new();
        clock.witness(u64::MAX);
        clock.increment();
        clock.witness(3);
        assert_eq!(clock.time(), u64::MAX);
    }
}
