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
//! As long as that goes on, the score stays above 0: the next answered probe would take back what was told a moment ago,
//! although each answer may have come just in time, and the next may not.
//!
//! Source: memberlist's awareness.go; "Lifeguard: SWIM-ing with Situational
//! Awareness", section III.

use crate::Instant;
use core::time::Duration;

/// How long the CPU counts as withheld once we were told: the shell looks back as far, and says so every second or two.
const THROTTLED_FOR: Duration = Duration::from_secs(10);

/// memberlist's AwarenessMaxMultiplier.
const SCORE_LIMIT: u32 = 8;

/// 0 is healthy; at most 7.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Awareness {
    score: u32,
    /// Until when the score stays above 0.
    throttled_until: Instant,
    /// Whether our own probing slows down with it.
    heeded: bool,
}

impl Awareness {
    /// Healthy. Unless `heeded`, the score is kept and nothing follows from it.
    pub(crate) fn new(heeded: bool) -> Self {
        Self { score: 0, throttled_until: Instant::default(), heeded }
    }

    /// A probe was answered, by whatever way.
    pub(crate) fn improve(&mut self, now: Instant) {
        let least = u32::from(now < self.throttled_until);
        self.score = self.score.saturating_sub(1).max(least);
    }

    /// The CPU is withheld from us.
    pub(crate) fn throttled(&mut self, now: Instant) {
        self.degrade(1);
        self.throttled_until = now + THROTTLED_FOR;
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
        let (mut awareness, now) = (Awareness::new(true), Instant::default());
        awareness.improve(now);
        assert_eq!(awareness.score(), 0);
        awareness.degrade(3);
        assert_eq!(awareness.scale(Duration::from_secs(1)), Duration::from_secs(4));
        awareness.degrade(100);
        assert_eq!(awareness.score(), 7);
        awareness.improve(now);
        assert_eq!(awareness.score(), 6);
    }

    #[test]
    fn no_answer_takes_the_last_doubt_as_long_as_the_cpu_is_withheld() {
        let at = |seconds| Instant(Duration::from_secs(seconds));
        let mut awareness = Awareness::new(true);
        for second in 0..30 {
            if second % 2 == 0 {
                awareness.throttled(at(second));
            }
            for _ in 0..3 {
                awareness.improve(at(second));
                assert!(awareness.score() >= 1, "at {second} s");
            }
        }
        awareness.improve(at(28 + 9));
        assert_eq!(awareness.score(), 1, "nine seconds after the last word");
        awareness.improve(at(28 + 10));
        assert_eq!(awareness.score(), 0);
    }

    #[test]
    fn a_score_that_is_not_heeded_slows_nothing_down() {
        let mut awareness = Awareness::new(false);
        awareness.degrade(3);
        assert_eq!(awareness.score(), 3);
        assert_eq!(awareness.scale(Duration::from_secs(1)), Duration::from_secs(1));
    }
}
