//! A container in virtual time: processes that behave as they are told, and a supervisor that leads them.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use muster_supervise::signal;
use muster_supervise::{
    Command, Exit, Grace, Input, Instant, Job, Notice, Output, Phase, Pid, Question, Retire, Service,
    ServiceId, Supervisor,
};

/// What a process does of itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conduct {
    /// It ends after this time with this exit; `None`: it runs until told otherwise.
    pub(crate) ends: Option<(Duration, Exit)>,
    /// It says that it is ready after this time.
    pub(crate) ready: Option<Duration>,
    /// How long it takes to end when asked to; `None`: it does not listen.
    pub(crate) listens: Option<Duration>,
    /// Not even KILL ends it: it hangs in the kernel.
    pub(crate) stuck: bool,
}

impl Conduct {
    /// Runs for ever, and ends at once when asked.
    pub(crate) const FAITHFUL: Self =
        Self { ends: None, ready: None, listens: Some(Duration::ZERO), stuck: false };

    /// Ends by itself.
    pub(crate) const fn ending(after_ms: u64, exit: Exit) -> Self {
        Self { ends: Some((Duration::from_millis(after_ms), exit)), ..Self::FAITHFUL }
    }
}

#[derive(Debug)]
struct Process {
    service: ServiceId,
    job: Job,
    conduct: Conduct,
    ends: Option<(Instant, Exit)>,
    ready: Option<Instant>,
}

/// What the world saw, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Started(ServiceId, Job),
    Gone(ServiceId, Job, Exit),
    Said(Notice),
    All(i32),
    /// The agent is to tell the cluster.
    Retire,
    End(u8),
}

/// How each process behaves, or that it cannot be started.
type Conducts = Box<dyn FnMut(ServiceId, Job, &mut Rng) -> Result<Conduct, Exit>>;

/// The container.
pub(crate) struct World {
    pub(crate) supervisor: Supervisor,
    pub(crate) now: Instant,
    pub(crate) seen: Vec<(Instant, Seen)>,
    pub(crate) conduct: Conducts,
    pub(crate) random: Rng,
    /// Every signal that reached a process.
    pub(crate) signals: Vec<(Instant, i32)>,
    processes: BTreeMap<i32, Process>,
    last_pid: i32,
    over: Option<u8>,
}

impl World {
    pub(crate) fn new(
        services: Vec<Service>,
        grace: Grace,
        seed: u64,
        conduct: impl FnMut(ServiceId, Job, &mut Rng) -> Result<Conduct, Exit> + 'static,
    ) -> Self {
        Self::of(Supervisor::new(services, grace, seed, Instant::default()), seed, conduct)
    }

    /// Whose node tells the cluster that it goes.
    pub(crate) fn retiring(
        services: Vec<Service>,
        retire: Retire,
        seed: u64,
        conduct: impl FnMut(ServiceId, Job, &mut Rng) -> Result<Conduct, Exit> + 'static,
    ) -> Self {
        let supervisor = Supervisor::new(services, Grace::default(), seed, Instant::default());
        Self::of(supervisor.retiring(retire), seed, conduct)
    }

    fn of(
        supervisor: Supervisor,
        seed: u64,
        conduct: impl FnMut(ServiceId, Job, &mut Rng) -> Result<Conduct, Exit> + 'static,
    ) -> Self {
        let now = Instant::default();
        let mut world = Self {
            supervisor,
            now,
            seen: Vec::new(),
            conduct: Box::new(conduct),
            random: Rng::with_seed(seed),
            signals: Vec::new(),
            processes: BTreeMap::new(),
            last_pid: 1,
            over: None,
        };
        world.tell(Input::Boot);
        world
    }

    pub(crate) fn tell(&mut self, input: Input) {
        self.supervisor.handle(input, self.now);
        while let Some(output) = self.supervisor.output() {
            self.obey(output);
        }
    }

    pub(crate) fn ask(&mut self, service: usize, command: Command) {
        self.tell(Input::Asked { service: ServiceId(service), command });
    }

    /// Lets time pass until the container is over, or this long.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        while self.over.is_none() {
            let own = self.supervisor.next_timeout();
            let next = self
                .processes
                .values()
                .flat_map(|one| [one.ends.map(|ends| ends.0), one.ready])
                .flatten()
                .chain(own)
                .min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            if own.is_some_and(|own| own <= self.now) {
                self.tell(Input::Timeout);
            }
            self.let_processes_act();
        }
        self.now = self.now.max(until);
    }

    /// A process ends of itself, now.
    pub(crate) fn end(&mut self, Pid(pid): Pid, exit: Exit) {
        if let Some(process) = self.processes.get_mut(&pid) {
            process.ends = Some((self.now, exit));
        }
        self.let_processes_act();
    }

    pub(crate) fn over(&self) -> Option<u8> {
        self.over
    }

    /// Without those that only ask how it is.
    pub(crate) fn processes_of(&self, service: usize) -> usize {
        let is_own = |process: &&Process| {
            process.service == ServiceId(service) && !matches!(process.job, Job::Probe(_))
        };
        self.processes.values().filter(is_own).count()
    }

    /// Probes of one question that run now, without those that were killed and hang in the kernel: nobody can wait for them.
    pub(crate) fn probes_of(&self, service: usize, question: Question) -> usize {
        let asks = |process: &&Process| {
            process.service == ServiceId(service)
                && process.job == Job::Probe(question)
                && !process.conduct.stuck
                && process.ends.is_none_or(|(at, _)| at > self.now)
        };
        self.processes.values().filter(asks).count()
    }

    pub(crate) fn killable(&self) -> usize {
        self.processes.values().filter(|process| !process.conduct.stuck).count()
    }

    pub(crate) fn processes(&self) -> usize {
        self.processes.len()
    }

    /// What was seen, without the times.
    pub(crate) fn story(&self) -> Vec<Seen> {
        self.seen.iter().map(|(_, seen)| *seen).collect()
    }

    fn let_processes_act(&mut self) {
        let ready: Vec<_> = self
            .processes
            .values_mut()
            .filter(|one| one.ready.is_some_and(|at| at <= self.now))
            .map(|one| {
                one.ready = None;
                one.service
            })
            .collect();
        for service in ready {
            self.tell(Input::Ready { service, ready: true });
        }
        let ended = |process: &Process, now| process.ends.filter(|(at, _)| *at <= now);
        while let Some((pid, exit)) =
            self.processes.iter().find_map(|(pid, one)| ended(one, self.now).map(|(_, exit)| (*pid, exit)))
        {
            let gone = self.processes.remove(&pid).expect("it was just found");
            self.seen.push((self.now, Seen::Gone(gone.service, gone.job, exit)));
            self.tell(Input::Exited { pid: Pid(pid), exit });
        }
        if self.processes.is_empty() {
            self.tell(Input::Alone);
        }
    }

    fn obey(&mut self, output: Output) {
        match output {
            Output::Spawn { service, job } => self.spawn(service, job),
            Output::Signal { pid: Pid(pid), signal, group: _ } => self.signal(pid, signal),
            Output::SignalAll(signal) => {
                self.seen.push((self.now, Seen::All(signal)));
                let all: Vec<_> = self.processes.keys().copied().collect();
                for pid in all {
                    self.signal(pid, signal);
                }
                if self.processes.is_empty() {
                    self.supervisor.handle(Input::Alone, self.now);
                }
            }
            Output::Changed { .. } | Output::Passed { .. } => {}
            Output::Retire => self.seen.push((self.now, Seen::Retire)),
            Output::Say(notice) => self.seen.push((self.now, Seen::Said(notice))),
            Output::End { code } => {
                assert_eq!(self.supervisor.phase(), Phase::Over);
                self.seen.push((self.now, Seen::End(code)));
                self.over = Some(code);
            }
        }
    }

    fn spawn(&mut self, service: ServiceId, job: Job) {
        match job {
            Job::Probe(question) => assert_eq!(
                self.probes_of(service.0, question),
                0,
                "a second probe of {service:?} at {:?}",
                self.now
            ),
            _ => assert_eq!(
                self.processes_of(service.0),
                0,
                "a second process of {service:?} for {job:?} at {:?}",
                self.now
            ),
        }
        let started = (self.conduct)(service, job, &mut self.random).map(|conduct| {
            self.last_pid += 1;
            let process = Process {
                service,
                job,
                conduct,
                ends: conduct.ends.map(|(after, exit)| (self.now + after, exit)),
                ready: conduct.ready.map(|after| self.now + after),
            };
            self.processes.insert(self.last_pid, process);
            self.seen.push((self.now, Seen::Started(service, job)));
            Pid(self.last_pid)
        });
        let input = match (job, started) {
            (Job::Probe(question), pid) => Input::Probing { service, question, pid: pid.ok() },
            (_, Ok(pid)) => Input::Spawned { service, pid },
            (_, Err(exit)) => Input::Refused { service, exit },
        };
        self.supervisor.handle(input, self.now);
    }

    fn signal(&mut self, pid: i32, number: i32) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        self.signals.push((self.now, number));
        let exit = Exit::Signal(u8::try_from(number).expect("signals are small"));
        let dies = match number {
            signal::KILL if process.conduct.stuck => None,
            signal::KILL => Some(self.now),
            signal::CONT | signal::HUP => None,
            _ => process.conduct.listens.map(|takes| self.now + takes),
        };
        if let Some(at) = dies.filter(|at| process.ends.is_none_or(|(ends, _)| *at < ends)) {
            process.ends = Some((at, exit));
        }
    }
}

/// Milliseconds.
pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
