//! How long to wait before a longrun is started again. A program that dies at once must not eat the processor, one that ran well
//! for long should be back at once, and a hundred containers whose database went away should not all knock in the same instant.

use core::time::Duration;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::Instant;

/// A killed process that is still there is killed again after this long, as s6 does. (It may be stopped by a debugger, or
/// wait for a disk.)
pub(crate) const KILL_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// The rule for pauses between the end of a process and its successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pauses {
    /// The first pause. One that was ready for this long is started again at once.
    pub first: Duration,
    /// Each pause is twice the one before, up to this.
    pub longest: Duration,
    /// One that was ready for this long begins with the first pause again.
    pub steady_after: Duration,
    /// Pauses are up to a quarter shorter than said, at random.
    pub jitter: bool,
    /// How many ends in a row, none of them after a steady life, are enough to give up.
    pub give_up_after: Option<u32>,
}

impl Pauses {
    /// s6's rule: a second, or nothing after a second of being ready; for ever.
    pub const S6: Self = Self {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(1),
        steady_after: Duration::from_secs(1),
        jitter: false,
        give_up_after: None,
    };
}

/// Where a service stands with its pauses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BackOff {
    ends_in_a_row: u32,
}

impl BackOff {
    /// Its process ended: when the next may start, or `None` to give up. `ready_since`: whether and since when it was ready.
    pub(crate) fn ended(
        &mut self,
        rule: &Pauses,
        now: Instant,
        ready_since: Option<Instant>,
        random: &mut Rng,
    ) -> Option<Instant> {
        let ready_for = ready_since.map_or(Duration::ZERO, |since| now.0.saturating_sub(since.0));
        if ready_since.is_some() && ready_for >= rule.steady_after {
            self.ends_in_a_row = 0;
        }
        self.ends_in_a_row = self.ends_in_a_row.saturating_add(1);
        if rule.give_up_after.is_some_and(|most| self.ends_in_a_row >= most) {
            return None;
        }
        let doublings = (self.ends_in_a_row - 1).min(31);
        let mut pause = rule.first.saturating_mul(1 << doublings).min(rule.longest);
        if rule.jitter {
            pause = pause.mul_f64(1.0 - random.f64() / 4.0);
        }
        Some(Instant(now.0 + pause.saturating_sub(ready_for)))
    }

    /// Somebody asked for it: what was is forgotten.
    pub(crate) fn forget(&mut self) {
        self.ends_in_a_row = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Pauses = Pauses {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(5),
        steady_after: Duration::from_secs(10),
        jitter: false,
        give_up_after: Some(6),
    };

    fn at(seconds: u64) -> Instant {
        Instant(Duration::from_secs(seconds))
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_end_in_giving_up() {
        let (mut back_off, mut random) = (BackOff::default(), Rng::with_seed(1));
        let pauses: Vec<_> = (0..6).map(|_| back_off.ended(&RULE, at(100), None, &mut random)).collect();
        assert_eq!(pauses, [Some(at(101)), Some(at(102)), Some(at(104)), Some(at(105)), Some(at(105)), None]);
    }

    #[test]
    fn a_steady_life_makes_up_for_all_ends_before_it() {
        let (mut back_off, mut random) = (BackOff::default(), Rng::with_seed(1));
        for _ in 0..5 {
            back_off.ended(&RULE, at(100), None, &mut random);
        }
        assert_eq!(back_off.ended(&RULE, at(200), Some(at(150)), &mut random), Some(at(200)));
        assert_eq!(back_off.ended(&RULE, at(200), None, &mut random), Some(at(202)));
    }

    #[test]
    fn a_program_of_s6_that_was_ready_for_a_second_is_back_at_once_and_else_after_a_second() {
        let (mut back_off, mut random) = (BackOff::default(), Rng::with_seed(1));
        for _ in 0..1000 {
            assert_eq!(back_off.ended(&Pauses::S6, at(10), None, &mut random), Some(at(11)));
        }
        assert_eq!(back_off.ended(&Pauses::S6, at(10), Some(at(9)), &mut random), Some(at(10)));
    }

    #[test]
    fn jitter_only_shortens_and_by_a_quarter_at_most() {
        let rule = Pauses { jitter: true, ..RULE };
        let mut random = Rng::with_seed(1);
        for _ in 0..100 {
            let next =
                BackOff::default().ended(&rule, at(10), None, &mut random).expect("the first of six").0;
            assert!(next > Duration::from_millis(10_750) && next <= Duration::from_secs(11), "{next:?}");
        }
    }
}
