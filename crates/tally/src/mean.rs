//! Recent times on average, as HAProxy tells them: over about the last thousand, older ones fading (`swrate_add` in its
//! `include/haproxy/freq_ctr.h`).

use core::time::Duration;

/// How many it looks back (`TIME_STATS_SAMPLES`).
const SAMPLES: u64 = 512;

/// A sliding average.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mean {
    /// As many times the average as were counted, at most [`SAMPLES`]; in microseconds.
    sum_micros: u64,
    count: u64,
}

impl Mean {
    /// Counts one.
    pub fn record(&mut self, took: Duration) {
        // Beyond a year nobody looks at the difference, and sums stay in range.
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).min(1 << 45);
        if self.count == SAMPLES {
            self.sum_micros -= self.sum_micros.div_ceil(SAMPLES).min(self.sum_micros);
        } else {
            self.count += 1;
        }
        self.sum_micros += micros;
    }

    /// The average; `None` before the first.
    pub fn value(&self) -> Option<Duration> {
        Some(Duration::from_micros(self.sum_micros.checked_div(self.count)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recent_count_and_the_old_fade() {
        let mut mean = Mean::default();
        assert_eq!(mean.value(), None);
        let millis = Duration::from_millis;
        mean.record(millis(10));
        mean.record(millis(20));
        assert_eq!(mean.value(), Some(millis(15)));
        for _ in 0..10 * SAMPLES {
            mean.record(millis(100));
        }
        let value = mean.value().unwrap();
        assert!(millis(99) < value && value <= millis(101), "{value:?}");
        for _ in 0..20 * SAMPLES {
            mean.record(Duration::ZERO);
        }
        assert!(mean.value().unwrap() < millis(1));
        mean.record(Duration::MAX);
        assert!(mean.value().unwrap() > Duration::from_secs(3600));
    }
}
