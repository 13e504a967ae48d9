//! Why the proxy could not run.

use crate::access::Place as LogPlace;
use crate::bind::At;
use crate::trust::Distrust;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

/// Why the proxy could not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing to listen on.
    #[error("no address to listen on was given")]
    NowhereToListen,
    /// A listening address could not be bound.
    #[error("cannot listen on {at}: {cause}{}", advice(at, cause))]
    Listen {
        /// Where.
        at: At,
        /// The system's words.
        cause: io::Error,
    },
    /// What should have been handed over is not there, or is something else.
    #[error(
        "LISTEN_FDS {what}: whoever starts the proxy must hand over listening TCP or Unix sockets as descriptors 3, 4 and so on, \
         or not set LISTEN_FDS"
    )]
    Handed {
        /// What is wrong, as the end of a sentence about `LISTEN_FDS`.
        what: String,
    },
    /// A socket was handed over that listens elsewhere than configured.
    #[error(
        "a socket that listens on {at} was handed over (LISTEN_FDS), but `listen` in [proxy] says {}: make both agree",
        list(configured)
    )]
    HandedElsewhere {
        /// Where the socket listens.
        at: At,
        /// Where we are to listen.
        configured: Vec<At>,
    },
    /// Requests are to be logged to a file that cannot be written.
    #[error(
        "cannot write the access log to {place}: {cause}; make its folder writable for this user, or choose another `access_log_to`"
    )]
    AccessLog {
        /// Where.
        place: LogPlace,
        /// The system's words.
        cause: io::Error,
    },
    /// TLS is wanted and cannot be spoken.
    #[error("cannot speak TLS: {0}")]
    Tls(String),
    /// The agent must not be followed.
    #[error(transparent)]
    Distrust(#[from] Distrust),
    /// The event loop could not be made: the process may open too few files or has no memory.
    #[error("cannot start the event loop: {0}")]
    Runtime(io::Error),
}

fn list(places: &[At]) -> String {
    places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What to do about a failed bind.
fn advice(at: &At, cause: &io::Error) -> String {
    match at {
        At::Tcp(addr) => advice_for_address(*addr, cause),
        At::Unix { path, .. } => advice_for_path(path, cause),
    }
}

fn advice_for_address(addr: SocketAddr, cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::AddrInUse => {
            format!("; another program listens on port {}: stop it or choose another port", addr.port())
        }
        io::ErrorKind::PermissionDenied => format!(
            "; ports below net.ipv4.ip_unprivileged_port_start (1024) need root or CAP_NET_BIND_SERVICE: choose a port \
             such as 8080 instead of {}",
            addr.port()
        ),
        io::ErrorKind::AddrNotAvailable => {
            format!("; {} is not an address of this host: choose one that is, or 0.0.0.0 for all", addr.ip())
        }
        _ => String::new(),
    }
}

fn advice_for_path(path: &Path, cause: &io::Error) -> String {
    let folder = path.parent().unwrap_or(path).display();
    match cause.kind() {
        io::ErrorKind::AddrInUse => {
            "; another program listens there, or it is no socket: stop that or choose another path".to_owned()
        }
        io::ErrorKind::NotFound => format!("; there is no folder {folder}: make it"),
        io::ErrorKind::PermissionDenied => format!("; this user may not make files in {folder}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named_with_what_to_do() {
        let at = At::Tcp("127.0.0.1:8080".parse().unwrap());
        let cause = io::Error::from(io::ErrorKind::AddrInUse);
        let text = Error::Listen { at, cause }.to_string();
        assert!(
            text.contains("another program listens on port 8080: stop it or choose another port"),
            "{text}"
        );
    }
}
