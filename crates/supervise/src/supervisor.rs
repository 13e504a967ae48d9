//! Many services: from the container's start to its end.

mod probing;
mod retiring;

use alloc::vec;
use alloc::vec::Vec;

use fastrand::Rng;

use crate::life::{Life, Setting};
use crate::message::{Command, Input, Notice, Outbox, Output};
use crate::order::{self, Start, Verdict};
use crate::retire::Retire;
use crate::service::{Kind, Service, ServiceId};
use crate::shutdown::{Grace, KILLED_WITHIN, Phase};
use crate::table::{Event, State};
use crate::{Exit, Instant, Want, signal};

/// Leads many services; see the crate's page for how to drive it.
#[derive(Debug, Clone)]
pub struct Supervisor {
    services: Vec<Service>,
    lives: Vec<Life>,
    starts: Vec<Start>,
    phase: Phase,
    grace: Grace,
    retire: Option<Retire>,
    code: Option<u8>,
    booted: bool,
    random: Rng,
    out: Outbox,
}

impl Supervisor {
    /// One that leads these services; `seed` moves jittered pauses only.
    pub fn new(services: Vec<Service>, grace: Grace, seed: u64, now: Instant) -> Self {
        let count = services.len();
        Self {
            lives: vec![Life::new(now); count],
            starts: services
                .iter()
                .map(|one| if one.wanted { Start::Pending } else { Start::Unwanted })
                .collect(),
            services,
            phase: Phase::Running,
            grace,
            retire: None,
            code: None,
            booted: false,
            random: Rng::with_seed(seed),
            // A service's change makes six outputs at most; more than all at once is no harm, only an allocation.
            out: Outbox::with_capacity(count * 6 + 8),
        }
    }

    /// The services it leads.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Where a service stands.
    pub fn life(&self, ServiceId(id): ServiceId) -> &Life {
        &self.lives[id]
    }

    /// Where the container stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// When [`Input::Timeout`] is due.
    pub fn next_timeout(&self) -> Option<Instant> {
        let of_life =
            |life: &Life| life.probers.iter().map(|one| one.due).chain([life.deadline]).flatten().min();
        self.lives.iter().filter_map(of_life).chain(self.phase.until()).min()
    }

    /// What to do next.
    pub fn output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Takes in what happened.
    pub fn handle(&mut self, input: Input, now: Instant) {
        match input {
            Input::Boot => {}
            Input::Spawned { service, pid } => {
                self.with(service, now, |life, on| life.spawned(pid, on));
                self.tell_new_agent(service);
            }
            Input::Probing { service, question, pid } => self.probing(service, question, pid, now),
            Input::Refused { service, exit } => {
                self.with(service, now, |life, on| life.ended(Event::Refused, exit, on));
            }
            Input::Exited { pid, exit } => {
                if !self.took_answer(pid, exit, now)
                    && let Some(service) = self.lives.iter().position(|life| life.pid == Some(pid))
                {
                    self.with(ServiceId(service), now, |life, on| life.ended(Event::Ended, exit, on));
                }
            }
            Input::Ready { service, ready } => {
                self.tell(service, if ready { Event::Ready } else { Event::Unready }, now);
            }
            Input::Asked { service, command } => self.asked(service, command, now),
            Input::Told(word) => self.told(word, now),
            Input::Stop { code } => self.stop(code, now),
            Input::Alone => self.alone(),
            Input::Timeout => self.timeout(now),
        }
        self.go_on(now);
    }

    fn with(&mut self, id: ServiceId, now: Instant, what: impl FnOnce(&mut Life, &mut Setting<'_>)) {
        let kill_after_at_most = (self.phase != Phase::Running).then_some(self.grace.each);
        let mut on = Setting {
            id,
            service: &self.services[id.0],
            now,
            random: &mut self.random,
            out: &mut self.out,
            kill_after_at_most,
        };
        what(&mut self.lives[id.0], &mut on);
        if matches!(self.phase, Phase::Killing { .. } | Phase::Over) {
            // What is started behind the last KILL would be left behind.
            self.out.retain(|output| !matches!(output, Output::Spawn { .. }));
        }
    }

    fn tell(&mut self, id: ServiceId, event: Event, now: Instant) {
        self.with(id, now, |life, on| life.on(event, on));
    }

    fn asked(&mut self, id: ServiceId, command: Command, now: Instant) {
        // What ends is not started again.
        let running = self.phase == Phase::Running;
        match command {
            Command::Up | Command::Once if running => {
                self.starts[id.0] = Start::Begun;
                self.tell(id, if command == Command::Up { Event::Up } else { Event::Once }, now);
            }
            Command::Restart if running => {
                self.starts[id.0] = Start::Begun;
                self.tell(id, Event::Down, now);
                self.tell(id, Event::Up, now);
            }
            Command::Up | Command::Once | Command::Restart => {}
            Command::Down => {
                if self.starts[id.0] == Start::Pending {
                    self.starts[id.0] = Start::Unwanted;
                }
                self.tell(id, Event::Down, now);
            }
            Command::Signal(signal) => {
                // Never to a `finish`, as in s6: it was not meant.
                let life = &self.lives[id.0];
                let runs = !matches!(life.state, State::Finishing | State::Clearing);
                if let (true, Some(pid)) = (runs, life.pid) {
                    self.out.push_back(Output::Signal { pid, signal, group: false });
                }
            }
        }
    }

    fn stop(&mut self, code: Option<u8>, now: Instant) {
        match self.phase {
            Phase::Running => {
                self.code = code;
                self.retire_or_stop(now);
            }
            Phase::Retiring { .. } => self.stop_services(now),
            Phase::Stopping { .. } => self.sweep(now),
            Phase::Sweeping { .. } => self.kill_all(now),
            Phase::Killing { .. } | Phase::Over => {}
        }
    }

    fn stop_services(&mut self, now: Instant) {
        self.phase = Phase::Stopping { until: self.stopped_by(now) };
        // Who is about to be started again must not be while others stop.
        for id in (0..self.services.len()).map(ServiceId) {
            if self.lives[id.0].state == State::Waiting {
                self.tell(id, Event::Down, now);
            }
        }
    }

    fn timeout(&mut self, now: Instant) {
        self.ask_who_is_due(now);
        for id in (0..self.services.len()).map(ServiceId) {
            if self.lives[id.0].deadline.is_some_and(|deadline| deadline <= now) {
                self.lives[id.0].deadline = None;
                self.tell(id, Event::Timeout, now);
            }
        }
        if self.phase.until().is_some_and(|until| until <= now) {
            match self.phase {
                Phase::Running | Phase::Over => {}
                Phase::Retiring { .. } => self.step_is_late(now),
                Phase::Stopping { .. } => {
                    self.out.push_back(Output::Say(Notice::OutOfTime));
                    self.sweep(now);
                }
                Phase::Sweeping { .. } => self.kill_all(now),
                Phase::Killing { .. } => self.end(),
            }
        }
    }

    fn alone(&mut self) {
        if matches!(self.phase, Phase::Sweeping { .. } | Phase::Killing { .. }) {
            self.end();
        }
    }

    /// Follows up on what changed: dependencies met, services at rest.
    fn go_on(&mut self, now: Instant) {
        self.look_for_critical_ends(now);
        match self.phase {
            Phase::Running => self.start_who_may(now),
            Phase::Retiring { .. } => self.follow_the_agent(now),
            Phase::Stopping { .. } | Phase::Sweeping { .. } | Phase::Killing { .. } | Phase::Over => {}
        }
        if matches!(self.phase, Phase::Stopping { .. }) {
            self.stop_who_may(now);
        }
        self.keep_probers(now);
    }

    fn look_for_critical_ends(&mut self, now: Instant) {
        let ended = self.services.iter().zip(&self.lives).position(|(service, life)| {
            service.critical && life.want == Want::Up && life.is_at_rest() && life.last_exit.is_some()
        });
        if let (Phase::Running, Some(id)) = (self.phase, ended) {
            self.out.push_back(Output::Say(Notice::CriticalEnded { service: ServiceId(id) }));
            let code = self.lives[id].last_exit.map(Exit::as_code);
            self.stop(code, now);
        }
    }

    fn start_who_may(&mut self, now: Instant) {
        // One pass is enough for those that only wait for earlier ones, but an answer may come within the pass (a oneshot
        // without a command is up at once): so until nothing changes.
        loop {
            let mut changed = false;
            for id in 0..self.services.len() {
                if !matches!(self.starts[id], Start::Pending | Start::Hopeless) {
                    continue;
                }
                match order::may_start(&self.services[id], &self.lives, &self.starts) {
                    Verdict::Met => {
                        self.starts[id] = Start::Begun;
                        self.tell(ServiceId(id), Event::Up, now);
                        changed = true;
                    }
                    Verdict::Hopeless if self.starts[id] == Start::Pending => {
                        self.starts[id] = Start::Hopeless;
                        self.out.push_back(Output::Say(Notice::HeldBack { service: ServiceId(id) }));
                        changed = true;
                    }
                    Verdict::Hopeless | Verdict::NotYet => {}
                }
            }
            if !changed {
                break;
            }
        }
        let settled = |(start, life): (&Start, &Life)| match start {
            Start::Pending => false,
            Start::Unwanted | Start::Hopeless => true,
            Start::Begun => life.late || life.state != State::Starting,
        };
        if !self.booted && self.starts.iter().zip(&self.lives).all(settled) {
            self.booted = true;
            self.out.push_back(Output::Say(Notice::Booted));
        }
    }

    fn stop_who_may(&mut self, now: Instant) {
        for id in (0..self.services.len()).rev().map(ServiceId) {
            let life = &self.lives[id.0];
            let told = life.want == Want::Down
                && !matches!(life.state, State::Waiting | State::Starting | State::Ready);
            if !life.is_at_rest() && !told && order::may_stop(id, &self.services, &self.lives) {
                self.tell(id, Event::Down, now);
            }
        }
        if self.lives.iter().all(Life::is_at_rest) {
            self.sweep(now);
        }
    }

    fn sweep(&mut self, now: Instant) {
        self.phase = Phase::Sweeping { until: now + self.grace.rest };
        self.forget_deadlines();
        self.out.push_back(Output::SignalAll(signal::TERM));
        self.out.push_back(Output::SignalAll(signal::CONT));
    }

    fn kill_all(&mut self, now: Instant) {
        self.phase = Phase::Killing { until: now + KILLED_WITHIN };
        self.out.push_back(Output::SignalAll(signal::KILL));
    }

    /// From here on everybody is treated alike.
    fn forget_deadlines(&mut self) {
        for life in &mut self.lives {
            (life.deadline, life.want) = (None, Want::Down);
        }
    }

    fn end(&mut self) {
        self.phase = Phase::Over;
        let main = self
            .services
            .iter()
            .zip(&self.lives)
            .rfind(|(service, _)| service.critical && matches!(service.kind, Kind::Longrun { .. }));
        let mains = main.and_then(|(_, life)| life.last_exit).map(Exit::as_code);
        self.out.push_back(Output::End { code: self.code.or(mains).unwrap_or(0) });
    }
}
