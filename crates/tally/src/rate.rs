//! Events in the last second, without a list of them: this second's so far, and of the last one the part that is still within
//! a second, as if they had come evenly (as HAProxy does: `freq_ctr`).

use core::time::Duration;

/// A frequency, by the second.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rate {
    /// The highest value seen while events were counted.
    pub max: u32,
    second: u64,
    current: u32,
    before: u32,
}

impl Rate {
    /// Counts one.
    pub fn record(&mut self, now: Duration) {
        self.turn(now);
        self.current = self.current.saturating_add(1);
        self.max = self.max.max(self.value(now));
    }

    /// Events in the second before `now`.
    pub fn value(&self, now: Duration) -> u32 {
        let mut then = *self;
        then.turn(now);
        let left = u64::from(1000 - now.subsec_millis());
        let of_before = u64::from(then.before) * left / 1000;
        then.current.saturating_add(u32::try_from(of_before).unwrap_or(u32::MAX))
    }

    fn turn(&mut self, now: Duration) {
        let second = now.as_secs();
        if second > self.second {
            self.before = if second == self.second + 1 { self.current } else { 0 };
            (self.second, self.current) = (second, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_has_a_steady_rate_that_ends_with_it() {
        let mut rate = Rate::default();
        for tenth in 0..50 {
            rate.record(Duration::from_millis(100 * tenth));
        }
        let at = |millis| rate.value(Duration::from_millis(millis));
        assert!((9..=11).contains(&at(4_900)), "{}", at(4_900));
        assert_eq!(at(5_500), 5);
        assert_eq!(at(6_000), 0);
        assert_eq!(rate.max, 11);
    }
}
