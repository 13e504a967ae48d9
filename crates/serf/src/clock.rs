//! Lamport clocks: an order of messages without a shared time.
//!
//! A node that has seen a message says everything later with a higher number. Serf keeps three (serf/lamport.go): one for
//! joins and leaves, one for user events, one for queries.
//!
//! # What is believed
//! In the reference one forged message with the highest number turns every clock back to zero, and what is said afterwards
//! is old for all who did not hear the forger. Numbers mean nothing but their order, so a leap does no harm as such; what
//! must not happen is that they run out. Hence:
//!
//! - In the lower half of the range every number is believed, whatever ours is: a cluster may have been up for years when
//!   we join it or when it is joined to ours. At a million messages a second that half lasts 290,000 years.
//! - Beyond it we are led by at most 2^20 at a time. A message further ahead is not heard, as if it had been lost, but the
//!   clock follows by that much: who missed something catches up, and a forger gains no more than by going that far.
//! - A newcomer believes its first exchange up to the third quarter, so that it finds a cluster that was led there.
//! - The last quarter is nobody's: such a number does nothing.
//!
//! So a forger may lead a cluster to the upper half with one message, and harms nobody: all follow, and go on from there.
//! The whole third quarter takes it 2^42 messages, more than a year of 100,000 a second.
//!
//! What this costs, in the upper half alone, and so only in a cluster without a key that is under attack: who missed more
//! than 2^20 numbers hears of one message in so many, until it has caught up or is restarted; meanwhile its events and queries
//! are old for the others. Who is a member, alive, failed or left does not depend on it: swim sees to that. A forger that
//! answers a newcomer's first exchange leads this one up to the third quarter alone. Real Serf members are as vulnerable as
//! ever; where their clocks turn back to zero, ours bring them forward again.

/// The first number of the upper half.
const UPPER_HALF: u64 = 1 << 63;
/// The first number of the last quarter.
const LAST_QUARTER: u64 = UPPER_HALF + (1 << 62);
/// How far a number of the upper half may be ahead.
const LEAP_MAX: u64 = 1 << 20;

/// Which leaps are believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trust {
    /// As always.
    Usual,
    /// In the first exchange of a newcomer.
    Newcomer,
}

/// One Lamport clock.
///
/// It never turns back; at the very end it would stop.
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

    /// Somebody says something at the time `seen`: whether that is to be heard. What we say next is later.
    pub(crate) fn hear(&mut self, seen: u64) -> bool {
        self.follow(seen, Trust::Usual)
    }

    /// A peer would use `next` for its next message, so nothing was said with it yet (serf/delegate.go,
    /// MergeRemoteState).
    pub(crate) fn witness_next(&mut self, next: u64, trust: Trust) {
        if next > 0 {
            self.follow(next - 1, trust);
        }
    }

    fn follow(&mut self, seen: u64, trust: Trust) -> bool {
        let lead = self.0.max(UPPER_HALF).saturating_add(LEAP_MAX);
        let believed = match trust {
            Trust::Usual => lead,
            Trust::Newcomer => lead.max(LAST_QUARTER - 1),
        };
        if seen <= believed {
            self.0 = self.0.max(seen.saturating_add(1));
            return true;
        }
        if seen < LAST_QUARTER {
            self.0 = lead;
        }
        false
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
        assert!(clock.hear(0));
        assert_eq!(clock.time(), 1);
        assert!(clock.hear(1));
        assert_eq!(clock.time(), 2);
        assert!(clock.hear(41));
        assert_eq!(clock.time(), 42);
        assert!(clock.hear(17));
        assert_eq!(clock.time(), 42);
        clock.increment();
        assert_eq!(clock.time(), 43);
    }

    #[test]
    fn a_peers_next_time_is_reached_and_not_passed() {
        let mut clock = LamportClock::new();
        clock.witness_next(0, Trust::Usual);
        assert_eq!(clock.time(), 1);
        clock.witness_next(7, Trust::Usual);
        assert_eq!(clock.time(), 7);
    }

    const FIRST_LEAP: u64 = UPPER_HALF + LEAP_MAX;

    #[test]
    fn a_leap_is_heard_as_long_as_numbers_cannot_run_out() {
        // Our clock, what is seen, whether it is heard, our clock then; and that of a newcomer.
        for (before, seen, heard, after, newcomer) in [
            (1, 1 << 40, true, (1 << 40) + 1, (1 << 40) + 1),
            (1, FIRST_LEAP, true, FIRST_LEAP + 1, FIRST_LEAP + 1),
            (1, FIRST_LEAP + 1, false, FIRST_LEAP, FIRST_LEAP + 2),
            (1, LAST_QUARTER - 1, false, FIRST_LEAP, LAST_QUARTER),
            (1, LAST_QUARTER, false, 1, 1),
            (1, u64::MAX, false, 1, 1),
            (FIRST_LEAP, FIRST_LEAP + LEAP_MAX, true, FIRST_LEAP + LEAP_MAX + 1, FIRST_LEAP + LEAP_MAX + 1),
            (FIRST_LEAP, LAST_QUARTER - 1, false, FIRST_LEAP + LEAP_MAX, LAST_QUARTER),
            (FIRST_LEAP, 7, true, FIRST_LEAP, FIRST_LEAP),
            (
                LAST_QUARTER,
                LAST_QUARTER + LEAP_MAX,
                true,
                LAST_QUARTER + LEAP_MAX + 1,
                LAST_QUARTER + LEAP_MAX + 1,
            ),
            (LAST_QUARTER, LAST_QUARTER + LEAP_MAX + 1, false, LAST_QUARTER, LAST_QUARTER),
            (u64::MAX, u64::MAX, true, u64::MAX, u64::MAX),
        ] {
            let mut clock = LamportClock(before);
            assert_eq!(clock.hear(seen), heard, "{before:#x} {seen:#x}");
            assert_eq!(clock.time(), after, "{before:#x} {seen:#x}");
            let mut clock = LamportClock(before);
            clock.follow(seen, Trust::Newcomer);
            assert_eq!(clock.time(), newcomer, "{before:#x} {seen:#x}");
        }
    }

    #[test]
    fn who_missed_steps_of_a_leap_catches_up() {
        let (mut led, mut behind) = (LamportClock::new(), LamportClock::new());
        for _ in 0..10 {
            led.hear(led.time().max(UPPER_HALF) + LEAP_MAX);
        }
        let heard = (0..20).filter(|_| behind.hear(led.time() - 1)).count();
        assert_eq!((heard, behind), (10, led));
    }

    #[test]
    fn the_highest_time_neither_panics_nor_turns_back() {
        let mut clock = LamportClock(u64::MAX - 1);
        clock.increment();
        clock.increment();
        assert!(clock.hear(3));
        assert_eq!(clock.time(), u64::MAX);
    }
}
