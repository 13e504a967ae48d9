//! TERM and INT ask for the end, HUP for a reload, USR1 for figures.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Caught {
    /// The end; by this signal, without `SIG`.
    End(&'static str),
    /// HUP: to read the configuration again.
    Reload,
    /// USR1: to tell what was counted.
    Telemetry,
}

/// The signals we act on. From now on none of them ends the process by itself: HUP, by default, would, and a closed terminal
/// would look like a crash to the cluster.
#[derive(Debug)]
pub(crate) struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
    usr1: Signal,
}

impl Signals {
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
            usr1: signal(SignalKind::user_defined1())?,
        })
    }

    /// The next one. Cancel safe.
    pub(crate) async fn next(&mut self) -> Caught {
        tokio::select! {
            _ = self.term.recv() => Caught::End("TERM"),
            _ = self.int.recv() => Caught::End("INT"),
            _ = self.hup.recv() => Caught::Reload,
            _ = self.usr1.recv() => Caught::Telemetry,
        }
    }

    /// The next one that asks for the end, while nothing else is of use any more.
    pub(crate) async fn next_end(&mut self) -> &'static str {
        loop {
            if let Caught::End(signal) = self.next().await {
                return signal;
            }
        }
    }
}
