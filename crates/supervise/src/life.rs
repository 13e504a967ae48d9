//! One service: where it stands, and how the [`Act`]s of the [`table`](crate::table) are performed.

use core::time::Duration;

use fastrand::Rng;

use crate::message::{Job, Milestone, Notice, Outbox, Output, Pid};
use crate::pause::{BackOff, KILL_AGAIN_AFTER};
use crate::probe::Prober;
use crate::service::{Kind, Readiness, Restart, Service, ServiceId, Whom};
use crate::table::{self, Act, Event, State};
use crate::{Exit, Instant, signal};

/// What a `finish` script says to have its service not started again (s6: "permanent failure").
const FINISH_SAYS_NEVER: Exit = Exit::Code(125);

/// What somebody wants of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// That it runs, and is started again by its policy.
    Up,
    /// That it runs until it ends.
    Once,
    /// That it does not run.
    Down,
}

/// One service's life so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Where it stands.
    pub state: State,
    /// What is wanted of it.
    pub want: Want,
    /// The process that the state speaks of.
    pub pid: Option<Pid>,
    /// Since when its process runs, or since when none does.
    pub since: Instant,
    /// Since when it is ready, if it is.
    pub ready_since: Option<Instant>,
    /// How its process ended the last time.
    pub last_exit: Option<Exit>,
    /// How often its process was started.
    pub starts: u32,
    /// It was not ready in time. (It may have become so since.)
    pub late: bool,
    /// It ran, and ended with exit code 0, once at least.
    pub completed: bool,
    pub(crate) deadline: Option<Instant>,
    pub(crate) probers: [Prober; 2],
    /// Its end was asked for, so its next start is no restart.
    asked_to_end: bool,
    back_off: BackOff,
}

/// What a life needs to know to go on.
pub(crate) struct Setting<'a> {
    pub(crate) id: ServiceId,
    pub(crate) service: &'a Service,
    pub(crate) now: Instant,
    pub(crate) random: &'a mut Rng,
    pub(crate) out: &'a mut Outbox,
    /// The longest that a process may take to end now; set while the container stops.
    pub(crate) kill_after_at_most: Option<Duration>,
}

impl Setting<'_> {
    fn pass(&mut self, milestone: Milestone) {
        self.out.push_back(Output::Passed { service: self.id, milestone });
    }
}

impl Life {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            state: State::Down,
            want: Want::Down,
            pid: None,
            since: now,
            ready_since: None,
            last_exit: None,
            starts: 0,
            late: false,
            completed: false,
            deadline: None,
            probers: [Prober::default(), Prober::default()],
            asked_to_end: false,
            back_off: BackOff::default(),
        }
    }

    /// No process of it runs, none will by itself, and nothing is left to be taken down.
    pub fn is_at_rest(&self) -> bool {
        matches!(self.state, State::Down | State::Failed)
    }

    pub(crate) fn spawned(&mut self, pid: Pid, on: &mut Setting<'_>) {
        self.pid = Some(pid);
        if self.state != State::Starting {
            return;
        }
        self.since = on.now;
        self.starts = self.starts.saturating_add(1);
        on.out.push_back(Output::Changed { service: on.id });
        on.pass(Milestone::Up);
        if matches!(on.service.kind, Kind::Longrun { .. }) && on.service.readiness == Readiness::Started {
            self.on(Event::Ready, on);
        }
    }

    /// Its process ended, or could not be started at all and counts as ended so.
    pub(crate) fn ended(&mut self, event: Event, exit: Exit, on: &mut Setting<'_>) {
        let was = self.pid.take();
        let ran = !matches!(self.state, State::Finishing | State::Clearing);
        if ran {
            self.last_exit = Some(exit);
            self.completed |= exit.is_success() && !self.asked_to_end && self.state != State::Stopping;
            on.out.push_back(Output::Say(Notice::Ended { service: on.id, exit, asked: self.asked_to_end }));
            on.pass(Milestone::Down);
            if let (Whom::Group, Some(pid)) = (on.service.whom, was) {
                on.out.push_back(Output::Signal { pid, signal: signal::KILL, group: true });
            }
        } else if exit == FINISH_SAYS_NEVER {
            self.want = Want::Down;
            on.pass(Milestone::ForGood);
        }
        match self.act(event, on.service) {
            Act::Finish => self.finish(exit, was, on),
            Act::Settle => self.settle(exit, on),
            _ => {}
        }
    }

    pub(crate) fn on(&mut self, event: Event, on: &mut Setting<'_>) {
        match event {
            Event::Up => self.want = Want::Up,
            Event::Once => self.want = Want::Once,
            Event::Down => self.want = Want::Down,
            _ => {}
        }
        match self.act(event, on.service) {
            Act::Ignore | Act::Never | Act::Finish | Act::Settle => {}
            Act::Note => on.out.push_back(Output::Changed { service: on.id }),
            Act::Start => {
                if matches!(event, Event::Up | Event::Once) {
                    self.back_off.forget();
                }
                self.start(on);
            }
            Act::Stop => self.stop(on),
            Act::Interrupt => {
                self.ask_to_end(on);
                self.enter(State::Killing, on);
            }
            Act::Kill => self.kill(on),
            Act::MarkReady => {
                self.ready_since = Some(on.now);
                self.deadline = None;
                self.enter(State::Ready, on);
                if on.service.readiness == Readiness::Told {
                    on.pass(Milestone::Ready);
                }
            }
            Act::MarkUnready => {
                self.ready_since = None;
                self.enter(State::Starting, on);
            }
            Act::MarkLate => {
                (self.late, self.deadline) = (true, None);
                on.out.push_back(Output::Say(Notice::Late { service: on.id }));
            }
            Act::Rest => self.rest(State::Down, on),
        }
    }

    fn act(&self, event: Event, service: &Service) -> Act {
        match service.kind {
            Kind::Longrun { .. } => table::longrun(self.state, event),
            Kind::Oneshot { .. } => table::oneshot(self.state, event),
        }
    }

    fn enter(&mut self, state: State, on: &mut Setting<'_>) {
        self.state = state;
        on.out.push_back(Output::Changed { service: on.id });
    }

    fn rest(&mut self, state: State, on: &mut Setting<'_>) {
        (self.deadline, self.ready_since, self.since) = (None, None, on.now);
        self.asked_to_end = false;
        self.enter(state, on);
    }

    fn start(&mut self, on: &mut Setting<'_>) {
        (self.late, self.asked_to_end, self.ready_since) = (false, false, None);
        let job = match on.service.kind {
            Kind::Oneshot { up: false, .. } => {
                (self.completed, self.since) = (true, on.now);
                self.ready_since = Some(on.now);
                return self.enter(State::Ready, on);
            }
            Kind::Oneshot { .. } => Job::Up,
            Kind::Longrun { .. } => Job::Run,
        };
        self.state = State::Starting;
        self.deadline = on.service.up_within.map(|within| on.now + within);
        on.out.push_back(Output::Spawn { service: on.id, job });
    }

    fn stop(&mut self, on: &mut Setting<'_>) {
        self.ready_since = None;
        match on.service.kind {
            Kind::Longrun { .. } => {
                self.ask_to_end(on);
                self.enter(State::Stopping, on);
            }
            Kind::Oneshot { down: true, .. } => {
                self.deadline =
                    shortest(on.service.down_within, on.kill_after_at_most).map(|within| on.now + within);
                self.enter(State::Stopping, on);
                on.out.push_back(Output::Spawn { service: on.id, job: Job::Down });
            }
            Kind::Oneshot { down: false, .. } => self.rest(State::Down, on),
        }
    }

    fn ask_to_end(&mut self, on: &mut Setting<'_>) {
        self.asked_to_end = true;
        self.deadline = shortest(on.service.kill_after, on.kill_after_at_most).map(|within| on.now + within);
        let container_stops = on.kill_after_at_most.is_some();
        if !(container_stops && on.service.ends_with_input) {
            self.signal(on.service.stop_signal, on);
        }
        self.signal(signal::CONT, on);
    }

    fn kill(&mut self, on: &mut Setting<'_>) {
        let finishing = matches!(self.state, State::Finishing | State::Clearing);
        if !matches!(self.state, State::Killing | State::Clearing) {
            on.out.push_back(Output::Say(Notice::Killed { service: on.id, finish: finishing }));
        }
        self.signal(signal::KILL, on);
        self.deadline = Some(on.now + KILL_AGAIN_AFTER);
        self.enter(if finishing { State::Clearing } else { State::Killing }, on);
    }

    fn signal(&self, signal: i32, on: &mut Setting<'_>) {
        if let Some(pid) = self.pid {
            on.out.push_back(Output::Signal { pid, signal, group: on.service.whom == Whom::Group });
        }
    }

    fn finish(&mut self, exit: Exit, was: Option<Pid>, on: &mut Setting<'_>) {
        let Kind::Longrun { finish: true } = on.service.kind else { return self.settle(exit, on) };
        self.since = on.now;
        self.deadline =
            shortest(on.service.finish_within, on.kill_after_at_most).map(|within| on.now + within);
        self.enter(State::Finishing, on);
        on.out.push_back(Output::Spawn { service: on.id, job: Job::Finish { exit, pid: was } });
    }

    /// All that ran has ended.
    fn settle(&mut self, exit: Exit, on: &mut Setting<'_>) {
        on.pass(Milestone::Clear);
        match (on.service.kind, self.state) {
            (Kind::Oneshot { .. }, State::Starting) if exit.is_success() => {
                (self.ready_since, self.deadline) = (Some(on.now), None);
                self.enter(State::Ready, on);
                if self.want == Want::Down {
                    self.stop(on);
                }
            }
            (_, _) if self.want == Want::Up && self.asked_to_end => self.start(on),
            (Kind::Oneshot { .. }, State::Stopping) if self.want == Want::Up => self.start(on),
            (Kind::Oneshot { .. }, State::Stopping) => self.rest(State::Down, on),
            (_, _) if self.want != Want::Up => self.rest(State::Down, on),
            (_, _) => self.settle_by_policy(on),
        }
    }

    fn settle_by_policy(&mut self, on: &mut Setting<'_>) {
        let failed = !self.last_exit.is_some_and(Exit::is_success);
        let again = match on.service.restart {
            Restart::Always => true,
            Restart::OnFailure => failed,
            Restart::Never => false,
        };
        if !again {
            return self.rest(if failed { State::Failed } else { State::Down }, on);
        }
        match self.back_off.ended(&on.service.pauses, on.now, self.ready_since, on.random) {
            None => {
                on.out.push_back(Output::Say(Notice::GaveUp { service: on.id }));
                self.rest(State::Failed, on);
            }
            Some(at) if at <= on.now => self.start(on),
            Some(at) => {
                self.rest(State::Waiting, on);
                self.deadline = Some(at);
            }
        }
    }
}

fn shortest(own: Option<Duration>, at_most: Option<Duration>) -> Option<Duration> {
    match (own, at_most) {
        (Some(own), Some(most)) => Some(own.min(most)),
        (one, None) | (None, one) => one,
    }
}
