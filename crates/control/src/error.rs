//! How a call of the control socket fails, in words for the person who made it.

use crate::routes::Problem;
use std::path::PathBuf;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody listens there.
    #[error("no agent answers on {}: {}", socket.display(), why_unreachable(cause))]
    Unreachable {
        /// The path tried.
        socket: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The agent refused.
    #[error("{0}")]
    Refused(Problem),
    /// The connection broke or the answer was not what the route promises.
    #[error("the agent's answer could not be read: {0}")]
    Protocol(String),
}

/// The system's words, and what to do about the usual ones.
fn why_unreachable(cause: &std::io::Error) -> String {
    use std::io::ErrorKind::{ConnectionRefused, NotFound, PermissionDenied};
    let hint = match cause.kind() {
        NotFound => "start one with `muster agent`, or name its control socket",
        ConnectionRefused => "the agent that made this socket is gone; start it again",
        PermissionDenied => "the socket belongs to another user; become that user or root",
        _ => return cause.to_string(),
    };
    format!("{cause}; {hint}")
}
