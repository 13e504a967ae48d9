//! How long a suspected member has to refute.
//!
//! Alone with its accusation a node waits long; each independent confirmation shortens the wait, logarithmically, down
//! to the minimum. Source: memberlist's suspicion.go and util.go; Lifeguard's "local health aware suspicion".

use crate::{Instant, Profile, Slot};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// Those who are suspected now; few, so that nobody else pays for what is kept of them.
pub(crate) type Suspicions = BTreeMap<Slot, Suspicion>;

/// How long before its end an accused member is warned.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Notice {
    /// As far as confirmations do not bring the end nearer.
    pub planned: Duration,
    /// In any case.
    pub least: Duration,
}

/// One accusation being tried.
#[derive(Clone, Debug)]
pub(crate) struct Suspicion {
    start: Instant,
    min: Duration,
    max: Duration,
    /// Confirmations that bring the timeout down to `min`.
    wanted: u32,
    /// The first accuser, then whoever confirmed; at most `wanted + 1`.
    accusers: Vec<String>,
    /// When the accused was told that its time is running out.
    warned: Option<Instant>,
}

impl Suspicion {
    /// Accused by `by` in a cluster of `members`, counting everyone known.
    pub(crate) fn new(by: &str, members: usize, profile: &Profile, start: Instant) -> Self {
        let min = min_timeout(profile.suspicion_mult, members, profile.probe_interval);
        let max = min.saturating_mul(profile.suspicion_max_timeout_mult);
        // Two less than the multiplier, so that the nominal timeout is met two probe intervals early: the peers' rounds
        // are not in phase with ours. Who cannot be confirmed by that many needs no confirmation at all.
        let wanted = profile.suspicion_mult.saturating_sub(2);
        let others = members.saturating_sub(2);
        let wanted = if others < wanted as usize { 0 } else { wanted };
        Self { start, min, max, wanted, accusers: alloc::vec![by.into()], warned: None }
    }

    /// Without Lifeguard: the minimum, whoever confirms.
    pub(crate) fn fix(&mut self) {
        self.max = self.min;
        self.wanted = 0;
    }

    /// Counts `by` as an independent accuser; false if it was known or enough were heard.
    pub(crate) fn confirm(&mut self, by: &str) -> bool {
        if self.confirmations() >= self.wanted || self.accusers.iter().any(|accuser| accuser == by) {
            return false;
        }
        self.accusers.push(by.into());
        true
    }

    /// When the suspect counts as dead, as things stand.
    pub(crate) fn deadline(&self) -> Instant {
        self.start + timeout(self.confirmations(), self.wanted, self.min, self.max)
    }

    /// What is due next: to warn the accused, and once it is warned, its end.
    pub(crate) fn due(&self, notice: Notice) -> Instant {
        match self.warned {
            None => Instant(self.deadline().0.saturating_sub(notice.planned)),
            Some(at) => self.deadline().max(at + notice.least),
        }
    }

    /// Notes that the accused is warned; false if it was before.
    pub(crate) fn warn(&mut self, now: Instant) -> bool {
        self.warned.replace(now).is_none()
    }

    /// If nobody but `by` ever accused it, and others could: when it would have ended had they done so.
    pub(crate) fn lonely_from(&self, by: &str) -> Option<Instant> {
        let alone = self.wanted > 0 && matches!(&*self.accusers, [accuser] if accuser == by);
        alone.then(|| self.start + self.min)
    }

    /// The clock ran while we did not.
    pub(crate) fn shift(&mut self, by: Duration) {
        self.start = self.start + by;
        self.warned = self.warned.map(|at| at + by);
    }

    fn confirmations(&self) -> u32 {
        u32::try_from(self.accusers.len()).map_or(u32::MAX, |accusers| accusers.saturating_sub(1))
    }
}

/// The wait from the start of a suspicion after `confirmations` of `wanted`.
///
/// `max - ln(c + 1) / ln(k + 1) * (max - min)`, floored to milliseconds, never below `min`.
pub(crate) fn timeout(confirmations: u32, wanted: u32, min: Duration, max: Duration) -> Duration {
    if wanted == 0 {
        return min;
    }
    let fraction = libm::log(f64::from(confirmations) + 1.0) / libm::log(f64::from(wanted) + 1.0);
    let seconds = max.as_secs_f64() - fraction * (max.as_secs_f64() - min.as_secs_f64());
    let floored = libm::floor(seconds * 1000.0) / 1000.0;
    // Beyond `wanted` the formula falls below `min`, in the end below zero.
    Duration::try_from_secs_f64(floored).unwrap_or(min).max(min)
}

/// `mult * log10(members) * interval`, the logarithm truncated to thousandths and not below 1.
fn min_timeout(mult: u32, members: usize, interval: Duration) -> Duration {
    let members = u32::try_from(members).unwrap_or(u32::MAX);
    let scale = libm::log10(f64::from(members).max(1.0)).max(1.0);
    interval.saturating_mul(mult).mul_f64(libm::floor(scale * 1000.0) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of memberlist's suspicion_test.go: (n, k, elapsed, min, max, remaining), in milliseconds.
    const REMAINING: [(u32, u32, i128, u64, u64, i128); 6] = [
        (0, 3, 0, 2_000, 30_000, 30_000),
        (1, 3, 2_000, 2_000, 30_000, 14_000),
        (2, 3, 3_000, 2_000, 30_000, 4_810),
        (3, 3, 4_000, 2_000, 30_000, -2_000),
        (4, 3, 5_000, 2_000, 30_000, -3_000),
        (5, 3, 10_000, 2_000, 30_000, -8_000),
    ];

    #[test]
    fn the_timeout_is_memberlists() {
        for (n, k, elapsed, min, max, remaining) in REMAINING {
            let total = timeout(n, k, Duration::from_millis(min), Duration::from_millis(max));
            assert_eq!(i128::try_from(total.as_millis()).unwrap() - elapsed, remaining, "n = {n}");
        }
    }

    #[test]
    fn four_members_on_a_lan_wait_24_seconds_then_11_then_4() {
        let start = Instant::default();
        let mut suspicion = Suspicion::new("a", 4, &Profile::LAN, start);
        assert_eq!(suspicion.deadline(), start + Duration::from_secs(24));
        assert!(suspicion.confirm("b"));
        assert_eq!(suspicion.deadline(), start + Duration::from_millis(11_381));
        assert!(suspicion.confirm("c"));
        assert_eq!(suspicion.deadline(), start + Duration::from_secs(4));
    }

    #[test]
    fn the_accused_is_warned_before_its_end_even_if_that_comes_early() {
        let least = Duration::from_millis(500);
        let notice = Notice { planned: Duration::from_secs(1), least };
        let start = Instant::default();
        let mut suspicion = Suspicion::new("a", 4, &Profile::LAN, start);
        assert_eq!(suspicion.due(notice), start + Duration::from_secs(23));
        // Confirmed when even the shortest wait is over.
        let late = start + Duration::from_secs(5);
        assert!(suspicion.confirm("b") && suspicion.confirm("c"));
        assert_eq!(suspicion.due(notice), start + Duration::from_secs(3));
        assert!(suspicion.warn(late));
        assert_eq!(suspicion.due(notice), late + least);
        assert!(!suspicion.warn(late));
    }

    #[test]
    fn a_fixed_suspicion_waits_the_minimum_and_asks_for_nobody() {
        let mut suspicion = Suspicion::new("a", 4, &Profile::LAN, Instant::default());
        suspicion.fix();
        assert_eq!(suspicion.deadline(), Instant(Duration::from_secs(4)));
        assert!(!suspicion.confirm("b"));
    }

    #[test]
    fn an_accuser_counts_once_and_nobody_counts_beyond_what_is_wanted() {
        let mut suspicion = Suspicion::new("a", 10, &Profile::LAN, Instant::default());
        assert!(!suspicion.confirm("a"), "the first accuser is no confirmation");
        assert!(suspicion.confirm("b"));
        assert!(!suspicion.confirm("b"));
        assert!(suspicion.confirm("c"));
        assert!(!suspicion.confirm("d"));
    }

    #[test]
    fn two_members_have_nobody_to_confirm_and_wait_the_minimum() {
        let suspicion = Suspicion::new("a", 2, &Profile::LAN, Instant::default());
        assert_eq!(suspicion.deadline(), Instant(Duration::from_secs(4)));
    }

    #[test]
    fn the_minimum_grows_with_the_logarithm_of_the_cluster() {
        let second = Duration::from_secs(1);
        assert_eq!(min_timeout(3, 5, second), Duration::from_secs(3));
        assert_eq!(min_timeout(3, 50, second), Duration::from_millis(5_094));
        assert_eq!(min_timeout(3, 100, second), Duration::from_secs(6));
        assert_eq!(min_timeout(3, 500, second), Duration::from_millis(8_094));
        assert_eq!(min_timeout(3, 0, second), Duration::from_secs(3));
    }
}
