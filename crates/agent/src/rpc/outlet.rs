//! The way to a client: whole messages, one after the other, and an end when the client takes nothing.

use super::crowd::{GRACE, Place};
use muster_rpc::{ReplyHeader, write};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{Mutex, MutexGuard, Notify};
use tokio::time::{Instant, timeout};

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
    place: Arc<Place>,
}

impl Outlet {
    pub(super) fn new(writer: OwnedWriteHalf, place: Arc<Place>) -> Self {
        Self { writer: Mutex::new(writer), broken: Notify::new(), place }
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
            match self.write(bytes).await {
                Some(Ok(written @ 1..)) => bytes = &bytes[written..],
                _ => {
                    self.outlet.broken.notify_one();
                    return Err(Broken);
                }
            }
        }
        Ok(())
    }

    /// Some of it; `None` if the client takes nothing. The crowd is told when that begins to last.
    async fn write(&mut self, bytes: &[u8]) -> Option<io::Result<usize>> {
        let began = Instant::now();
        if let Ok(written) = timeout(GRACE, self.writer.write(bytes)).await {
            return Some(written);
        }
        self.outlet.place.set_stalled(Some(began));
        let written = timeout(STALL, self.writer.write(bytes)).await;
        self.outlet.place.set_stalled(None);
        written.ok()
    }
}

/// The bytes of a header.
pub(super) fn header(seq: u64, error: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write(&ReplyHeader { seq, error }, &mut out);
    out
}
