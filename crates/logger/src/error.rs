//! Why `muster log` cannot run.

use std::io;

use muster_logs::Listen;

/// See the module's page.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing to read.
    #[error(
        "there is nothing to read: neither pipes of services (MUSTER_LOG_PIPES, set by `muster init`) nor an address to listen on (--syslog-listen)"
    )]
    Nothing,
    /// A number in the list of pipes is none of our pipes.
    #[error("MUSTER_LOG_PIPES names {fd} for {service}, which is no pipe to read from: {source}")]
    Pipe {
        /// The number.
        fd: i32,
        /// Whose pipe it was to be.
        service: String,
        /// What the system says.
        source: io::Error,
    },
    /// A place to listen on cannot be had.
    #[error("cannot listen on {on}: {source}{}", hint(.source))]
    Listen {
        /// The place.
        on: Listen,
        /// What the system says.
        source: io::Error,
    },
    /// The system refuses what every process needs.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "; ports below 1024 and /dev want root",
        io::ErrorKind::AddrInUse => "; another syslog runs here",
        io::ErrorKind::NotFound => "; its folder is not there",
        _ => "",
    }
}
