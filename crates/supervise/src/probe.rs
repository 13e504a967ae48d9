//! Asking a process how it is, again and again: when to ask, when to stop waiting for an answer, and after how many answers of one
//! kind to believe it. The words are Kubernetes' (readiness and liveness probes, threshold).
//!
//! A probe is a process of its own that ends with 0 for "well": whatever it waits for, hangs in or leaks is gone with it.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::message::Pid;
use crate::{Exit, Instant, pause};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Question {
    /// Can it be sent work? Asked as soon as its process runs.
    Ready,
    /// Is it still right? Asked as soon as it was ready; who is not right is started again.
    Alive,
}

/// How often a question is asked, and what its answers have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// From one answer to the next question.
    pub every: Duration,
    /// The same for as long as it is believed to be well, and its last answer was good.
    pub steady: Duration,
    /// How long an answer may take. After that it counts as a bad one.
    pub within: Duration,
    /// So many good answers in a row are believed.
    pub rise: u32,
    /// So many bad answers in a row are believed.
    pub fall: u32,
}

/// What follows from an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Belief {
    /// Nothing new.
    Unchanged,
    /// It is well.
    Well,
    /// It is not.
    Unwell,
}

/// One question to one process, for as long as that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Prober {
    /// The probe that runs.
    pub(crate) pid: Option<Pid>,
    /// When to ask next; while one is being asked, when to stop waiting.
    pub(crate) due: Option<Instant>,
    asking: bool,
    overdue: bool,
    /// Good answers in a row, or bad ones below zero.
    row: i32,
    well: Option<bool>,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Start a probe.
    Ask,
    /// Kill the one that takes too long.
    Kill(Pid),
    /// Not yet.
    Wait,
}

impl Prober {
    /// Asks from `first` on.
    pub(crate) fn begin(&mut self, first: Instant) {
        if self.due.is_none() {
            *self = Self { due: Some(first), ..Self::default() };
        }
    }

    /// Asks no more. The probe that still runs is returned, to be killed.
    pub(crate) fn end(&mut self) -> Option<Pid> {
        core::mem::take(self).pid
    }

    pub(crate) fn step(&mut self, pace: Pace, now: Instant) -> Step {
        match (self.due, self.asking, self.pid) {
            (Some(due), ..) if due > now => Step::Wait,
            (None, ..) => Step::Wait,
            (Some(_), false, _) => {
                (self.asking, self.overdue) = (true, false);
                self.due = Some(now + pace.within);
                Step::Ask
            }
            (Some(_), true, Some(pid)) => {
                self.overdue = true;
                self.due = Some(now + pause::KILL_AGAIN_AFTER);
                Step::Kill(pid)
            }
            // Asked for and neither started nor refused: it cannot be, and is not waited for.
            (Some(_), true, None) => {
                self.asking = false;
                self.due = Some(now + pace.every);
                Step::Wait
            }
        }
    }

    /// The probe ended, or could not be started.
    pub(crate) fn answered(&mut self, exit: Exit, pace: Pace, now: Instant) -> Belief {
        let good = exit.is_success() && !self.overdue;
        (self.pid, self.asking, self.overdue) = (None, false, false);
        self.row = match (good, self.row) {
            (true, row) => row.max(0).saturating_add(1),
            (false, row) => row.min(0).saturating_sub(1),
        };
        let enough = self.row.unsigned_abs() >= if good { pace.rise } else { pace.fall };
        let is_news = enough && self.well != Some(good);
        if is_news {
            self.well = Some(good);
        }
        let is_steady = good && self.well == Some(true);
        self.due = Some(now + if is_steady { pace.steady } else { pace.every });
        if !is_news {
            return Belief::Unchanged;
        }
        if good { Belief::Well } else { Belief::Unwell }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        every: Duration::from_secs(1),
        steady: Duration::from_secs(4),
        within: Duration::from_millis(300),
        rise: 2,
        fall: 3,
    };
    const GOOD: Exit = Exit::Code(0);
    const BAD: Exit = Exit::Code(1);

    fn at(ms: u64) -> Instant {
        Instant(Duration::from_millis(ms))
    }

    fn beliefs(answers: &[Exit]) -> Vec<Belief> {
        let mut prober = Prober::default();
        prober.begin(at(0));
        answers.iter().map(|exit| prober.answered(*exit, PACE, at(0))).collect()
    }

    #[test]
    fn answers_are_believed_when_enough_of_a_kind_came_in_a_row_and_once() {
        use Belief::{Unchanged, Unwell, Well};
        assert_eq!(
            beliefs(&[GOOD, BAD, GOOD, GOOD, GOOD]),
            [Unchanged, Unchanged, Unchanged, Well, Unchanged]
        );
        assert_eq!(
            beliefs(&[GOOD, GOOD, BAD, BAD, BAD, BAD])[1..],
            [Well, Unchanged, Unchanged, Unwell, Unchanged]
        );
    }

    #[test]
    fn a_probe_that_takes_too_long_is_killed_and_counts_as_a_bad_answer_whatever_it_says_then() {
        let mut prober = Prober::default();
        prober.begin(at(0));
        assert_eq!(prober.step(Pace { fall: 1, ..PACE }, at(0)), Step::Ask);
        prober.pid = Some(Pid(7));
        assert_eq!(prober.step(PACE, at(299)), Step::Wait);
        assert_eq!(prober.step(PACE, at(300)), Step::Kill(Pid(7)));
        assert_eq!(prober.answered(GOOD, Pace { fall: 1, ..PACE }, at(301)), Belief::Unwell);
        assert_eq!(prober.due, Some(at(1301)));
    }

    #[test]
    fn one_that_is_well_is_asked_less_often_until_an_answer_is_bad() {
        let mut prober = Prober::default();
        prober.begin(at(0));
        let mut pauses = Vec::new();
        for exit in [GOOD, GOOD, GOOD, BAD, BAD, GOOD, BAD, BAD, BAD] {
            prober.answered(exit, PACE, at(0));
            pauses.push(prober.due.expect("it is asked again").0.as_secs());
        }
        assert_eq!(pauses, [1, 4, 4, 1, 1, 4, 1, 1, 1]);
    }

    #[test]
    fn nothing_is_asked_twice_at_a_time() {
        let mut prober = Prober::default();
        prober.begin(at(5));
        assert_eq!(prober.step(PACE, at(4)), Step::Wait);
        assert_eq!(prober.step(PACE, at(5)), Step::Ask);
        prober.pid = Some(Pid(7));
        assert_eq!(prober.step(PACE, at(6)), Step::Wait);
        assert_eq!(prober.end(), Some(Pid(7)));
        assert_eq!(prober.due, None);
    }
}
