//! How a request or connection ended.

use core::time::Duration;

/// What everybody who took part in a request is told at its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// The status that the client was given; `None` for a connection in TCP mode, and when it was given none.
    pub status: Option<u16>,
    /// What came from the client.
    pub bytes_in: u64,
    /// What went to it.
    pub bytes_out: u64,
    /// How long each part took.
    pub times: Times,
    /// Why it did not end well.
    pub fault: Option<Fault>,
}

/// The parts of a request's life; `None`: it never came so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Times {
    /// Waiting for a place on a backend.
    pub queue: Option<Duration>,
    /// Connecting to a backend, attempts that failed among it; zero on a connection that was open.
    pub connect: Option<Duration>,
    /// From the connection to the response's head.
    pub response: Option<Duration>,
    /// From the request's head to the end of the response.
    pub total: Duration,
}

/// By whom a request ended early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// What came is no request (HAProxy: `ereq`).
    BadRequest,
    /// A rule refused it (`dreq`).
    Denied,
    /// A rule refused its response, or that is none (`dresp` and part of `eresp`).
    BadResponse,
    /// No backend could be reached, or none was there (`econ`).
    Connect,
    /// A backend had it and gave no response: it ended, or was silent for too long (`eresp`).
    Response,
    /// A backend ended in the middle of its response (`srv_abrt`).
    ServerAborted,
    /// Its client went away, or fell silent (`cli_abrt`).
    ClientAborted,
}
