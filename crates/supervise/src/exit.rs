//! How a process ended, and what that is as an exit code.

use core::fmt;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(u8),
    /// By this signal.
    Signal(u8),
}

impl Exit {
    /// Whether it ended as one that did what it was to do.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Code(0))
    }

    /// The exit code that says the same: its own, or 128 and the signal's number, as shells have it.
    pub const fn as_code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128_u8.saturating_add(signal),
        }
    }

    /// The first two arguments of an s6 `finish` script: the code, 256 if there is none because of a signal; the signal, else 0.
    pub const fn for_finish(self) -> (u16, u8) {
        match self {
            Self::Code(code) => (code as u16, 0),
            Self::Signal(signal) => (256, signal),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}
