//! After a burst of membership changes, more exchanges: gossip has a bounded budget and loses some of them.
//!
//! memberlist waits for the ordinary push/pull, which in a large cluster is minutes away. Here a burst brings exchanges
//! close together until two in a row bring nothing new.

use crate::Instant;
use core::time::Duration;

/// A burst is more changes than this, or than one in [`SHARE`] of the members, within two [`HALF`]s.
const CHANGES_MIN: usize = 16;
const SHARE: usize = 20;
/// Changes are counted in spans of this length. The last two count: between five and ten seconds.
const HALF: Duration = Duration::from_secs(5);
/// Pause between exchanges after a burst.
const INTERVAL: Duration = Duration::from_secs(5);
/// Exchanges in a row that must bring nothing new.
const QUIET_ENOUGH: u8 = 2;
/// Clusters beyond this size pause longer in proportion: a whole state of some 150 bytes a member is sent each time, and
/// no more than about 60 KB a second shall be.
const MEMBERS_PER_INTERVAL: usize = 2000;

/// Whether much has changed lately, and whether it is known by all.
#[derive(Debug, Default)]
pub(crate) struct Burst {
    /// When the current span began.
    since: Instant,
    current: usize,
    previous: usize,
    /// All changes ever: whether an exchange brought any shows here.
    total: u64,
    /// After a burst: exchanges in a row without news.
    quiet: Option<u8>,
}

impl Burst {
    /// A member came, went or changed. Whether a burst begins with it.
    pub(crate) fn changed(&mut self, now: Instant, members: usize) -> bool {
        self.total += 1;
        let passed = now - self.since;
        if passed >= HALF {
            self.previous = if passed < HALF * 2 { self.current } else { 0 };
            self.current = 0;
            self.since = now;
        }
        self.current += 1;
        if self.current + self.previous <= CHANGES_MIN.max(members / SHARE) {
            return false;
        }
        self.quiet.replace(0).is_none()
    }

    /// All changes so far.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// An exchange of ours is over, before which there had been `total` changes. Whether it was the last one needed.
    pub(crate) fn exchanged(&mut self, total: u64) -> bool {
        let Some(quiet) = &mut self.quiet else { return false };
        *quiet = if self.total == total { *quiet + 1 } else { 0 };
        if *quiet < QUIET_ENOUGH {
            return false;
        }
        self.quiet = None;
        true
    }

    /// The pause until the next exchange, in a cluster of `members` that otherwise pauses for `usual`.
    pub(crate) fn pause(&self, members: usize, usual: Duration) -> Duration {
        if self.quiet.is_none() {
            return usual;
        }
        let times = u32::try_from(members.div_ceil(MEMBERS_PER_INTERVAL)).unwrap_or(u32::MAX);
        INTERVAL.saturating_mul(times.max(1)).min(usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant(Duration::from_millis(millis))
    }

    /// Whether `count` changes at each of these times make a burst.
    fn bursts(members: usize, spans: &[(u64, usize)]) -> bool {
        let mut burst = Burst::default();
        spans.iter().any(|(millis, count)| (0..*count).any(|_| burst.changed(at(*millis), members)))
    }

    #[test]
    fn more_than_16_changes_or_a_twentieth_of_the_members_are_a_burst() {
        assert!(!bursts(10, &[(0, 16)]));
        assert!(bursts(10, &[(0, 17)]));
        assert!(!bursts(1000, &[(0, 50)]));
        assert!(bursts(1000, &[(0, 51)]));
    }

    #[test]
    fn changes_add_up_over_ten_seconds_at_most() {
        assert!(bursts(10, &[(0, 10), (6_000, 7)]));
        assert!(!bursts(10, &[(0, 10), (10_000, 7)]));
        assert!(!bursts(10, &[(0, 10), (5_000, 3), (10_000, 4), (15_000, 5)]));
    }

    #[test]
    fn two_exchanges_in_a_row_without_news_end_it() {
        let mut burst = Burst::default();
        let usual = Duration::from_secs(30);
        assert!(!burst.exchanged(0));
        for _ in 0..30 {
            burst.changed(at(0), 10);
        }
        assert_eq!(burst.pause(10, usual), Duration::from_secs(5));
        assert!(!burst.exchanged(30));
        burst.changed(at(1), 10);
        assert!(!burst.exchanged(30), "it brought something");
        assert!(!burst.exchanged(31));
        assert!(burst.exchanged(31));
        assert_eq!(burst.pause(10, usual), usual);
    }

    #[test]
    fn a_large_cluster_pauses_longer_and_never_longer_than_usual() {
        let burst = Burst { quiet: Some(0), ..Burst::default() };
        let pause = |members, usual| burst.pause(members, Duration::from_secs(usual)).as_secs();
        assert_eq!((pause(2000, 210), pause(2001, 210), pause(10_000, 300)), (5, 10, 25));
        assert_eq!((pause(2, 2), pause(60_000, 100)), (2, 100));
    }
}
