//! The way to a client: whole messages, one after the other, and an end when the client takes nothing.

use muster_rpc::{ReplyHeader, write};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{Mutex, MutexGuard, Notify};
use tokio::time::timeout;

/// How long a client may take nothing while something is to be sent to it.
pub(super) const STALL: Duration = Duration::from_secs(30);

/// The client is gone, or as good as gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Broken;

/// Shared by the answers and the streams of one connection. Who has it locked sends a whole message: what is dropped in
/// between ends the connection.
#[derive(Debug)]
pub(super) struct Outlet {
    writer: Mutex<OwnedWriteHalf>,
    broken: Notify,
}

impl Outlet {
    pub(super) fn new(writer: OwnedWriteHalf) -> Self {
        Self { writer: Mutex::new(writer), broken: Notify::new() }
    }

    /// Sends a header, an error in it or none, and nothing behind it.
    pub(super) async fn answer(&self, seq: u64, error: &str) -> Result<(), Broken> {
        self.lock().await.send(&header(seq, error)).await
    }

    /// Waits for its turn; what is made after that is not made for a client that takes nothing.
    pub(super) async fn lock(&self) -> Turn<'_> {
        Turn { writer: self.writer.lock().await, outlet: self }
    }

    /// Returns when sending has failed.
    pub(super) async fn broken(&self) {
        self.broken.notified().await;
    }
}

/// The right to send.
#[derive(Debug)]
pub(super) struct Turn<'o> {
    writer: MutexGuard<'o, OwnedWriteHalf>,
    outlet: &'o Outlet,
}

impl Turn<'_> {
    /// Sends a message, or a piece of one that this turn completes.
    pub(super) async fn send(&mut self, mut bytes: &[u8]) -> Result<(), Broken> {
        while !bytes.is_empty() {
            match timeout(STALL, self.writer.write(bytes)).await {
                Ok(Ok(written @ 1..)) => bytes = &bytes[written..],
                _ => {
                    self.outlet.broken.notify_one();
                    return Err(Broken);
                }
            }
        }
        Ok(())
    }
}

/// The bytes of a header.
pub(super) fn header(seq: u64, error: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write(&ReplyHeader { seq, error }, &mut out);
    out
}
