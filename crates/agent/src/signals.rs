//! TERM and INT: leave. HUP: nothing yet, but not the end either.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask the agent to end, and the one that does not.
#[derive(Debug)]
pub(crate) struct EndSignals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl EndSignals {
    /// From now on none of them ends the process by itself.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    /// The next one that asks for the end, by name.
    pub(crate) async fn next(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.term.recv() => return "TERM",
                _ = self.int.recv() => return "INT",
                // By default HUP would kill: a closed terminal, or a reload that Serf's users expect, would look like
                // a crash to the cluster.
                _ = self.hup.recv() => tracing::warn!("HUP: nothing is reloaded; restart to apply a new configuration"),
            }
        }
    }
}
