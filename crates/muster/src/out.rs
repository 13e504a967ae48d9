//! Standard output and standard error of the commands.

use crate::exit;
use crate::text::printable;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Writes an answer to standard output. When its reader has gone (`muster members | head -1`) the process ends as if by
/// the signal PIPE, which Rust's runtime ignores.
pub(crate) fn answer(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => exit::CLEAN,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => exit::by_signal(rustix::process::Signal::PIPE),
        Err(error) => fail(&format_args!("cannot write the answer: {error}")),
    }
}

/// Writes a part of an answer that goes on. `Err` is how the process ends when it cannot.
pub(crate) fn part(text: &str) -> Result<(), ExitCode> {
    let end = answer(text);
    if end == exit::CLEAN { Ok(()) } else { Err(end) }
}

/// Says on standard error why a command failed.
pub(crate) fn fail(why: &dyn Display) -> ExitCode {
    say(why);
    exit::FAILED
}

/// One line on standard error, with the program's name as the convention is.
pub(crate) fn say(what: &dyn Display) {
    // Nobody can be told when standard error is closed.
    let _ = writeln!(io::stderr(), "muster: {}", printable(&what.to_string()));
}
