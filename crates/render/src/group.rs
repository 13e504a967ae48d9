//! When the files of a group are made anew, and what follows: decides, and touches no file.
//!
//! ```text
//!            changed          settled        differs          accepted        in place
//!  idle ------------> settling ----> making -------> checking -------> putting -------> acting ---> idle
//!    ^                                 | same           | refused         | failed         | failed
//!    +---------------------------------+                v                 v                v
//!    +---- after a pause, or when the templates change -+-----------------+---- restoring: the old files,
//!                                                                               and the action on them
//! ```
//!
//! Changes in a row are waited out (quiescence, as in consul-template's `wait`): the files follow once there was none for
//! [`Pace::settle`], and at the latest [`Pace::settle_max`] after the first. What comes while the group is busy is made
//! afterwards. A failure leaves the last good files in force and is tried again, after longer and longer pauses: what was in
//! the way may be gone.
//!
//! The caller hands in what happened, with the time since its start, and does what [`Group::next_step`] says until there is
//! nothing; then it waits for the next change, or until [`Group::next_timeout`].

use core::time::Duration;

/// How long to wait for what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// So long nothing may change before the files are made.
    pub settle: Duration,
    /// So long after the first change they are made whatever happens.
    pub settle_max: Duration,
    /// Pause before a failed attempt is repeated, the first time; each further one is twice as long.
    pub retry: Duration,
    /// The longest such pause.
    pub retry_max: Duration,
}

/// What is to be done now. The caller answers with the input of the same name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Render the templates and lay the files that differ beside the old ones.
    Make {
        /// The fleet is not yet known as a whole: only files that are not there are made, so that what needs them can start.
        only_missing: bool,
    },
    /// Have the new files checked.
    Check,
    /// Put all of them in their places, or none.
    Put,
    /// Tell whoever reads them.
    Act,
    /// Put the old ones back, and tell whoever reads them.
    Restore,
    /// All is well: what was kept of the old ones can go.
    Keep,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input {
    /// The fleet is another one; and whether it is known as a whole.
    Changed {
        /// Absence means gone.
        is_live: bool,
    },
    /// Somebody changed the templates.
    Edited,
    /// Whoever reads the files was started anew, and may have read others.
    Forgotten,
    /// Answers [`Step::Make`].
    Made(Made),
    /// Answers [`Step::Check`]: whether they were accepted.
    Checked(bool),
    /// Answers [`Step::Put`]: whether they are in their places; if not, all old ones are.
    Put(bool),
    /// Answers [`Step::Act`]: whether it succeeded.
    Acted(bool),
    /// Answers [`Step::Restore`]: whether the old files are in force again.
    Restored(bool),
}

/// What became of making the files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Made {
    /// They are what is there.
    Same,
    /// New ones lie beside the old ones.
    Differs,
    /// A template is broken, or the disk is full.
    Failed,
}

/// What a group has done so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Times that its files were made.
    pub made: u64,
    /// Times that they differed and came into force.
    pub changed: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Times that the old files came back into force after a failed action.
    pub restored: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Idle,
    Settling {
        /// If nothing else changes.
        due: Duration,
        latest: Duration,
    },
    /// A step was given out and is not answered.
    Busy,
    /// Failed; nothing changed since, or nothing that could be waited for.
    Pausing {
        until: Duration,
    },
}

/// One group.
#[derive(Clone, Debug)]
pub struct Group {
    pace: Pace,
    has_check: bool,
    has_action: bool,
    state: State,
    next: Option<Step>,
    is_live: bool,
    /// Something changed while it was busy.
    stale: bool,
    /// The action is due although the files may be what is there: an earlier life did not come to it.
    owes_action: bool,
    failures_in_a_row: u32,
    counts: Counts,
}

impl Group {
    /// A group that has done nothing yet. `owes_action`: whoever reads the files may not know those that are there.
    pub fn new(pace: Pace, has_check: bool, has_action: bool, owes_action: bool) -> Self {
        Self {
            pace,
            has_check,
            has_action,
            state: State::Idle,
            next: None,
            is_live: false,
            stale: false,
            owes_action: owes_action && has_action,
            failures_in_a_row: 0,
            counts: Counts::default(),
        }
    }

    /// Takes in what happened; `now` never goes back.
    pub fn handle(&mut self, now: Duration, input: Input) {
        match input {
            Input::Changed { is_live } => {
                // The first picture, and the first whole one, are waited for by others: there is nothing to gather.
                let at_once = is_live != self.is_live || self.counts == Counts::default();
                self.is_live = is_live;
                self.change(now, at_once);
            }
            Input::Edited => {
                self.failures_in_a_row = 0;
                if let State::Pausing { .. } = self.state {
                    self.state = State::Idle;
                }
                self.change(now, false);
            }
            Input::Forgotten => {
                self.owes_action = self.has_action;
                self.change(now, true);
            }
            Input::Made(made) => {
                self.counts.made += 1;
                match made {
                    Made::Failed => self.fail(now),
                    Made::Differs if self.has_check => self.next = Some(Step::Check),
                    Made::Differs => self.next = Some(Step::Put),
                    // Also before the fleet is known as a whole: what reads the files should run with those that are there.
                    Made::Same if self.owes_action => self.next = Some(Step::Act),
                    Made::Same => self.rest(now),
                }
            }
            Input::Checked(true) => self.next = Some(Step::Put),
            Input::Put(true) => {
                self.owes_action = self.has_action;
                self.next = Some(if self.has_action { Step::Act } else { Step::Keep });
                if !self.has_action {
                    self.succeed(now);
                }
            }
            Input::Acted(true) => {
                self.next = Some(Step::Keep);
                self.succeed(now);
            }
            Input::Checked(false) | Input::Put(false) => self.fail(now),
            Input::Acted(false) => self.next = Some(Step::Restore),
            Input::Restored(is_restored) => {
                if is_restored {
                    self.counts.restored += 1;
                    self.owes_action = false;
                }
                self.fail(now);
            }
        }
    }

    /// What is to be done now, once.
    pub fn next_step(&mut self, now: Duration) -> Option<Step> {
        if let Some(step) = self.next.take() {
            return Some(step);
        }
        if self.next_timeout()? > now {
            return None;
        }
        self.state = State::Busy;
        self.stale = false;
        Some(Step::Make { only_missing: !self.is_live })
    }

    /// When something is to be done although nothing happens.
    pub fn next_timeout(&self) -> Option<Duration> {
        match self.state {
            State::Idle | State::Busy => None,
            State::Settling { due, latest } => Some(due.min(latest)),
            State::Pausing { until } => Some(until),
        }
    }

    /// What it has done so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether somebody still reads other files than those that are there.
    pub fn owes_action(&self) -> bool {
        self.owes_action
    }

    /// Whether the last attempt failed.
    pub fn is_failing(&self) -> bool {
        self.failures_in_a_row > 0
    }

    fn change(&mut self, now: Duration, at_once: bool) {
        let wait = |wait: Duration| if at_once { now } else { now + wait };
        match &mut self.state {
            State::Settling { due, .. } => *due = wait(self.pace.settle),
            State::Idle => {
                self.state =
                    State::Settling { due: wait(self.pace.settle), latest: wait(self.pace.settle_max) };
            }
            State::Busy => self.stale = true,
            // The next attempt has it.
            State::Pausing { .. } => {}
        }
    }

    fn succeed(&mut self, now: Duration) {
        self.counts.changed += 1;
        self.owes_action = false;
        self.rest(now);
    }

    fn rest(&mut self, now: Duration) {
        self.failures_in_a_row = 0;
        self.state = State::Idle;
        if core::mem::take(&mut self.stale) {
            self.change(now, false);
        }
    }

    fn fail(&mut self, now: Duration) {
        self.counts.failed += 1;
        let doubled = 1_u32.checked_shl(self.failures_in_a_row).unwrap_or(u32::MAX);
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        let pause = self.pace.retry.saturating_mul(doubled).min(self.pace.retry_max);
        self.state = State::Pausing { until: now + pause };
    }
}

#[cfg(test)]
mod tests;
