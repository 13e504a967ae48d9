//! The rules by which an agent holds one connection.
//!
//! The session knows whether a header or a body comes next, who may ask, and which streams are open. What it can answer it
//! answers; everything else it hands on. The shell gives it one whole value after the other, in order, and does what
//! the [`Step`] says before it gives the next: requests of one connection are never handled side by side.

use crate::refusal::{
    AUTHENTICATION_REQUIRED, DUPLICATE_HANDSHAKE, HANDSHAKE_REQUIRED, INVALID_TOKEN, MONITOR_EXISTS,
    STREAM_EXISTS, TOO_MANY_STREAMS, UNSUPPORTED_COMMAND, UNSUPPORTED_VERSION,
};
use crate::{Command, Request, RequestHeader, VERSION};
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use muster_wire::DecodeError;

/// Event streams of one connection.
pub const STREAMS_MAX: usize = 32;

/// What to do about a value.
#[derive(Clone, PartialEq, Debug)]
pub enum Step<'v> {
    /// Nothing: the body comes next.
    Body,
    /// Answer so; an empty error means that it is done.
    Answer {
        /// The request's.
        seq: u64,
        /// One of [`refusal`](crate::refusal), or empty.
        error: &'static str,
    },
    /// Answer so, and close the connection.
    Close {
        /// The request's.
        seq: u64,
        /// One of [`refusal`](crate::refusal).
        error: &'static str,
    },
    /// Do this, and answer.
    Serve {
        /// Names the answer and what is streamed.
        seq: u64,
        /// What is asked; never a handshake or a token.
        request: Request<'v>,
    },
}

/// One connection, as its agent sees it.
#[derive(Debug)]
pub struct Session {
    /// The token that is wanted; empty when none is.
    token: Arc<str>,
    handshaken: bool,
    authenticated: bool,
    /// The last header's; see [`RequestHeader::read_over`].
    last: (String, u64),
    /// Its body is awaited.
    awaited: Option<Command>,
    streams: BTreeSet<u64>,
    monitor: Option<u64>,
}

impl Session {
    /// A fresh connection. `token` is empty when none is wanted, as in Serf.
    pub fn new(token: Arc<str>) -> Self {
        let RequestHeader { command, seq } = RequestHeader::NONE;
        Self {
            token,
            handshaken: false,
            authenticated: false,
            last: (command.to_string(), seq),
            awaited: None,
            streams: BTreeSet::new(),
            monitor: None,
        }
    }

    /// Takes the next value.
    ///
    /// # Errors
    /// Not what had to come. Serf says nothing then and closes the connection, since it cannot know what else is wrong.
    pub fn take<'v>(&mut self, value: &'v [u8]) -> Result<Step<'v>, DecodeError> {
        match self.awaited.take() {
            None => self.take_header(value),
            Some(command) => self.take_body(command, value),
        }
    }

    fn take_header<'v>(&mut self, value: &'v [u8]) -> Result<Step<'v>, DecodeError> {
        let last = RequestHeader { command: &self.last.0, seq: self.last.1 };
        let RequestHeader { command: word, seq } = RequestHeader::read_over(value, last)?;
        let command = Command::parse(word);
        if self.last.0 != word {
            self.last.0 = word.to_string();
        }
        self.last.1 = seq;
        if !self.handshaken && command != Some(Command::Handshake) {
            return Ok(Step::Close { seq, error: HANDSHAKE_REQUIRED });
        }
        if !self.is_admitted() && !matches!(command, Some(Command::Handshake | Command::Auth)) {
            return Ok(Step::Answer { seq, error: AUTHENTICATION_REQUIRED });
        }
        let Some(command) = command else { return Ok(Step::Close { seq, error: UNSUPPORTED_COMMAND }) };
        if command.has_body() {
            self.awaited = Some(command);
            return Ok(Step::Body);
        }
        Ok(Step::Serve { seq, request: Request::read(command, &[])? })
    }

    fn take_body<'v>(&mut self, command: Command, value: &'v [u8]) -> Result<Step<'v>, DecodeError> {
        let seq = self.last.1;
        let error = match Request::read(command, value)? {
            Request::Handshake { version } if version != VERSION => UNSUPPORTED_VERSION,
            Request::Handshake { .. } if self.handshaken => DUPLICATE_HANDSHAKE,
            Request::Handshake { .. } => {
                self.handshaken = true;
                ""
            }
            Request::Auth { auth_key } if same(auth_key.as_bytes(), self.token.as_bytes()) => {
                self.authenticated = true;
                ""
            }
            Request::Auth { .. } => INVALID_TOKEN,
            request => return Ok(Step::Serve { seq, request }),
        };
        Ok(Step::Answer { seq, error })
    }

    /// Whether the handshake was made, and the token given if one is wanted.
    pub fn is_admitted(&self) -> bool {
        self.handshaken && (self.authenticated || self.token.is_empty())
    }

    /// Opens a stream of events.
    ///
    /// # Errors
    /// The refusal.
    pub fn open_stream(&mut self, seq: u64) -> Result<(), &'static str> {
        if self.streams.contains(&seq) {
            return Err(STREAM_EXISTS);
        }
        if self.streams.len() >= STREAMS_MAX {
            return Err(TOO_MANY_STREAMS);
        }
        self.streams.insert(seq);
        Ok(())
    }

    /// Opens the monitor.
    ///
    /// # Errors
    /// The refusal.
    pub fn open_monitor(&mut self, seq: u64) -> Result<(), &'static str> {
        match self.monitor {
            Some(_) => Err(MONITOR_EXISTS),
            None => {
                self.monitor = Some(seq);
                Ok(())
            }
        }
    }

    /// Ends whatever is open under `seq`, which may be a stream, the monitor, both or nothing.
    pub fn stop(&mut self, seq: u64) {
        self.streams.remove(&seq);
        self.monitor = self.monitor.filter(|monitor| *monitor != seq);
    }

    /// Whether a stream, the monitor included, is open: then a silent client is not an idle one.
    pub fn is_listening(&self) -> bool {
        !self.streams.is_empty() || self.monitor.is_some()
    }
}

/// Compares without telling by its time where the first difference is.
fn same(given: &[u8], token: &[u8]) -> bool {
    let differences = given.iter().zip(token).fold(0, |differences, (a, b)| differences | (a ^ b));
    given.len() == token.len() && differences == 0
}

#[cfg(test)]
mod tests;
