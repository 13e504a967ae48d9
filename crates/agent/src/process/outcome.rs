//! How a run ended.

use muster_events::Tail;
use std::fmt;
use std::time::Duration;

/// Bytes of output that are shown to people.
const SHOWN_BYTES_MAX: usize = 2 << 10;

/// How it ended, what it said, how long it took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Outcome {
    pub(crate) end: End,
    pub(crate) output: Tail,
    pub(crate) took: Duration,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Exited(i32),
    Signalled(i32),
    TimedOut(Duration),
    /// The agent ended before it did.
    Stopped,
    NotRun(String),
    /// A webhook's last answer.
    Answered {
        status: u16,
        attempts: u32,
    },
    NotDelivered {
        why: String,
        attempts: u32,
    },
}

impl Outcome {
    pub(crate) fn is_success(&self) -> bool {
        match self.end {
            End::Exited(code) => code == 0,
            End::Answered { status, .. } => (200..300).contains(&status),
            _ => false,
        }
    }

    /// The last lines of its output, as text.
    pub(crate) fn last_lines(&self) -> String {
        let bytes = self.output.bytes();
        let text =
            String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(SHOWN_BYTES_MAX)..]).into_owned();
        text.trim_end_matches('\n').to_owned()
    }
}

impl End {
    /// The exit code of a program that had one.
    pub(crate) fn code(&self) -> Option<i32> {
        if let Self::Exited(code) = self { Some(*code) } else { None }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit code {code}"),
            Self::Signalled(signal) => write!(f, "ended by signal {signal}"),
            Self::TimedOut(limit) => write!(f, "killed: it ran for longer than {limit:?}"),
            Self::Stopped => f.write_str("ended, since the agent ends"),
            Self::NotRun(why) => write!(f, "could not run: {why}"),
            Self::Answered { status, attempts: 1 } => write!(f, "HTTP status {status}"),
            Self::Answered { status, attempts } => write!(f, "HTTP status {status} at attempt {attempts}"),
            Self::NotDelivered { why, attempts: 1 } => write!(f, "not delivered: {why}"),
            Self::NotDelivered { why, attempts } => write!(f, "not delivered in {attempts} attempts: {why}"),
        }
    }
}
