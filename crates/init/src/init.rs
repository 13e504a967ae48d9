//! The loop of PID 1. What happens (a signal, a command, a line on a notification pipe, a time that is over) is made an
//! [`Input`]; what the supervisor says is done. There is no decision here.

mod done;
mod happened;

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::SystemTime;

use muster_supervise::{Input, Instant, Output, ServiceId, State, Supervisor};
use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::cluster::Cluster;
use crate::held::Held;
use crate::place::{Place, lay_names_of_s6_overlay};
use crate::plan::{Entry, Plan, Verbosity};
use crate::sockets::{self, Notifications};
use crate::{reader, say};

/// Runs what `read` plans until the container ends; the exit code is the container's.
pub fn run(read: impl FnOnce() -> Result<Plan, String>) -> u8 {
    match reader::read_in_a_fork(read) {
        Ok(plan) => match Init::new(plan) {
            Ok(init) => init.run(),
            Err(error) => failed(&format!("cannot start: {error}"), 1),
        },
        Err((error, code)) => failed(&error, code),
    }
}

/// Runs a plan that needs no reading.
pub(crate) fn run_plan(plan: Plan) -> u8 {
    match Init::new(plan) {
        Ok(init) => init.run(),
        Err(error) => failed(&format!("cannot start: {error}"), 1),
    }
}

fn failed(error: &str, code: u8) -> u8 {
    say::say(Verbosity::Quiet, Verbosity::Quiet, error);
    code
}

struct Init {
    supervisor: Supervisor,
    entries: Vec<Entry>,
    held: Vec<Held>,
    /// The agent, where one speaks for this node.
    cluster: Option<(ServiceId, Cluster)>,
    /// Services of the cluster that no entry offers.
    offered: Vec<String>,
    booted: bool,
    withheld: Vec<String>,
    signals: SignalFd,
    started: std::time::Instant,
    verbosity: Verbosity,
    passes_all_signals: bool,
    has_s6_overlays_places: bool,
    over: Option<u8>,
}

impl Init {
    fn new(plan: Plan) -> Result<Self, std::io::Error> {
        let all = SigSet::all();
        all.thread_block()?;
        let signals = SignalFd::with_flags(&all, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        if nix::unistd::getpid().as_raw() != 1 {
            // So that orphans come to us as they would to PID 1.
            nix::sys::prctl::set_child_subreaper(true)?;
        }
        for warning in &plan.warnings {
            say::say(plan.verbosity, Verbosity::Warnings, warning);
        }
        let services = plan.entries.iter().map(|entry| entry.service.clone()).collect();
        let started = std::time::Instant::now();
        let held = hold(&plan)?;
        // Nothing secret: pauses of services that failed together are moved apart.
        let seed = u64::from(std::process::id()) ^ started_at_nanoseconds();
        let mut supervisor = Supervisor::new(services, plan.grace, seed, Instant::default());
        let mut cluster = None;
        if let Some(retire) = plan.retire {
            supervisor = supervisor.retiring(retire);
            cluster = Some((retire.agent, Cluster::new()?));
        }
        Ok(Self {
            supervisor,
            entries: plan.entries,
            held,
            cluster,
            offered: plan.offered,
            booted: false,
            withheld: plan.withheld,
            signals,
            started,
            verbosity: plan.verbosity,
            passes_all_signals: plan.passes_all_signals,
            has_s6_overlays_places: plan.places.as_deref() == Some(Path::new(crate::place::S6_OVERLAYS)),
            over: None,
        })
    }

    fn run(mut self) -> u8 {
        self.handle(Input::Boot);
        // From here on it sleeps nearly always, and one is in every container.
        muster_resident::give_back_start();
        loop {
            if let Some(code) = self.over {
                return code;
            }
            self.wait();
            // Before the news of an end: what a process said is not its successor's.
            self.take_notifications();
            self.take_signals();
            self.take_commands();
            self.take_words();
            if self.supervisor.next_timeout().is_some_and(|due| due <= self.now()) {
                self.handle(Input::Timeout);
            }
        }
    }

    fn now(&self) -> Instant {
        Instant(self.started.elapsed())
    }

    fn handle(&mut self, input: Input) {
        self.supervisor.handle(input, self.now());
        while let Some(output) = self.supervisor.output() {
            match output {
                Output::Spawn { service, job } => self.spawn(service, job),
                Output::Signal { pid, signal, group } => done::send(pid, signal, group),
                Output::SignalAll(signal) => self.signal_all(signal),
                Output::Changed { service } => self.changed(service),
                Output::Passed { service, milestone } => self.passed(service, milestone),
                Output::Retire => self.say_retire(),
                Output::Say(notice) => self.tell(notice),
                Output::End { code } => self.end(code),
            }
        }
    }

    /// The services of the cluster that are ready here: offered by a process that is, or by nobody in particular once all is up.
    fn ready(&self) -> Vec<&str> {
        let by_process = self.entries.iter().enumerate().filter_map(|(id, entry)| {
            let is_ready = self.supervisor.life(ServiceId(id)).state == State::Ready;
            entry.offers.as_deref().filter(|_| is_ready)
        });
        let by_nobody = self.offered.iter().filter(|_| self.booted).map(String::as_str);
        let mut names: Vec<&str> = by_process.chain(by_nobody).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// What is held for the services.
fn hold(plan: &Plan) -> Result<Vec<Held>, std::io::Error> {
    let mut held: Vec<Held> = plan.entries.iter().map(|_| Held::new()).collect();
    for entry in &plan.entries {
        if let Some(ServiceId(reader)) = entry.stdout_to
            && held[reader].input.is_none()
        {
            let (read, write) = std::io::pipe()?;
            held[reader].input = Some((read, Some(write)));
        }
    }
    let somebody_reads = plan.entries.iter().any(|entry| entry.reads_logs);
    for (entry, held) in plan.entries.iter().zip(&mut held) {
        if entry.logged_as.is_some() && somebody_reads {
            held.logged = Some([sockets::raised_pipe()?, sockets::raised_pipe()?]);
        }
    }
    if let Some(places) = &plan.places {
        make_places(plan, places, &mut held);
    }
    for (id, entry) in plan.entries.iter().enumerate() {
        held[id].listeners = listeners(entry)?;
        if entry.keeps_picture {
            held[id].picture = Some(sockets::picture()?);
        }
        if entry.notify_socket.is_some() {
            let folder = held[id].place.as_ref().map(Place::folder);
            let uid = entry.main.as_ref().and_then(|exec| exec.account.as_ref()).map(|account| account.uid);
            let made = Notifications::new(folder, uid, id).map_err(|error| {
                let text = format!("no socket for the notifications of {}: {error}", entry.service.name);
                std::io::Error::new(error.kind(), text)
            });
            held[id].notifications = Some(made?);
        }
    }
    Ok(held)
}

fn make_places(plan: &Plan, places: &Path, held: &mut [Held]) {
    for (entry, held) in plan.entries.iter().zip(held).filter(|(entry, _)| entry.has_place()) {
        match Place::make(&places.join(&*entry.service.name), !entry.service.wanted) {
            Ok(place) => held.place = Some(place),
            Err(error) => {
                let text = format!(
                    "{} cannot be controlled from outside: {}: {error}",
                    entry.service.name,
                    places.display()
                );
                say::say(plan.verbosity, Verbosity::Warnings, text);
                break;
            }
        }
    }
    lay_names_of_s6_overlay(places);
}

fn listeners(entry: &Entry) -> Result<Vec<OwnedFd>, std::io::Error> {
    let told = |address: std::net::SocketAddr, made: std::io::Result<OwnedFd>| {
        made.map_err(|error| {
            let text = format!("{} cannot listen on {address}: {error}", entry.service.name);
            std::io::Error::new(error.kind(), text)
        })
    };
    let traffic = entry.listens.iter().map(|address| told(*address, sockets::listener(*address)));
    let gossip = entry.gossips.into_iter().flat_map(|address| {
        [told(address, sockets::gossip_stream(address)), told(address, sockets::gossip_datagrams(address))]
    });
    traffic.chain(gossip).collect()
}

fn started_at_nanoseconds() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| u64::from(since.subsec_nanos()))
}
