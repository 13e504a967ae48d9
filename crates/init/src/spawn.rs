//! One process: forked, made a session of its own, given its file descriptors, executed.
//!
//! The standard library forks and executes; what it does not know of is done between the two, in the child.
#![expect(
    unsafe_code,
    reason = "`pre_exec` is the one way to act between fork and exec; see its argument below"
)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use muster_supervise::Pid;
use nix::sys::resource::setrlimit;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::unistd::{Gid, Uid};

use crate::plan::{Account, Exec, Limit, Resource, Word};

/// What a process gets of ours.
#[derive(Debug, Default)]
pub(crate) struct Files<'a> {
    /// Its standard input; otherwise nothing to read, or ours if it has the terminal.
    pub(crate) stdin: Option<BorrowedFd<'a>>,
    /// Its standard output; otherwise ours.
    pub(crate) stdout: Option<BorrowedFd<'a>>,
    /// Its standard error; otherwise ours.
    pub(crate) stderr: Option<BorrowedFd<'a>>,
    /// Further descriptors, and as which number it expects each.
    pub(crate) given: Vec<(BorrowedFd<'a>, RawFd)>,
    /// Variables that tell it about them.
    pub(crate) variables: Vec<(Word, Word)>,
    /// Variables that it must not see.
    pub(crate) withheld: &'a [String],
    /// Nobody wants to read what it writes: a probe says "no" until it says "yes".
    pub(crate) is_silent: bool,
    /// It is the one that people talk to: it keeps our standard input, and the terminal if that is one.
    pub(crate) has_terminal: bool,
}

/// The first number after those of standard input, output and error.
const FIRST_NUMBER: RawFd = 3;

impl<'a> Files<'a> {
    /// Gives a descriptor by the next number that is free, from 3 on.
    pub(crate) fn give_next(&mut self, fd: BorrowedFd<'a>) {
        self.given.push((fd, self.next_number()));
    }

    /// The same; the number.
    pub(crate) fn give_numbered(&mut self, fd: BorrowedFd<'a>) -> RawFd {
        let number = self.next_number();
        self.give_next(fd);
        number
    }

    /// The same, and says in a variable which number it is.
    pub(crate) fn give(&mut self, variable: &str, fd: BorrowedFd<'a>) {
        self.variables.push((variable.into(), self.next_number().to_string().into()));
        self.give_next(fd);
    }

    fn next_number(&self) -> RawFd {
        self.given.iter().map(|(_, number)| number + 1).max().unwrap_or(FIRST_NUMBER).max(FIRST_NUMBER)
    }
}

/// Starts a process; `more` is added to its words.
///
/// # Errors
/// Whatever fork or exec say; `explain` makes words of it.
pub(crate) fn spawn(exec: &Exec, more: &[Word], files: &Files<'_>) -> io::Result<Pid> {
    let (program, arguments) =
        exec.words.split_first().ok_or_else(|| io::Error::other("its command is empty"))?;
    let mut command = Command::new(program);
    command.args(arguments).args(more);
    for name in files.withheld {
        command.env_remove(name);
    }
    command.envs(exec.environment.iter().chain(&files.variables).map(|(name, value)| (name, value)));
    if let Some(directory) = &exec.directory {
        command.current_dir(directory);
    }
    match files.stdin {
        Some(fd) => drop(command.stdin(Stdio::from(fd.try_clone_to_owned()?))),
        None if files.has_terminal => {}
        None => drop(command.stdin(nothing_to_read()?)),
    }
    if let Some(fd) = files.stdout {
        command.stdout(fd.try_clone_to_owned()?);
    }
    if let Some(fd) = files.stderr {
        command.stderr(fd.try_clone_to_owned()?);
    }
    // Without `/dev` it is not silent, and otherwise right.
    if files.is_silent
        && let Ok(null) = std::fs::File::options().write(true).open("/dev/null")
    {
        command.stdout(null.try_clone()?).stderr(null);
    }
    let prepared = Prepared {
        given: files.given.iter().map(|(fd, number)| (fd.as_raw_fd(), *number)).collect(),
        limits: exec.limits.clone(),
        account: exec.account.as_ref().map(Ids::of),
        has_terminal: files.has_terminal,
    };
    // SAFETY: the closure runs in the forked child before exec. PID 1 has one thread, so no lock can be held by another one that
    // does not exist in the child; still it only makes system calls and allocates nothing. It is given plain numbers; the given
    // descriptors are open for as long as `files` lives, which is longer than `spawn`.
    unsafe {
        command.pre_exec(move || prepared.prepare());
    }
    let child = command.spawn()?;
    // Never waited for through `child`: one reaper owns every wait.
    Ok(Pid(i32::try_from(child.id()).map_err(io::Error::other)?))
}

/// What the child does between fork and exec, made ready before: there it may not allocate.
struct Prepared {
    given: Vec<(RawFd, RawFd)>,
    limits: Vec<Limit>,
    account: Option<Ids>,
    has_terminal: bool,
}

/// An account as the system calls want it.
struct Ids {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

impl Ids {
    fn of(account: &Account) -> Self {
        Self {
            uid: Uid::from_raw(account.uid),
            gid: Gid::from_raw(account.gid),
            groups: account.groups.iter().map(|gid| Gid::from_raw(*gid)).collect(),
        }
    }

    /// Groups first: a user who is not root may not change them any more. Who is that account already needs no right to become it.
    fn become_them(&self) -> nix::Result<()> {
        if self.uid == nix::unistd::getuid() && self.gid == nix::unistd::getgid() && !self.uid.is_root() {
            return Ok(());
        }
        nix::unistd::setgroups(&self.groups)?;
        nix::unistd::setgid(self.gid)?;
        nix::unistd::setuid(self.uid)
    }
}

impl Prepared {
    /// In the child. Only system calls.
    fn prepare(&self) -> io::Result<()> {
        if self.has_terminal && nix::unistd::isatty(io::stdin()).unwrap_or(false) {
            // A group of its own in our session, in the foreground, as a shell would have it; as tini does it.
            nix::unistd::setpgid(nix::unistd::Pid::from_raw(0), nix::unistd::Pid::from_raw(0))?;
            ignore_ttou_while(|| nix::unistd::tcsetpgrp(io::stdin(), nix::unistd::getpid()))?;
        } else {
            // A session of its own, as s6-supervise has it; not if it leads one already, which a fresh fork does not.
            nix::unistd::setsid()?;
        }
        for limit in &self.limits {
            setrlimit(resource(limit.resource), limit.soft, limit.hard)?;
        }
        if let Some(account) = &self.account {
            account.become_them()?;
        }
        for (fd, number) in &self.given {
            if fd == number {
                rustix::io::fcntl_setfd(borrowed(*fd), rustix::io::FdFlags::empty())?;
            } else {
                // SAFETY: whatever the number was in PID 1, no object of the child owns it, and only exec follows. The standard
                // library's own pipe for errors of exec has a higher number than a script would ask for; if not, an error is
                // lost.
                let _kept = unsafe { nix::unistd::dup2_raw(borrowed(*fd), *number) }?.into_raw_fd();
            }
        }
        heed_signals_again();
        // Signals are blocked in PID 1, which reads them from a descriptor; a mask is inherited.
        sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?;
        Ok(())
    }
}

/// What whoever started us ignores (`nohup`: HUP) its grandchildren would ignore, too.
fn heed_signals_again() {
    for number in
        [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGUSR1, Signal::SIGUSR2]
    {
        // SAFETY: the default of a signal runs no code of ours.
        let _ = unsafe { nix::sys::signal::signal(number, nix::sys::signal::SigHandler::SigDfl) };
    }
}

const fn resource(named: Resource) -> nix::sys::resource::Resource {
    use nix::sys::resource::Resource as System;
    match named {
        Resource::As => System::RLIMIT_AS,
        Resource::Core => System::RLIMIT_CORE,
        Resource::Cpu => System::RLIMIT_CPU,
        Resource::Data => System::RLIMIT_DATA,
        Resource::Fsize => System::RLIMIT_FSIZE,
        Resource::Memlock => System::RLIMIT_MEMLOCK,
        Resource::Nofile => System::RLIMIT_NOFILE,
        Resource::Nproc => System::RLIMIT_NPROC,
        Resource::Stack => System::RLIMIT_STACK,
    }
}

/// A background process that takes the terminal is stopped by TTOU, unless it blocks that.
fn ignore_ttou_while<T>(what: impl FnOnce() -> nix::Result<T>) -> nix::Result<T> {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGTTOU);
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&mask), None)?;
    what()
}

fn borrowed<'a>(fd: RawFd) -> BorrowedFd<'a> {
    // SAFETY: only called in the child, on a descriptor that `spawn`'s caller keeps open until after the fork, and the child's
    // copy of it is closed by nobody before exec.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// `/dev/null`, or where there is none, a pipe that nobody writes to.
fn nothing_to_read() -> io::Result<Stdio> {
    if let Ok(null) = std::fs::File::open("/dev/null") {
        return Ok(null.into());
    }
    let (read, _write) = io::pipe()?;
    Ok(read.into())
}
