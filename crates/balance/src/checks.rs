//! Active checks: when a backend is asked, and what the answers mean. Asking is the shell's.
//!
//! As HAProxy's `inter`, `fastinter`, `rise` and `fall`: so many failures in a row take a backend out, so many passes bring it
//! back, and while a row is being counted the next check comes sooner. One that has never passed is out at its first
//! failure. Requests that are answered do not bring it back: an application may serve and yet say that it should not.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

/// How backends of a service are checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checks {
    /// From one check to the next.
    pub interval: Duration,
    /// The same while a row of passes or failures is being counted.
    pub fast_interval: Duration,
    /// How much sooner or later than that, in percent, so that checks of many balancers and backends do not fall together; at
    /// most 100.
    pub jitter_percent: u8,
    /// Passes in a row that bring a backend back.
    pub rise: u32,
    /// Failures in a row that take it out.
    pub fall: u32,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(2),
            fast_interval: Duration::from_millis(500),
            jitter_percent: 10,
            rise: 2,
            fall: 3,
        }
    }
}

/// What checks say of one backend.
#[derive(Clone, Debug, Default)]
pub(crate) struct Checked {
    passed: bool,
    /// Why it is out.
    down: Option<String>,
    /// Outcomes in a row that contradict the state.
    row: u32,
}

impl Checked {
    pub(crate) fn down(&self) -> Option<&str> {
        self.down.as_deref()
    }

    /// Takes an outcome in. True when the row of failures is long enough to take the backend out: see [`Checked::fell`].
    pub(crate) fn outcome(&mut self, checks: &Checks, passed: bool) -> bool {
        let contradicts = passed == self.down.is_some();
        self.row = if contradicts { self.row.saturating_add(1) } else { 0 };
        if passed {
            self.passed = true;
            if self.row >= checks.rise {
                (self.down, self.row) = (None, 0);
            }
            return false;
        }
        let enough = if self.passed { checks.fall } else { 1 };
        self.down.is_none() && self.row >= enough
    }

    /// It is taken out. When that is not allowed yet, the row goes on and the next failure asks again.
    pub(crate) fn fell(&mut self, reason: &str) {
        let times = if self.row == 1 { "a check" } else { "checks" };
        self.down = Some(format!("{times} failed, {} in a row: {reason}", self.row));
        self.row = 0;
    }

    /// How long until the next check.
    pub(crate) fn wait(&self, checks: &Checks, rng: &mut fastrand::Rng) -> Duration {
        let whole = if self.row > 0 { checks.fast_interval } else { checks.interval };
        let jitter = u32::from(checks.jitter_percent.min(100));
        whole * (100 - jitter + rng.u32(0..=2 * jitter)) / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKS: Checks = Checks {
        interval: Duration::from_secs(2),
        fast_interval: Duration::from_millis(500),
        jitter_percent: 10,
        rise: 2,
        fall: 3,
    };

    #[test]
    fn rows_decide_and_are_counted_fast() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut checked = Checked::default();
        assert!(!checked.outcome(&CHECKS, true));
        for wanted in [false, false, true] {
            assert_eq!(checked.outcome(&CHECKS, false), wanted);
            let wait = checked.wait(&CHECKS, &mut rng);
            assert!((450..=550).contains(&wait.as_millis()), "{wait:?}");
        }
        checked.fell("503");
        assert_eq!(checked.down(), Some("checks failed, 3 in a row: 503"));
        assert!((1_800..=2_200).contains(&checked.wait(&CHECKS, &mut rng).as_millis()));
        checked.outcome(&CHECKS, true);
        checked.outcome(&CHECKS, false);
        checked.outcome(&CHECKS, true);
        assert!(checked.down().is_some(), "never two in a row");
        checked.outcome(&CHECKS, true);
        assert_eq!(checked.down(), None);
    }

    #[test]
    fn one_that_never_passed_is_out_at_once() {
        assert!(Checked::default().outcome(&CHECKS, false));
    }

    #[test]
    fn a_row_that_was_not_believed_asks_again() {
        let mut checked = Checked::default();
        checked.outcome(&CHECKS, true);
        let asked = [(); 5].map(|()| checked.outcome(&CHECKS, false));
        assert_eq!(asked, [false, false, true, true, true]);
    }
}
