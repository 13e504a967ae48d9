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
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};

use crate::plan::{Exec, Word};

/// What a process gets of ours.
#[derive(Debug, Default)]
pub(crate) struct Files<'a> {
    /// Its standard input; otherwise nothing to read, or ours if it has the terminal.
    pub(crate) stdin: Option<BorrowedFd<'a>>,
    /// Its standard output; otherwise ours.
    pub(crate) stdout: Option<BorrowedFd<'a>>,
    /// Where it says that it is ready, and as which number it expects that.
    pub(crate) notify: Option<(BorrowedFd<'a>, RawFd)>,
    /// It is the one that people talk to: it keeps our standard input, and the terminal if that is one.
    pub(crate) has_terminal: bool,
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
    let notify = files.notify.map(|(fd, number)| (fd.as_raw_fd(), number));
    let has_terminal = files.has_terminal;
    // SAFETY: the closure runs in the forked child before exec. PID 1 has one thread, so no lock can be held by another one that
    // does not exist in the child; still it only makes system calls and allocates nothing. It is given plain numbers; `notify`'s
    // descriptor is open for as long as `files` lives, which is longer than `spawn`.
    unsafe {
        command.pre_exec(move || prepare(notify, has_terminal));
    }
    let child = command.spawn()?;
    // Never waited for through `child`: one reaper owns every wait.
    Ok(Pid(i32::try_from(child.id()).map_err(io::Error::other)?))
}

/// In the child. Only system calls.
fn prepare(notify: Option<(RawFd, RawFd)>, has_terminal: bool) -> io::Result<()> {
    if has_terminal && nix::unistd::isatty(io::stdin()).unwrap_or(false) {
        // A group of its own in our session, in the foreground, as a shell would have it; as tini does it.
        nix::unistd::setpgid(nix::unistd::Pid::from_raw(0), nix::unistd::Pid::from_raw(0))?;
        ignore_ttou_while(|| nix::unistd::tcsetpgrp(io::stdin(), nix::unistd::getpid()))?;
    } else {
        // A session of its own, as s6-supervise has it; not if it leads one already, which a fresh fork does not.
        nix::unistd::setsid()?;
    }
    if let Some((fd, number)) = notify {
        if fd == number {
            rustix::io::fcntl_setfd(borrowed(fd), rustix::io::FdFlags::empty())?;
        } else {
            // SAFETY: whatever the number was in PID 1, no object of the child owns it, and only exec follows. The standard
            // library's own pipe for errors of exec has a higher number than a script would ask for; if not, an error is lost.
            let _kept = unsafe { nix::unistd::dup2_raw(borrowed(fd), number) }?.into_raw_fd();
        }
    }
    // Signals are blocked in PID 1, which reads them from a descriptor; a mask is inherited.
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?;
    Ok(())
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
