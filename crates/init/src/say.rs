//! What PID 1 tells people, on standard error: a line per event, with the service's name, written at once and whole.
//!
//! Standard error may be a full pipe that nobody reads, or a terminal that was stopped. PID 1 waits for neither: what cannot be
//! written now is not told.

use std::fmt::Display;
use std::io::Write;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::plan::Verbosity;

/// A pipe that is ready takes so much at once (POSIX: PIPE_BUF); a longer line could still have to wait.
const LINE_BYTES_MAX: usize = 4096;

/// Says something, if that much is wanted.
pub(crate) fn say(wanted: Verbosity, level: Verbosity, text: impl Display) {
    if level <= wanted {
        for line in text.to_string().lines() {
            write(&format!("muster: {line}\n"));
        }
    }
}

/// One write, so that lines of other processes on the same pipe do not come between.
fn write(line: &str) {
    let mut stderr = std::io::stderr();
    let mut fds = [PollFd::new(&stderr, PollFlags::OUT)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    if poll(&mut fds, Some(&at_once)).is_ok_and(|ready| ready > 0) {
        let mut bytes = line.as_bytes();
        if let Some(cut) = bytes.get(..LINE_BYTES_MAX) {
            bytes = cut;
        }
        let _ = stderr.write_all(bytes);
    }
}
