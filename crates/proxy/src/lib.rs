//! The data plane: listeners, upstream pools, HTTP/1.1 forwarding.
//!
//! It does the I/O and decides nothing: every choice is made by `muster_balance`.

mod config;

pub use config::Config;

/// Why the proxy could not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A listening address could not be bound.
    #[error("cannot listen on {addr}: {cause}")]
    Listen {
        /// The address.
        addr: std::net::SocketAddr,
        /// The system's words.
        cause: std::io::Error,
    },
}

/// Runs the proxy until TERM or INT, then drains. Blocks the calling thread.
pub fn run(config: Config) -> Result<(), Error> {
    let _ = config;
    todo!()
}
