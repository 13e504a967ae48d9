//! A gossip thread that only plays one, for tests of those who command it.

use super::{Command, Handle};
use muster_serf::Stats;
use std::net::SocketAddr;
use tokio::sync::mpsc;

/// What the fake was told to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Told {
    Join(SocketAddr),
    ForceLeave { node: String, prune: bool },
    Leave,
}

/// A handle whose joins are answered by `join`, and everything it was told, in order.
pub(crate) fn fake(
    mut join: impl FnMut(SocketAddr) -> Result<(), String> + Send + 'static,
) -> (Handle, mpsc::UnboundedReceiver<Told>) {
    let (handle, mut commands) = Handle::new();
    let (told, telling) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(command) = commands.recv().await {
            let told_now = match command {
                Command::Join { to, done, .. } => {
                    done.send(join(to)).unwrap();
                    Told::Join(to)
                }
                Command::ForceLeave { node, prune, done } => {
                    done.send(()).unwrap();
                    Told::ForceLeave { node, prune }
                }
                Command::Leave { done } => {
                    done.send(()).unwrap();
                    Told::Leave
                }
                Command::Stats(done) => {
                    done.send(Stats { members: 3, failed: 1, ..Stats::default() }).unwrap();
                    continue;
                }
                Command::Stop => return,
            };
            // A test may not care.
            let _ = told.send(told_now);
        }
    });
    (handle, telling)
}
