//! What PID 1 tells people, on standard error: a line per event, with the service's name, written at once and whole. Standard error
//! may be a pipe that nobody reads; it is not waited for.

use std::fmt::Display;
use std::io::Write;

use crate::plan::Verbosity;

/// Says something, if that much is wanted.
pub(crate) fn say(wanted: Verbosity, level: Verbosity, text: impl Display) {
    if level <= wanted {
        // One write, so that lines of other processes on the same pipe do not come between.
        let line = format!("muster: {text}\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}
