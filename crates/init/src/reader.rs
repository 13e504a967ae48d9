//! The fork that reads what people wrote, so that PID 1 does not: a file that makes a parser panic, loop or grow costs a child.
#![expect(unsafe_code, reason = "fork; see the argument at its call")]

use std::io::{self, Read, Write};

use muster_supervise::Exit;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

use crate::plan::Plan;

/// A plan takes less than this; one that does not is refused before it is decoded.
const PLAN_BYTES_MAX: u64 = 16 << 20;

/// Runs `read` in a fork and takes its plan.
///
/// # Errors
/// What the reader said, and with which exit code to end.
pub(crate) fn read_in_a_fork(read: impl FnOnce() -> Result<Plan, String>) -> Result<Plan, (String, u8)> {
    let bug = |text: String| (text, 1);
    let (receive, send) = io::pipe().map_err(|error| bug(format!("no pipe: {error}")))?;
    // SAFETY: the process has one thread so far (PID 1 never has another), so the child may do what it likes. It never returns
    // from here: it ends with `_exit`, so that nothing of the parent's is dropped twice.
    let child = match unsafe { fork() } {
        Err(error) => return Err(bug(format!("no second process can be started: {error}"))),
        Ok(ForkResult::Parent { child }) => child,
        Ok(ForkResult::Child) => {
            drop(receive);
            // SAFETY: see above; `_exit` runs no destructors and no handlers, which belong to the parent.
            unsafe { nix::libc::_exit(i32::from(answer(read, send))) }
        }
    };
    drop(send);
    let mut bytes = Vec::new();
    let taken = receive.take(PLAN_BYTES_MAX).read_to_end(&mut bytes);
    let ended = waitpid(child, None);
    match (taken, ended) {
        (Ok(_), Ok(WaitStatus::Exited(_, 0))) => {
            Plan::from_bytes(&bytes).map_err(|error| bug(format!("the plan cannot be decoded: {error}")))
        }
        (Ok(_), Ok(WaitStatus::Exited(_, 2))) => Err((String::from_utf8_lossy(&bytes).into_owned(), 2)),
        (Ok(_), Ok(WaitStatus::Signaled(_, signal, _))) => {
            let exit = Exit::Signal(u8::try_from(signal as i32).unwrap_or(0));
            Err(bug(format!("whoever reads the service folders died of {exit}")))
        }
        (Ok(_), ended) => Err(bug(format!("whoever reads the service folders failed: {ended:?}"))),
        (Err(error), _) => Err(bug(format!("the plan cannot be read: {error}"))),
    }
}

/// In the child: the plan or what is wrong goes into the pipe; the exit code says which.
fn answer(read: impl FnOnce() -> Result<Plan, String>, mut send: io::PipeWriter) -> u8 {
    let (bytes, code) = match read() {
        Err(error) => (error.into_bytes(), 2),
        Ok(plan) => match plan.to_bytes() {
            Ok(bytes) => (bytes, 0),
            Err(error) => (error.to_string().into_bytes(), 1),
        },
    };
    match send.write_all(&bytes) {
        Ok(()) => code,
        Err(_) => 1,
    }
}
