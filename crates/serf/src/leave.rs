//! Leaving in order.
//!
//! Others show "left" instead of "failed" only when our leave intent reaches them before memberlist's `dead`, so the
//! two are told one after the other; then we keep answering probes until the news has spread (serf.go, Leave).
//!
//! ```text
//! Staying --begin--> TellingIntent --told--> TellingLeave --told--> Lingering --delay--> Left
//! ```
//! Each arrow is also taken at its deadline, and nobody to tell goes straight on to the end.

use crate::Instant;
use core::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Staying,
    /// The leave intent is in the gossip queue.
    TellingIntent {
        until: Instant,
    },
    /// memberlist's own leave is.
    TellingLeave {
        until: Instant,
    },
    /// Everybody asked was told; others hear it from them.
    Lingering {
        until: Instant,
    },
    Left,
}

/// What to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// Wait.
    Nothing,
    /// Call swim's leave.
    Leave,
    /// We have left.
    Done,
}

/// How far our own leave has come.
#[derive(Debug)]
pub(crate) struct Leaving {
    phase: Phase,
    broadcast_timeout: Duration,
    propagate_delay: Duration,
}

impl Leaving {
    /// Not leaving.
    pub(crate) fn new(broadcast_timeout: Duration, propagate_delay: Duration) -> Self {
        Self { phase: Phase::Staying, broadcast_timeout, propagate_delay }
    }

    /// Whether nobody asked us to leave yet.
    pub(crate) fn is_staying(&self) -> bool {
        self.phase == Phase::Staying
    }

    /// The leave intent was handed to gossip.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.phase = Phase::TellingIntent { until: now + self.broadcast_timeout };
    }

    /// The intent's broadcast is done.
    pub(crate) fn intent_told(&mut self, now: Instant) -> Step {
        match self.phase {
            Phase::TellingIntent { .. } => {
                self.phase = Phase::TellingLeave { until: now + self.broadcast_timeout };
                Step::Leave
            }
            _ => Step::Nothing,
        }
    }

    /// swim says our leave is told.
    pub(crate) fn leave_told(&mut self, now: Instant) -> Step {
        if let Phase::TellingLeave { .. } = self.phase {
            self.phase = Phase::Lingering { until: now + self.propagate_delay };
        }
        Step::Nothing
    }

    /// Nobody else is alive: there is nobody to tell and nobody who would probe us.
    pub(crate) fn nobody_listens(&mut self, now: Instant) -> Step {
        match self.phase {
            Phase::Staying | Phase::Left => Step::Nothing,
            Phase::TellingIntent { .. } => self.intent_told(now),
            Phase::TellingLeave { .. } | Phase::Lingering { .. } => self.finish(),
        }
    }

    /// Time passed.
    pub(crate) fn tick(&mut self, now: Instant) -> Step {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Step::Nothing;
        }
        match self.phase {
            Phase::Staying | Phase::Left => Step::Nothing,
            Phase::TellingIntent { .. } => self.intent_told(now),
            Phase::TellingLeave { .. } => self.leave_told(now),
            Phase::Lingering { .. } => self.finish(),
        }
    }

    /// When [`Leaving::tick`] is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Staying | Phase::Left => None,
            Phase::TellingIntent { until } | Phase::TellingLeave { until } | Phase::Lingering { until } => {
                Some(until)
            }
        }
    }

    /// The clock jumped: nothing was told meanwhile, so the deadline moves.
    pub(crate) fn slept(&mut self, by: Duration) {
        match &mut self.phase {
            Phase::Staying | Phase::Left => {}
            Phase::TellingIntent { until } | Phase::TellingLeave { until } | Phase::Lingering { until } => {
                *until = *until + by;
            }
        }
    }

    fn finish(&mut self) -> Step {
        self.phase = Phase::Left;
        Step::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant(Duration::from_millis(millis))
    }

    fn leaving() -> Leaving {
        Leaving::new(Duration::from_secs(5), Duration::from_secs(1))
    }

    #[test]
    fn the_intent_is_told_before_the_leave_and_then_we_linger() {
        let mut leave = leaving();
        assert!(leave.is_staying());
        assert_eq!(leave.deadline(), None);
        leave.begin(at(0));
        assert!(!leave.is_staying());
        assert_eq!(leave.leave_told(at(1)), Step::Nothing, "not yet asked for");
        assert_eq!(leave.deadline(), Some(at(5000)));
        assert_eq!(leave.intent_told(at(800)), Step::Leave);
        assert_eq!(leave.intent_told(at(801)), Step::Nothing, "told once");
        assert_eq!(leave.deadline(), Some(at(5800)));
        assert_eq!(leave.leave_told(at(1600)), Step::Nothing);
        assert_eq!(leave.tick(at(2599)), Step::Nothing);
        assert_eq!(leave.tick(at(2600)), Step::Done);
        assert_eq!(leave.deadline(), None);
        assert_eq!(leave.tick(at(9999)), Step::Nothing);
    }

    #[test]
    fn deadlines_carry_the_leave_through_when_nothing_gets_out() {
        let mut leave = leaving();
        leave.begin(at(0));
        assert_eq!(leave.tick(at(4999)), Step::Nothing);
        assert_eq!(leave.tick(at(5000)), Step::Leave);
        assert_eq!(leave.tick(at(10_000)), Step::Nothing);
        assert_eq!(leave.tick(at(11_000)), Step::Done);
    }

    #[test]
    fn with_nobody_to_tell_it_is_over_at_once() {
        let mut leave = leaving();
        leave.begin(at(0));
        assert_eq!(leave.nobody_listens(at(0)), Step::Leave);
        assert_eq!(leave.nobody_listens(at(0)), Step::Done);
        assert_eq!(leave.nobody_listens(at(0)), Step::Nothing);
    }

    #[test]
    fn a_clock_jump_moves_the_deadline() {
        let mut leave = leaving();
        leave.begin(at(0));
        leave.slept(Duration::from_secs(100));
        assert_eq!(leave.deadline(), Some(at(105_000)));
    }
}
