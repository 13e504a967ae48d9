//! One line with all that is known of it.

use crate::{Facility, Priority, Severity, Timestamp};

/// Where a line was written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// Standard output of a service.
    Stdout,
    /// Standard error of a service.
    Stderr,
    /// A syslog socket.
    Syslog,
}

impl Stream {
    /// As forms write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Syslog => "syslog",
        }
    }

    /// What a line of a service counts as, as Docker's syslog driver has it.
    #[must_use]
    pub fn priority(self) -> Priority {
        let severity = match self {
            Self::Stdout => Severity::INFO,
            Self::Stderr => Severity::ERR,
            Self::Syslog => return Priority::UNSAID,
        };
        Priority { facility: Facility::DAEMON, severity }
    }
}

/// Which part of a line a text is, if the line was too long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// All of it.
    Whole,
    /// Its beginning.
    First,
    /// Neither beginning nor end.
    Middle,
    /// Its end.
    Last,
}

impl Part {
    /// Does something of the line come before?
    #[must_use]
    pub fn continues(self) -> bool {
        matches!(self, Self::Middle | Self::Last)
    }

    /// Does something of the line follow?
    #[must_use]
    pub fn goes_on(self) -> bool {
        matches!(self, Self::First | Self::Middle)
    }
}

/// One line, on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    /// When it was read.
    pub time: Timestamp,
    /// Who wrote it: a service's name, or what a syslog message says.
    pub service: &'a str,
    /// Its process, if the message says so.
    pub process: Option<&'a str>,
    /// Where it was written to.
    pub stream: Stream,
    /// Facility and severity.
    pub priority: Priority,
    /// What was written: any bytes but line breaks.
    pub text: &'a [u8],
    /// Which part of the line that is.
    pub part: Part,
}
