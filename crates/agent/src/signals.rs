//! TERM and INT: leave.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Both signals that ask the agent to end.
#[derive(Debug)]
pub(crate) struct EndSignals {
    term: Signal,
    int: Signal,
}

impl EndSignals {
    /// From now on neither ends the process by itself.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? })
    }

    /// The next one, by name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "TERM",
            _ = self.int.recv() => "INT",
        }
    }
}
