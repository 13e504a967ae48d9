//! How long a backend lately took to answer.

use crate::Instant;
use core::time::Duration;

/// Older answers weigh a third after so long, a tenth after twice and a half as long.
const DECAY: Duration = Duration::from_secs(10);

/// A mean of times to the response head, weighted by age, which follows a rise at once and a fall slowly (Finagle's "peak
/// EWMA"). Unheard of, it falls too, so that a backend that was slow once is asked again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Latency {
    secs: f64,
    at: Instant,
}

impl Latency {
    pub(crate) fn observe(&mut self, now: Instant, took: Duration) {
        let took = took.as_secs_f64();
        let old = libm::exp(-((now - self.at).as_secs_f64() / DECAY.as_secs_f64()));
        self.secs = if took > self.secs { took } else { self.secs * old + took * (1.0 - old) };
        self.at = self.at.max(now);
    }

    /// In seconds, never nothing: an unknown backend is as good as the fastest.
    pub(crate) fn now(&self, now: Instant) -> f64 {
        let old = libm::exp(-((now - self.at).as_secs_f64() / DECAY.as_secs_f64()));
        (self.secs * old).max(1e-6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Instant {
        Instant(Duration::from_secs(secs))
    }

    #[test]
    fn a_rise_counts_at_once_and_a_fall_in_the_course_of_time() {
        let mut latency = Latency::default();
        latency.observe(at(1), Duration::from_millis(10));
        assert!((latency.now(at(1)) - 0.010).abs() < 1e-9);
        latency.observe(at(2), Duration::from_millis(500));
        assert!((latency.now(at(2)) - 0.500).abs() < 1e-9);
        latency.observe(at(3), Duration::from_millis(10));
        assert!(latency.now(at(3)) > 0.400);
        for second in 4..60 {
            latency.observe(at(second), Duration::from_millis(10));
        }
        assert!(latency.now(at(60)) < 0.015);
    }

    #[test]
    fn one_that_is_not_asked_is_forgiven() {
        let mut latency = Latency::default();
        latency.observe(at(0), Duration::from_secs(5));
        assert!(latency.now(at(10)) > 1.0);
        assert!(latency.now(at(100)) < 0.001);
        assert!(latency.now(at(1_000_000)) > 0.0);
    }
}
