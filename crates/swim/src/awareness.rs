//! Lifeguard's local health: a node that hears little from everyone should doubt itself first.
//!
//! The score slows our own probing down. What moves it (all but the last: state.go, `probeNode` and `refute`):
//!
//! | | |
//! |---|---|
//! | a probe answered by whatever way, TCP included | -1 |
//! | a failed probe: each relay that was to nack and did not | +1 |
//! | a failed probe with no relay that can nack | +1 |
//! | being accused | +1 |
//! | being told that the CPU is withheld from us ([`Input::Throttled`](crate::Input::Throttled)) | +1 |
//!
//! Source: memberlist's awareness.go; "Lifeguard: SWIM-ing with Situational
//! Awareness", section III.

use core::time::Duration;

/// memberlist's AwarenessMaxMultiplier.
const SCORE_LIMIT: u32 = 8;

/// 0 is healthy; at most 7.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Awareness {
    score: u32,
    /// Whether our own probing slows down with it.
    heeded: bool,
}

impl Awareness {
    /// Healthy. Unless `heeded`, the score is kept and nothing follows from it.
    pub(crate) fn new(heeded: bool) -> Self {
        Self { score: 0, heeded }
    }

    /// A probe was answered, by whatever way.
    pub(crate) fn improve(&mut self) {
        self.score = self.score.saturating_sub(1);
    }

    /// Something that may be our own fault happened `times`.
    pub(crate) fn degrade(&mut self, times: u32) {
        self.score = self.score.saturating_add(times).min(SCORE_LIMIT - 1);
    }

    pub(crate) fn score(self) -> u32 {
        self.score
    }

    /// `interval`, longer the less healthy we are.
    pub(crate) fn scale(self, interval: Duration) -> Duration {
        if self.heeded { interval.saturating_mul(self.score + 1) } else { interval }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_stays_between_0_and_7() {
        let mut awareness = Awareness::new(true);
        awareness.improve();
        assert_eq!(awareness.score(), 0);
        awareness.degrade(3);
        assert_eq!(awareness.scale(Duration::from_secs(1)), Duration::from_secs(4));
        awareness.degrade(100);
        assert_eq!(awareness.score(), 7);
        awareness.improve();
        assert_eq!(awareness.score(), 6);
    }

    #[test]
    fn a_score_that_is_not_heeded_slows_nothing_down() {
        let mut awareness = Awareness::new(false);
        awareness.degrade(3);
        assert_eq!(awareness.score(), 3);
        assert_eq!(awareness.scale(Duration::from_secs(1)), Duration::from_secs(1));
    }
}
