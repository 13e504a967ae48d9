//! The loop of PID 1. What happens (a signal, a command, a line on a notification pipe, a time that is over) is made an
//! [`Input`]; what the supervisor says is done. There is no decision here.

use std::ffi::OsString;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::SystemTime;

use muster_supervise::{
    Command, Exit, Input, Instant, Job, Milestone, Notice, Output, Phase, Pid, ServiceId, Supervisor,
};
use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::explain::explain;
use crate::held::Held;
use crate::place::{Place, exit_code_left, lay_names_of_s6_overlay};
use crate::plan::{Entry, Plan, Verbosity};
use crate::spawn::{Files, spawn};
use crate::{letters, notices, reader, say, sweep};

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
    signals: SignalFd,
    started: std::time::Instant,
    verbosity: Verbosity,
    passes_all_signals: bool,
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
        let mut held: Vec<Held> = plan.entries.iter().map(|_| Held::new()).collect();
        for entry in &plan.entries {
            if let Some(ServiceId(reader)) = entry.stdout_to
                && held[reader].input.is_none()
            {
                let (read, write) = std::io::pipe()?;
                held[reader].input = Some((read, Some(write)));
            }
        }
        if let Some(places) = &plan.places {
            for (entry, held) in plan.entries.iter().zip(&mut held).filter(|(entry, _)| entry.has_place()) {
                match Place::make(&places.join(&*entry.service.name), !entry.service.wanted) {
                    Ok(place) => held.place = Some(place),
                    Err(error) => {
                        say::say(
                            plan.verbosity,
                            Verbosity::Warnings,
                            format_args!(
                                "{} cannot be controlled from outside: {}: {error}",
                                entry.service.name,
                                places.display()
                            ),
                        );
                        break;
                    }
                }
            }
            lay_names_of_s6_overlay(places);
        }
        // Nothing secret: pauses of services that failed together are moved apart.
        let seed = u64::from(std::process::id()) ^ started_at_nanoseconds();
        let supervisor = Supervisor::new(services, plan.grace, seed, Instant::default());
        Ok(Self {
            supervisor,
            entries: plan.entries,
            held,
            signals,
            started,
            verbosity: plan.verbosity,
            passes_all_signals: plan.passes_all_signals,
            over: None,
        })
    }

    fn run(mut self) -> u8 {
        for id in 0..self.held.len() {
            self.write_status(id);
        }
        self.handle(Input::Boot);
        loop {
            if let Some(code) = self.over {
                return code;
            }
            self.wait();
            self.take_signals();
            self.take_notifications();
            self.take_commands();
            if self.supervisor.next_timeout().is_some_and(|due| due <= self.now()) {
                self.handle(Input::Timeout);
            }
        }
    }

    fn now(&self) -> Instant {
        Instant(self.started.elapsed())
    }

    /// Until something can be read or the supervisor's next time is over.
    fn wait(&self) {
        let mut fds = Vec::with_capacity(1 + 2 * self.held.len());
        fds.push(PollFd::new(&self.signals, PollFlags::IN));
        for held in &self.held {
            fds.extend(held.notify.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
            fds.extend(
                held.place.as_ref().map(|place| PollFd::from_borrowed_fd(place.control(), PollFlags::IN)),
            );
        }
        let timeout = self.supervisor.next_timeout().map(|due| due - self.now());
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        // Interrupted or failed, what can be read is looked for without waiting; signals are blocked, so it cannot spin.
        let _ = poll(&mut fds, timeout.as_ref());
    }

    fn take_signals(&mut self) {
        let mut children_ended = false;
        while let Ok(Some(info)) = self.signals.read_signal() {
            let Some(signal) =
                i32::try_from(info.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok())
            else {
                continue;
            };
            match signal {
                Signal::SIGCHLD => children_ended = true,
                Signal::SIGTERM | Signal::SIGINT | Signal::SIGQUIT | Signal::SIGPWR
                    if !self.passes_all_signals =>
                {
                    self.handle(Input::Stop { code: None });
                }
                // The terminal's own affairs, and errors of ours.
                Signal::SIGTTOU | Signal::SIGTTIN | Signal::SIGPIPE | Signal::SIGURG => {}
                signal => self.pass_on(signal),
            }
        }
        if children_ended {
            self.reap();
        }
    }

    fn pass_on(&mut self, signal: Signal) {
        if let Some(id) = self.entries.iter().position(|entry| entry.is_command) {
            self.handle(Input::Asked { service: ServiceId(id), command: Command::Signal(signal as i32) });
        }
    }

    /// The one place where processes are waited for.
    fn reap(&mut self) {
        loop {
            let (pid, exit) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => {
                    (pid, Exit::Code(u8::try_from(code & 0xff).unwrap_or(u8::MAX)))
                }
                Ok(WaitStatus::Signaled(pid, signal, _)) => {
                    (pid, Exit::Signal(u8::try_from(signal as i32).unwrap_or(0)))
                }
                Ok(WaitStatus::StillAlive) => return,
                Ok(_) => continue,
                Err(Errno::ECHILD) => return self.alone(),
                Err(_) => return,
            };
            self.handle(Input::Exited { pid: Pid(pid.as_raw()), exit });
        }
    }

    fn alone(&mut self) {
        if self.supervisor.phase() != Phase::Running {
            self.handle(Input::Alone);
        }
    }

    fn take_notifications(&mut self) {
        for id in 0..self.held.len() {
            let Some(pipe) = &mut self.held[id].notify else { continue };
            if !is_readable(pipe.as_fd()) {
                continue;
            }
            let mut buffer = [0; 512];
            let count = pipe.read(&mut buffer).unwrap_or(0);
            if buffer[..count].contains(&b'\n') {
                self.held[id].notify = None;
                self.handle(Input::Ready { service: ServiceId(id), ready: true });
            } else if count == 0 {
                // It closed the pipe and never said so.
                self.held[id].notify = None;
            }
        }
    }

    fn take_commands(&mut self) {
        for id in 0..self.held.len() {
            let mut letters = [0; 64];
            let count = self.held[id].place.as_mut().map_or(0, |place| place.commands(&mut letters));
            for letter in &letters[..count] {
                self.command(id, *letter);
            }
        }
    }

    fn command(&mut self, id: usize, letter: u8) {
        let service = ServiceId(id);
        let stop_signal = self.entries[id].service.stop_signal;
        let Some(command) = letters::command(letter, self.supervisor.life(service), stop_signal) else {
            return;
        };
        self.handle(Input::Asked { service, command });
        if let Some(paused) = letters::pauses(letter) {
            self.held[id].paused = paused;
            self.write_status(id);
        }
    }

    fn handle(&mut self, input: Input) {
        self.supervisor.handle(input, self.now());
        while let Some(output) = self.supervisor.output() {
            match output {
                Output::Spawn { service, job } => self.spawn(service, job),
                Output::Signal { pid, signal, group } => send(pid, signal, group),
                Output::SignalAll(signal) => self.signal_all(signal),
                Output::Changed { service } => self.changed(service),
                Output::Passed { service, milestone } => self.passed(service, milestone),
                Output::Say(notice) => self.tell(notice),
                Output::End { code } => self.end(code),
            }
        }
    }

    /// A script may have left the code that the container is to end with.
    fn end(&mut self, code: u8) {
        let left = exit_code_left().filter(|_| !self.passes_all_signals);
        self.over = Some(left.unwrap_or(code));
    }

    fn signal_all(&mut self, signal: i32) {
        if let Ok(signal) = Signal::try_from(signal) {
            sweep::signal_all(signal);
        }
        // Perhaps there was nobody.
        self.reap_later();
    }

    /// Nobody's end need come any more, so nothing would wake us: look now, but not within an output.
    fn reap_later(&self) {
        let _ = kill(nix::unistd::getpid(), Signal::SIGCHLD);
    }

    fn spawn(&mut self, service: ServiceId, job: Job) {
        let ServiceId(id) = service;
        let entry = &self.entries[id];
        let (exec, more) = match job {
            Job::Run | Job::Up => (&entry.main, Vec::new()),
            Job::Down => (&entry.after, Vec::new()),
            Job::Finish { exit, pid } => (&entry.after, finish_words(&entry.service.name, exit, pid)),
        };
        let Some(exec) = exec else {
            return self.supervisor.handle(Input::Refused { service, exit: Exit::Code(127) }, self.now());
        };
        let mut notify = None;
        if let (Job::Run, Some(number)) = (job, entry.notification_fd) {
            notify = std::io::pipe().ok().map(|(read, write)| (read, write, number));
        }
        let files = Files {
            stdin: self.held[id].input.as_ref().map(|(read, _)| read.as_fd()),
            stdout: entry.stdout_to.and_then(|reader| writer_to(&self.held, reader)),
            notify: notify.as_ref().map(|(_, write, number)| (write.as_fd(), *number)),
            has_terminal: entry.is_command,
        };
        let spawned = spawn(exec, &more, &files);
        self.held[id].notify = notify.map(|(read, _, _)| read);
        let input = match spawned {
            Ok(pid) => Input::Spawned { service, pid },
            Err(error) => {
                let program = exec.words.first().cloned().unwrap_or_default();
                let why = explain(&program, exec.directory.as_deref(), &error);
                // A container that ends says why, however quiet it is to be.
                let level = if entry.service.critical { Verbosity::Quiet } else { Verbosity::Warnings };
                say::say(
                    self.verbosity,
                    level,
                    format_args!("{} cannot be started: {why}", entry.service.name),
                );
                let code = if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
                Input::Refused { service, exit: Exit::Code(code) }
            }
        };
        self.supervisor.handle(input, self.now());
    }

    fn changed(&mut self, service: ServiceId) {
        self.write_status(service.0);
        if self.supervisor.phase() != Phase::Running {
            self.close_finished_pipes();
        }
    }

    fn passed(&mut self, service: ServiceId, milestone: Milestone) {
        let (held, entry) = (&mut self.held[service.0], &self.entries[service.0]);
        if let Err(error) = held.pass(milestone, self.supervisor.life(service), entry) {
            self.complain_of_status(service.0, &error);
        }
    }

    /// Who reads what others wrote comes to its end when all of them came to theirs.
    fn close_finished_pipes(&mut self) {
        for reader in 0..self.held.len() {
            let mut writers =
                (0..self.entries.len()).filter(|id| self.entries[*id].stdout_to == Some(ServiceId(reader)));
            if writers.all(|id| self.supervisor.life(ServiceId(id)).is_at_rest())
                && let Some((_, write)) = &mut self.held[reader].input
            {
                *write = None;
            }
        }
    }

    fn write_status(&self, id: usize) {
        if let Err(error) = self.held[id].write_status(self.supervisor.life(ServiceId(id)), &self.entries[id])
        {
            self.complain_of_status(id, &error);
        }
    }

    fn complain_of_status(&self, id: usize, error: &std::io::Error) {
        let name = &self.entries[id].service.name;
        say::say(
            self.verbosity,
            Verbosity::Warnings,
            format_args!("the status of {name} cannot be written: {error}"),
        );
    }

    fn tell(&self, notice: Notice) {
        let stops = self.supervisor.phase() != Phase::Running;
        if let Some((level, text)) = notices::text(notice, &self.entries, stops) {
            say::say(self.verbosity, level, text);
        }
    }
}

fn writer_to(held: &[Held], reader: ServiceId) -> Option<BorrowedFd<'_>> {
    let (_, writer) = held[reader.0].input.as_ref()?;
    writer.as_ref().map(AsFd::as_fd)
}

/// What s6 tells a `finish`: the code, the signal, the service's name, the process group that ended.
fn finish_words(name: &str, exit: Exit, pid: Option<Pid>) -> Vec<OsString> {
    let (code, signal) = exit.for_finish();
    let group = pid.map_or(0, |Pid(pid)| pid);
    [code.to_string(), signal.to_string(), name.to_owned(), group.to_string()]
        .into_iter()
        .map(OsString::from)
        .collect()
}

fn send(Pid(pid): Pid, signal: i32, group: bool) {
    let Ok(signal) = Signal::try_from(signal) else { return };
    let pid = nix::unistd::Pid::from_raw(pid);
    // It may have ended meanwhile, which was wanted, or its number may only be a zombie's, whom nothing hurts.
    let _ = if group { killpg(pid, signal) } else { kill(pid, signal) };
}

fn is_readable(fd: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}

fn started_at_nanoseconds() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| u64::from(since.subsec_nanos()))
}
