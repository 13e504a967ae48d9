//! What the supervisor says, done.

use std::ffi::OsString;
use std::io::PipeReader;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use muster_supervise::{Exit, Input, Job, Milestone, Notice, Phase, Pid, Question, ServiceId, State, Want};
use nix::sys::signal::{Signal, kill, killpg};

use super::Init;
use crate::explain::explain;
use crate::held::Held;
use crate::place::exit_code_left;
use crate::plan::{Entry, Exec, Speaker, Verbosity};
use crate::sockets::{Notifications, raised};
use crate::spawn::{Files, spawn};
use crate::{notices, say, sweep};

impl Init {
    /// A script may have left the code that the container is to end with.
    pub(super) fn end(&mut self, code: u8) {
        let left = exit_code_left().filter(|_| self.has_s6_overlays_places);
        self.over = Some(left.unwrap_or(code));
    }

    pub(super) fn signal_all(&mut self, signal: i32) {
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

    pub(super) fn spawn(&mut self, service: ServiceId, job: Job) {
        let ServiceId(id) = service;
        let started = self.start(id, job);
        if let (Err((_, why)), entry) = (&started, &self.entries[id]) {
            // A container that ends says why, however quiet it is to be.
            let level = if entry.service.critical { Verbosity::Quiet } else { Verbosity::Warnings };
            let what = if matches!(job, Job::Probe(_)) { "the probe of " } else { "" };
            let text = format_args!("{what}{} cannot be started: {why}", entry.service.name).to_string();
            // One that is asked every second is complained about once.
            if !matches!(job, Job::Probe(_)) || self.held[id].complains_of_probe(&text) {
                say::say(self.verbosity, level, text);
            }
        }
        let input = match (job, started) {
            (Job::Probe(question), started) => Input::Probing { service, question, pid: started.ok() },
            (_, Ok(pid)) => Input::Spawned { service, pid },
            (_, Err((exit, _))) => Input::Refused { service, exit },
        };
        self.supervisor.handle(input, self.now());
    }

    /// Starts a process; otherwise how it counts as having ended, and why.
    fn start(&mut self, id: usize, job: Job) -> Result<Pid, (Exit, String)> {
        let is_agents = self.cluster.as_ref().is_some_and(|(ServiceId(agent), _)| *agent == id);
        if let (true, Job::Run, Some((_, cluster))) = (is_agents, job, &mut self.cluster) {
            cluster.begin_anew();
        }
        if job == Job::Run && self.held[id].listeners.is_empty() {
            // Closed when it was stopped.
            let listeners = super::listeners(&self.entries[id]);
            self.held[id].listeners = listeners.map_err(|error| (Exit::Code(126), error.to_string()))?;
        }
        let entry = &self.entries[id];
        let (exec, more) = match job {
            Job::Run | Job::Up => (&entry.main, Vec::new()),
            Job::Down => (&entry.after, Vec::new()),
            Job::Finish { exit, pid } => (&entry.after, finish_words(&entry.service.name, exit, pid)),
            Job::Probe(Question::Ready) => (&entry.ready_probe, Vec::new()),
            Job::Probe(Question::Alive) => (&entry.alive_probe, Vec::new()),
        };
        let Some(exec) = exec else { return Err((Exit::Code(127), "there is no command".to_owned())) };
        let notify = match (job, entry.notification_fd) {
            (Job::Run, Some(number)) => notification_pipe().map(|(read, write)| (read, write, number)),
            _ => None,
        };
        let mut files =
            Files { withheld: if entry.is_own { &[] } else { &self.withheld }, ..Files::default() };
        files.is_silent = matches!(job, Job::Probe(_));
        if !files.is_silent {
            files.stdin = self.held[id].input.as_ref().map(|(read, _)| read.as_fd());
            files.has_terminal = entry.is_command;
            if let (Some([(_, out), (_, err)]), false) = (&self.held[id].logged, talks_to_people(entry)) {
                files.stdout = Some(out.as_fd());
                files.stderr = Some(err.as_fd());
            }
            let reader = entry.stdout_to.and_then(|reader| writer_to(&self.held, reader));
            files.stdout = reader.or(files.stdout);
        }
        if job == Job::Run {
            // Whatever is still said there, somebody else said.
            while self.held[id].notifications.as_ref().and_then(Notifications::said).is_some() {}
            files.given.extend(notify.as_ref().map(|(_, write, number)| (write.as_fd(), *number)));
            give_what_is_held(&self.held[id], &mut files);
            if entry.reads_logs {
                give_logs(&self.entries, &self.held, &mut files);
            }
            if let (true, Some((_, cluster))) = (is_agents, &self.cluster) {
                files.give("MUSTER_INIT_FD", cluster.theirs());
            }
            if let Some(name) = self.notify_socket_for(id) {
                files.variables.push(("NOTIFY_SOCKET".into(), name.into()));
            }
        }
        let spawned = spawn(exec, &more, &files);
        if job == Job::Run {
            self.held[id].notify = notify.map(|(read, _, _)| read);
        }
        spawned.map_err(|error| self.why_not(exec, &error))
    }

    fn why_not(&self, exec: &Exec, error: &std::io::Error) -> (Exit, String) {
        let program = exec.words.first().cloned().unwrap_or_default();
        let code = if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
        (Exit::Code(code), explain(&program, exec.directory.as_deref(), error))
    }

    /// By which socket this process says that it, or the one it watches, is ready.
    fn notify_socket_for(&self, id: usize) -> Option<&str> {
        let speaks = |(of, entry): &(usize, &Entry)| match entry.notify_socket {
            Some(Speaker::Itself) => *of == id,
            Some(Speaker::Another(ServiceId(other))) => other == id,
            None => false,
        };
        let (of, _) = self.entries.iter().enumerate().find(speaks)?;
        self.held[of].notifications.as_ref().map(|one| one.name.as_str())
    }

    pub(super) fn changed(&mut self, service: ServiceId) {
        self.write_status(service.0);
        self.say_ready();
        let life = self.supervisor.life(service);
        if life.want == Want::Down && life.state != State::Waiting {
            // Nobody will accept: whoever connects is to be refused, and goes elsewhere.
            self.held[service.0].listeners.clear();
        }
        if self.supervisor.phase() != Phase::Running {
            self.close_finished_pipes();
        }
    }

    pub(super) fn passed(&mut self, service: ServiceId, milestone: Milestone) {
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

    pub(super) fn write_status(&self, id: usize) {
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

    pub(super) fn say_retire(&mut self) {
        if let Some((_, cluster)) = &mut self.cluster {
            cluster.say_retire();
        }
    }

    fn say_ready(&mut self) {
        let Some((agent, mut cluster)) = self.cluster.take() else { return };
        cluster.say_ready(&self.ready());
        self.cluster = Some((agent, cluster));
    }

    pub(super) fn tell(&mut self, notice: Notice) {
        if notice == Notice::Booted {
            self.booted = true;
            self.say_ready();
        }
        let stops = self.supervisor.phase() != Phase::Running;
        if let Some((level, text)) = notices::text(notice, &self.entries, stops) {
            say::say(self.verbosity, level, text);
        }
    }
}

fn notification_pipe() -> Option<(PipeReader, OwnedFd)> {
    let (read, write) = std::io::pipe().ok()?;
    Some((read, raised(write.into()).ok()?))
}

fn give_what_is_held<'a>(held: &'a Held, files: &mut Files<'a>) {
    if !held.listeners.is_empty() {
        // First: sd_listen_fds(3) has them from 3 on.
        held.listeners.iter().for_each(|one| files.give_next(one.as_fd()));
        files.variables.push(("LISTEN_FDS".into(), held.listeners.len().to_string().into()));
    }
    if let Some(picture) = &held.picture {
        files.give("MUSTER_PICTURE_FD", picture.as_fd());
    }
}

/// The ends to read from of all that is logged, and whose they are.
fn give_logs<'a>(entries: &[Entry], held: &'a [Held], files: &mut Files<'a>) {
    let mut list = Vec::new();
    for (entry, held) in entries.iter().zip(held) {
        if let (Some(name), Some(pipes)) = (&entry.logged_as, &held.logged) {
            for ((read, _), stream) in pipes.iter().zip(["out", "err"]) {
                list.push(format!("{}={}:{stream}", files.give_numbered(read.as_fd()), percent(name)));
            }
        }
    }
    files.variables.push(("MUSTER_LOG_PIPES".into(), list.join(",").into()));
}

/// As the reader wants names: what would end one is written as `%XX`.
fn percent(name: &str) -> String {
    let escape = |byte: u8| match byte {
        b'%' | b',' | b':' | b'=' | 0..=0x20 | 0x7f.. => format!("%{byte:02X}"),
        byte => char::from(byte).to_string(),
    };
    name.bytes().map(escape).collect()
}

/// A command on a terminal writes there, not into a log.
fn talks_to_people(entry: &Entry) -> bool {
    entry.is_command && nix::unistd::isatty(std::io::stdin()).unwrap_or(false)
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

pub(super) fn send(Pid(pid): Pid, signal: i32, group: bool) {
    let Ok(signal) = Signal::try_from(signal) else { return };
    let pid = nix::unistd::Pid::from_raw(pid);
    // It may have ended meanwhile, which was wanted, or its number may only be a zombie's, whom nothing hurts.
    let _ = if group { killpg(pid, signal) } else { kill(pid, signal) };
}
