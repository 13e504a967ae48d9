//! What happens, made inputs of the supervisor.

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};

use muster_supervise::{Command, Exit, Input, Phase, Pid, ServiceId};
use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Init;
use crate::letters;
use crate::sockets::{Notifications, Said};

impl Init {
    /// Until something can be read or the supervisor's next time is over.
    pub(super) fn wait(&self) {
        let mut fds = Vec::with_capacity(1 + 2 * self.held.len());
        fds.push(PollFd::new(&self.signals, PollFlags::IN));
        for held in &self.held {
            fds.extend(held.notify.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
            fds.extend(
                held.notifications.as_ref().map(|one| PollFd::from_borrowed_fd(one.socket(), PollFlags::IN)),
            );
            fds.extend(
                held.place.as_ref().map(|place| PollFd::from_borrowed_fd(place.control(), PollFlags::IN)),
            );
        }
        if let Some((_, cluster)) = &self.cluster {
            let more = if cluster.has_more_to_say() { PollFlags::OUT } else { PollFlags::empty() };
            fds.push(PollFd::from_borrowed_fd(cluster.ours(), PollFlags::IN | more));
        }
        let timeout = self.supervisor.next_timeout().map(|due| due - self.now());
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        // Interrupted or failed, what can be read is looked for without waiting; signals are blocked, so it cannot spin.
        let _ = poll(&mut fds, timeout.as_ref());
    }

    pub(super) fn take_signals(&mut self) {
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

    pub(super) fn take_notifications(&mut self) {
        for id in 0..self.held.len() {
            while let Some(said) = self.held[id].notifications.as_ref().and_then(Notifications::said) {
                self.handle(Input::Ready { service: ServiceId(id), ready: said == Said::Ready });
            }
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

    /// Of the agent.
    pub(super) fn take_words(&mut self) {
        while let Some(word) = self.cluster.as_ref().and_then(|(_, cluster)| cluster.word()) {
            self.handle(Input::Told(word));
        }
        if let Some((_, cluster)) = &mut self.cluster {
            cluster.speak();
        }
    }

    pub(super) fn take_commands(&mut self) {
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
}

fn is_readable(fd: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}
