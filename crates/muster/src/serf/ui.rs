//! What `serf` prints. Errors of commands go to standard output, as everything does; only the reader of flags and the
//! general help speak on standard error.

use crate::text::is_dangerous;
use rustix::process::Signal;
use std::io::{self, ErrorKind, IsTerminal, Write};

/// What a command ends with.
pub(super) type Code = u8;
pub(super) const DONE: Code = 0;
pub(super) const FAILED: Code = 1;

/// Lines of a command on standard output.
///
/// A script gets every byte as Serf would print it. On a terminal, what others sent must not steer it: there control
/// characters are shown as escapes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ui {
    is_terminal: bool,
}

impl Ui {
    pub(super) fn of_process() -> Self {
        Self { is_terminal: io::stdout().is_terminal() }
    }

    /// One line, or several. When the reader has gone, the process ends as if by the signal PIPE, as Serf does.
    pub(super) fn line(self, text: impl AsRef<[u8]>) {
        let mut out = io::stdout().lock();
        let written = match self.shown(text.as_ref()) {
            Some(safe) => out.write_all(safe.as_bytes()),
            None => out.write_all(text.as_ref()),
        };
        match written.and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => end_by_pipe(),
            // Serf does not look either; there is nobody to tell.
            Ok(()) | Err(_) => {}
        }
    }

    /// The same, and the code for it.
    pub(super) fn fail(self, text: impl AsRef<[u8]>) -> Code {
        self.line(text);
        FAILED
    }

    fn shown(self, text: &[u8]) -> Option<String> {
        self.is_terminal.then(|| escaped(text))
    }
}

/// Line breaks and tabs stay: answers have several lines.
fn escaped(text: &[u8]) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in String::from_utf8_lossy(text).chars() {
        match c {
            '\n' | '\t' => safe.push(c),
            c if is_dangerous(c) => safe.extend(c.escape_default()),
            c => safe.push(c),
        }
    }
    safe
}

/// A line on standard error.
pub(super) fn complain(text: &[u8]) {
    let mut err = io::stderr().lock();
    let safe = if err.is_terminal() { escaped(text).into_bytes() } else { text.to_vec() };
    // Nobody can be told when standard error is closed.
    let _ = err.write_all(&safe).and_then(|()| err.write_all(b"\n"));
}

fn end_by_pipe() -> ! {
    std::process::exit(128 + Signal::PIPE.as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_steered_by_what_others_sent() {
        assert_eq!(escaped(b"a\tb\nc\x1b[2J\r\xff"), "a\tb\nc\\u{1b}[2J\\r\u{fffd}");
    }

    #[test]
    fn a_script_gets_every_byte() {
        assert_eq!(Ui { is_terminal: false }.shown(b"\x1b\xff"), None);
    }
}
