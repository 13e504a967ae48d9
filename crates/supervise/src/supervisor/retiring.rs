//! The steps of [`crate::retire`], as they follow each other.

use super::Supervisor;
use crate::Instant;
use crate::message::{Notice, Output};
use crate::retire::{Retire, Step, Waiting, Word};
use crate::service::ServiceId;
use crate::shutdown::Phase;
use crate::table::Event;

impl Supervisor {
    /// The same, of a node that retires before it ends.
    #[must_use]
    pub fn retiring(mut self, retire: Retire) -> Self {
        self.grace = retire.grace(self.grace);
        self.retire = Some(retire);
        self
    }

    /// Lets the cluster know first, if anybody can; otherwise the processes end now.
    pub(super) fn retire_or_stop(&mut self, now: Instant) {
        match self.retire {
            Some(retire) if self.lives[retire.agent.0].pid.is_some() => {
                self.out.push_back(Output::Retire);
                self.step(retire, Step::Withdrawing, now, now);
            }
            _ => self.stop_services(now),
        }
    }

    fn step(&mut self, retire: Retire, step: Step, began: Instant, now: Instant) {
        self.phase = Phase::Retiring { step, began, until: retire.until(step, began, now) };
        if step == Step::Leaving {
            self.tell(retire.agent, Event::Down, now);
        }
    }

    /// [`crate::Input::Told`].
    pub(super) fn told(&mut self, word: Word, now: Instant) {
        let (Some(retire), Phase::Retiring { step, began, .. }) = (self.retire, self.phase) else { return };
        let plain_before = step == (Step::Draining { then_leave: true });
        match (step, word) {
            (Step::Withdrawing | Step::Draining { .. }, Word::Withdrawn(Waiting { ours: true, plain })) => {
                // A new agent may not know yet whom the one before knew.
                let then_leave = plain || plain_before;
                self.step(retire, Step::Draining { then_leave }, began, now);
            }
            (Step::Withdrawing | Step::Draining { .. }, Word::Withdrawn(Waiting { plain, .. })) => {
                self.after_draining(plain || plain_before, now);
            }
            (Step::Draining { then_leave }, Word::Drained) => self.after_draining(then_leave, now),
            (Step::Withdrawing | Step::Leaving | Step::Waiting, _) => {}
        }
    }

    fn after_draining(&mut self, then_leave: bool, now: Instant) {
        let (Some(retire), Phase::Retiring { began, .. }) = (self.retire, self.phase) else { return };
        match then_leave {
            true => self.step(retire, Step::Leaving, began, now),
            false => self.stop_services(now),
        }
    }

    /// The time of a step is over.
    pub(super) fn step_is_late(&mut self, now: Instant) {
        let (Some(retire), Phase::Retiring { step, began, .. }) = (self.retire, self.phase) else { return };
        match step {
            // Perhaps only its answer is late, and who balances knows.
            Step::Withdrawing => self.step(retire, Step::Draining { then_leave: false }, began, now),
            Step::Draining { then_leave } => {
                self.out.push_back(Output::Say(Notice::NotDrained));
                self.after_draining(then_leave, now);
            }
            Step::Leaving | Step::Waiting => self.stop_services(now),
        }
    }

    /// Follows up on what became of the agent.
    pub(super) fn follow_the_agent(&mut self, now: Instant) {
        let (Some(retire), Phase::Retiring { step, began, .. }) = (self.retire, self.phase) else { return };
        match (step, self.lives[retire.agent.0].is_at_rest()) {
            (_, false) | (Step::Waiting, true) => {}
            (Step::Leaving, true) => self.step(retire, Step::Waiting, began, now),
            // Nobody is left who could speak to the cluster.
            (Step::Withdrawing | Step::Draining { .. }, true) => self.stop_services(now),
        }
    }

    /// A new process of the agent knows nothing of what the one before was told.
    pub(super) fn tell_new_agent(&mut self, started: ServiceId) {
        if let (Some(retire), Phase::Retiring { step, .. }) = (self.retire, self.phase)
            && retire.agent == started
            && matches!(step, Step::Withdrawing | Step::Draining { .. })
        {
            self.out.push_back(Output::Retire);
        }
    }

    /// When all processes have to have ended, as far as that was begun with.
    pub(super) fn stopped_by(&self, now: Instant) -> Instant {
        let in_full = now + self.grace.all;
        match (self.retire, self.phase) {
            (Some(retire), Phase::Retiring { began, .. }) => retire.stopped_by(began).min(in_full),
            _ => in_full,
        }
    }
}
