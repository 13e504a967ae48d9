//! `muster logs`: the last lines of services, and those that follow, from the `muster log` that keeps them.

use crate::cli::{Format, LogsArgs};
use crate::{exit, out};
use muster_logs::{Asking, Wanted};
use serde::Deserialize;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// The socket in the folder of control places. s6's tools skip what begins with a dot.
pub(crate) const SOCKET: &str = ".logs";
/// How often it is tried to read on after `muster log` ended; it is started again at once.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// A line, and what is said instead of one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Error { error: String },
    Missed { missed: String },
    Line(Line),
}

#[derive(Deserialize)]
struct Line {
    time: String,
    service: String,
    text: String,
}

pub(crate) fn run(args: LogsArgs) -> ExitCode {
    let LogsArgs { names, follow, lines, timestamps, format, controlled } = args;
    let socket = Socket { path: controlled.dir().join(SOCKET) };
    let mut asking = Asking { count: lines, follows: follow, wanted: Wanted { services: names } };
    let mut stream = match socket.ask(&asking) {
        Ok(stream) => stream,
        Err(error) => return out::fail(&socket.trouble(&error)),
    };
    loop {
        match show(stream, timestamps, format) {
            Ok(()) if !follow => return exit::CLEAN,
            Ok(()) => {}
            Err(end) => return end,
        }
        out::say(&"`muster log` ended; waiting for its next life");
        // All that the next one keeps is new, or was not read to its end.
        asking.count = usize::MAX;
        stream = socket.ask_again(&asking);
    }
}

struct Socket {
    path: PathBuf,
}

impl Socket {
    fn ask(&self, asking: &Asking) -> io::Result<UnixStream> {
        let mut stream = UnixStream::connect(&self.path)?;
        stream.write_all(format!("{asking}\n").as_bytes())?;
        Ok(stream)
    }

    fn ask_again(&self, asking: &Asking) -> UnixStream {
        loop {
            match self.ask(asking) {
                Ok(stream) => return stream,
                Err(_) => std::thread::sleep(RETRY_INTERVAL),
            }
        }
    }

    fn trouble(&self, error: &io::Error) -> String {
        let path = self.path.display();
        match error.kind() {
            ErrorKind::NotFound => format!(
                "nobody keeps lines here: there is no {path}; `muster run` starts `muster log` when anything is said in [logs]"
            ),
            ErrorKind::ConnectionRefused => format!("`muster log` does not run: nobody listens at {path}"),
            ErrorKind::PermissionDenied => format!("{path} is another user's"),
            _ => format!("{path}: {error}"),
        }
    }
}

/// Shows lines until there are no more. `Err` is how the process ends.
fn show(stream: UnixStream, timestamps: bool, format: Format) -> Result<(), ExitCode> {
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    let mut shown = String::new();
    loop {
        line.clear();
        // Torn by its death, it comes again from the next life.
        if lines.read_line(&mut line).is_err() || !line.ends_with('\n') {
            return out::part(&shown);
        }
        match serde_json::from_str(&line) {
            Ok(Told::Error { error }) => return Err(out::fail(&error)),
            Ok(Told::Missed { missed }) => {
                out::say(&format_args!("{missed} came faster than they were read"));
            }
            Ok(Told::Line(_)) if format == Format::Json => shown.push_str(&line),
            Ok(Told::Line(Line { time, service, text })) => {
                if timestamps {
                    shown.push_str(&time);
                    shown.push(' ');
                }
                shown.push_str(&format!("{service} | {text}\n"));
            }
            Err(_) => return Err(out::fail(&"`muster log` said what this version does not understand")),
        }
        // As many at once as there are.
        if lines.buffer().is_empty() {
            out::part(&shown)?;
            shown.clear();
        }
    }
}
