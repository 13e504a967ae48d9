//! How a request ended, as those are told who count and log it.

use crate::attempt::Cause;
use crate::front::{ClientError, PassError};
use crate::upstream::ConnectError;
use muster_tally::Fault;

/// How a request, or a connection in TCP mode, ended other than by a whole response of a backend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// What came is no request.
    BadRequest,
    /// A rule refused it, or says of no service.
    Denied,
    /// It was answered by us as configured: a redirect, a page.
    Local,
    /// There is no backend.
    Nobody,
    /// No backend could be connected to.
    Refused,
    /// The same, since none answered in time.
    ConnectLate,
    /// We ran out of something.
    Ours,
    /// A backend had it, and its connection ended before the response's head.
    Died,
    /// A backend had it and was silent.
    Silent,
    /// What a backend answered is no response.
    Garbled,
    /// The backend's connection ended in the middle of the response.
    CutShort,
    /// The response's body is none.
    BodyGarbled,
    /// The client went away.
    ClientGone,
    /// The client did nothing for too long.
    ClientStalled,
    /// Nothing moved in TCP mode for too long.
    Idle,
}

impl End {
    /// What is counted.
    pub(crate) fn fault(self) -> Option<Fault> {
        Some(match self {
            Self::Local | Self::Idle => return None,
            Self::BadRequest => Fault::BadRequest,
            Self::Denied => Fault::Denied,
            Self::Nobody | Self::Refused | Self::ConnectLate | Self::Ours => Fault::Connect,
            Self::Died | Self::Silent => Fault::Response,
            Self::Garbled | Self::BodyGarbled => Fault::BadResponse,
            Self::CutShort => Fault::ServerAborted,
            Self::ClientGone | Self::ClientStalled => Fault::ClientAborted,
        })
    }
}

impl From<&ConnectError> for End {
    fn from(cause: &ConnectError) -> Self {
        match cause {
            ConnectError::Refused(_) => Self::Refused,
            ConnectError::Late(_) => Self::ConnectLate,
            ConnectError::Ours(_) => Self::Ours,
        }
    }
}

impl From<&ClientError> for End {
    fn from(cause: &ClientError) -> Self {
        match cause {
            ClientError::Gone(_) => Self::ClientGone,
            ClientError::Stuck => Self::ClientStalled,
            ClientError::Refused(_) => Self::BadRequest,
        }
    }
}

impl From<&Cause> for End {
    fn from(cause: &Cause) -> Self {
        match cause {
            Cause::Connect(cause) => cause.into(),
            Cause::Died(_) | Cause::KeptDied(_) => Self::Died,
            Cause::Garbled(_) => Self::Garbled,
            Cause::Silent(_) => Self::Silent,
            Cause::ClientStalled(_) => Self::ClientStalled,
            Cause::Client(cause) => cause.into(),
        }
    }
}

impl From<&PassError> for End {
    fn from(cause: &PassError) -> Self {
        match cause {
            PassError::Client(cause) => cause.into(),
            PassError::Garbled(_) => Self::BodyGarbled,
            PassError::CutShort => Self::CutShort,
        }
    }
}
