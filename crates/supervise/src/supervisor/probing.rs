//! Who is asked how it is, and what follows from the answers.

use super::Supervisor;
use crate::message::{Job, Notice, Output, Pid};
use crate::probe::{Belief, Question, Step};
use crate::service::{Kind, ServiceId};
use crate::shutdown::Phase;
use crate::table::{Event, State};
use crate::{Exit, Instant, Want, signal};

const QUESTIONS: [Question; 2] = [Question::Ready, Question::Alive];

impl Supervisor {
    /// Begins with those whose process runs, and ends with those whose does not.
    pub(super) fn keep_probers(&mut self, now: Instant) {
        let asks = matches!(self.phase, Phase::Running | Phase::Retiring { .. });
        for (service, life) in self.services.iter().zip(&mut self.lives) {
            let runs = matches!(life.state, State::Starting | State::Ready) && life.pid.is_some();
            let is_longrun = matches!(service.kind, Kind::Longrun { .. });
            for question in QUESTIONS {
                let Some(pace) = service.pace(question) else { continue };
                let is_ready = life.state == State::Ready;
                let prober = &mut life.probers[question as usize];
                match (question, asks && runs && is_longrun) {
                    (Question::Ready, true) => prober.begin(now),
                    (Question::Alive, true) if is_ready => prober.begin(now + pace.every),
                    (Question::Alive, true) => {}
                    (_, false) => {
                        self.out.extend(prober.end().map(kill));
                    }
                }
            }
        }
    }

    pub(super) fn ask_who_is_due(&mut self, now: Instant) {
        for id in 0..self.services.len() {
            for question in QUESTIONS {
                let Some(pace) = self.services[id].pace(question) else { continue };
                match self.lives[id].probers[question as usize].step(pace, now) {
                    Step::Wait => {}
                    Step::Kill(pid) => self.out.push_back(kill(pid)),
                    Step::Ask => {
                        let (service, job) = (ServiceId(id), Job::Probe(question));
                        self.out.push_back(Output::Spawn { service, job });
                    }
                }
            }
        }
    }

    /// [`crate::Input::Probing`].
    pub(super) fn probing(&mut self, service: ServiceId, question: Question, pid: Option<Pid>, now: Instant) {
        match pid {
            Some(_) => self.lives[service.0].probers[question as usize].pid = pid,
            None => self.answered(service, question, Exit::Code(127), now),
        }
    }

    /// Whether the process that ended was a probe.
    pub(super) fn took_answer(&mut self, pid: Pid, exit: Exit, now: Instant) -> bool {
        let asked =
            |life: &crate::Life| QUESTIONS.into_iter().find(|q| life.probers[*q as usize].pid == Some(pid));
        let found = self.lives.iter().enumerate().find_map(|(id, life)| Some((ServiceId(id), asked(life)?)));
        let Some((service, question)) = found else { return false };
        self.answered(service, question, exit, now);
        true
    }

    fn answered(&mut self, id: ServiceId, question: Question, exit: Exit, now: Instant) {
        let Some(pace) = self.services[id.0].pace(question) else { return };
        match (question, self.lives[id.0].probers[question as usize].answered(exit, pace, now)) {
            (_, Belief::Unchanged) | (Question::Alive, Belief::Well) => {}
            (Question::Ready, Belief::Well) => self.tell(id, Event::Ready, now),
            (Question::Ready, Belief::Unwell) => self.tell(id, Event::Unready, now),
            (Question::Alive, Belief::Unwell) => {
                self.out.push_back(Output::Say(Notice::NotAlive { service: id }));
                let again = if self.lives[id.0].want == Want::Once { Event::Once } else { Event::Up };
                self.tell(id, Event::Down, now);
                self.tell(id, again, now);
            }
        }
    }
}

/// A probe leads a group of its own, as every process does that is started here.
const fn kill(pid: Pid) -> Output {
    Output::Signal { pid, signal: signal::KILL, group: true }
}
