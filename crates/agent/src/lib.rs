//! The membership agent: gossip on a thread of its own, joining, the control socket, the picture.
//!
//! It does the I/O and decides nothing: membership is decided in `muster_serf`, the picture is drawn in `muster_fleet`.

mod config;

pub use config::{Advertise, Config, ProfileName};

/// Why the agent ended in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// `leave` on the control socket, or a signal.
    Left,
    /// A second signal, or the leave took too long: others will find us failed.
    Hurried,
}

/// Why the agent could not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `-join-strict` and no seed answered.
    #[error("no seed could be joined: {0}")]
    JoinFailed(String),
}

/// Runs the agent until it is told to leave (control socket, TERM, INT). Blocks the calling thread.
pub fn run(config: Config) -> Result<Ended, Error> {
    let _ = config;
    todo!()
}
