//! The access log: a line for each request, written by others than who serves requests.
//!
//! A line is made when its request is over, and is handed to a [`writer`](writer::Writer) of each place it goes to: a thread with a bounded
//! queue. When that is full the line is lost and counted; no request waits for a log. Without a log nothing is remembered of requests
//! for one.

mod heard;
mod place;
mod writer;

pub(crate) use heard::Heard;
pub use place::Place;

use crate::error::Error;
use muster_access_log::{Envelope, Form, Record, Timestamp};
use std::cell::RefCell;
use std::time::{Duration, SystemTime};
use writer::Writer;

/// How requests are logged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessLog {
    /// Of which frontend, by its number; of all when there is none.
    pub frontend: Option<usize>,
    /// What a line looks like.
    pub form: Form,
    /// Where lines go, and what goes before each there.
    pub to: Vec<(Place, Envelope)>,
    /// Connections on which nothing came are not logged.
    pub skips_silent: bool,
    /// What ended well is not logged.
    pub skips_normal: bool,
    /// What did not end well is an error (severity 3) rather than a piece of information (6).
    pub separates_errors: bool,
}

/// A severity (RFC 5424, 6.2.1).
const INFO: u8 = 6;
const ERROR: u8 = 3;

/// All logs, open.
#[derive(Debug, Default)]
pub(crate) struct Access {
    logs: Vec<Log>,
    writers: Vec<(Place, Writer)>,
    /// The line that is being made.
    line: RefCell<Vec<u8>>,
}

#[derive(Debug)]
struct Log {
    told: AccessLog,
    /// For each of its places, the number of the writer.
    writers: Vec<usize>,
}

impl Access {
    /// Opens all places, each once.
    ///
    /// # Errors
    /// When a file cannot be opened. Who collects by syslog may come later.
    pub(crate) fn open(logs: &[AccessLog]) -> Result<Self, Error> {
        let mut access = Self::default();
        for told in logs {
            let mut writers = Vec::new();
            for (place, _) in &told.to {
                let known = access.writers.iter().position(|(known, _)| known == place);
                let number = match known {
                    Some(number) => number,
                    None => {
                        let sink =
                            place.open().map_err(|cause| Error::AccessLog { place: place.clone(), cause })?;
                        access.writers.push((place.clone(), Writer::start(place.clone(), sink)));
                        access.writers.len() - 1
                    }
                };
                writers.push(number);
            }
            access.logs.push(Log { told: told.clone(), writers });
        }
        Ok(access)
    }

    fn of(&self, frontend: usize) -> impl Iterator<Item = &Log> {
        self.logs.iter().filter(move |log| log.told.frontend.is_none_or(|number| number == frontend))
    }

    /// Whether requests of this frontend are logged.
    pub(crate) fn is_wanted(&self, frontend: usize) -> bool {
        !self.logs.is_empty() && self.of(frontend).next().is_some()
    }

    /// Logs a request of this frontend. `is_silent`: nothing came on its connection.
    pub(crate) fn write(&self, frontend: usize, record: &Record<'_>, is_silent: bool) {
        let is_well = record.termination.is_well();
        let now = timestamp();
        let mut line = self.line.borrow_mut();
        for log in self.of(frontend) {
            let told = &log.told;
            if told.skips_silent && is_silent || told.skips_normal && is_well && !is_error(record) {
                continue;
            }
            line.clear();
            // Without requests, there is only this to be said.
            let form = if record.is_tcp && told.form == Form::HttpLog { Form::TcpLog } else { told.form };
            form.write(record, &mut line);
            let severity = if told.separates_errors && (!is_well || is_error(record)) { ERROR } else { INFO };
            for ((_, envelope), number) in told.to.iter().zip(&log.writers) {
                if let Some((_, writer)) = self.writers.get(*number).filter(|_| envelope.takes(severity)) {
                    writer.put(|out| envelope.write(severity, now, &line, out));
                }
            }
        }
    }

    /// Opens files again, which were perhaps moved away.
    pub(crate) fn reopen(&self) {
        for (_, writer) in &self.writers {
            writer.reopen();
        }
    }

    /// Lines that were lost so far.
    pub(crate) fn lost(&self) -> u64 {
        self.writers.iter().map(|(_, writer)| writer.lost()).sum()
    }

    /// Waits until all lines are written, at most for so long.
    pub(crate) fn flush(&self, limit: Duration) {
        let until = std::time::Instant::now() + limit;
        for (_, writer) in &self.writers {
            writer.flush(until);
        }
    }
}

/// HAProxy takes a server's failure for an error of the line, too (`option dontlog-normal`).
fn is_error(record: &Record<'_>) -> bool {
    record.retries > 0 || record.status.is_some_and(|status| status >= 500)
}

/// What the clock says.
pub(crate) fn timestamp() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
