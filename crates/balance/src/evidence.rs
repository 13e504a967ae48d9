//! What the data plane saw of a backend.

use core::time::Duration;

/// One observation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Evidence {
    /// A TCP connection was made (also the proof a new backend needs before it is preferred).
    Connected,
    /// A TCP connection was refused, reset or timed out.
    ConnectFailed,
    /// A response head arrived.
    Answered,
    /// A connection made for this request died under it, before the response head.
    Died,
    /// A kept connection died under a request, before the response head. Weaker than [`Evidence::Died`]: servers close
    /// idle connections when they like, and a request may cross the close on its way (RFC 9112, 9.3.1).
    KeptDied,
    /// No response head within the proxy's limit.
    Silent,
}

impl Evidence {
    /// In words, for a report.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Answered => "answered",
            Self::ConnectFailed => "no connection could be made",
            Self::Died => "a new connection died before an answer",
            Self::KeptDied => "kept connections died before an answer",
            Self::Silent => "no answer in time",
        }
    }
}

/// A response head, as far as it says something of its backend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// From when the request was sent to when the head had arrived; without the time to connect.
    pub took: Duration,
}

/// What an observation changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// Nothing that anybody need act on.
    None,
    /// The backend is ejected and was not before: close its idle connections.
    Ejected,
    /// It is preferred more or less than before, such as a new one that proved itself: worth a report.
    Moved,
}
