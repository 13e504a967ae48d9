//! The snapshot: who was there and how far the clocks were, kept in a file so that a restarted agent finds its cluster
//! again without seeds, and handles no event twice.
//!
//! What is written is decided in `muster_serf::snapshot`, and what became of the members is read from the roster, so that no
//! burst of events can be too much for the disk: at most twice a second the file is brought up to date, on a thread that may
//! block. A disk that is full or gone is told and tried again, and costs nothing but the snapshot.

mod file;

use crate::Error;
use crate::complaints::Complaints;
use crate::gossip::Handle;
use crate::hub::{Bounds, Hub, Listener};
use crate::roster::Roster;
use file::SnapshotFile;
use muster_serf::snapshot::{Journal, Snapshot};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// At most this often something is written (Serf's `flushInterval`).
const FLUSH_INTERVAL: Duration = Duration::from_millis(500);
/// After an error, the next attempt (Serf's `snapshotErrorRecoveryInterval`).
const RETRY_INTERVAL: Duration = Duration::from_secs(30);
/// Clocks also move when nothing is told.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);
/// How long a leave and the end of the agent wait for the disk.
const DISK_PATIENCE: Duration = Duration::from_secs(1);
/// Only a bell: that something was told, not what.
const BELL: Bounds = Bounds { notices: 1, bytes: 0 };

/// Where the snapshot is, and what a leave means to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotOptions {
    /// The file.
    pub path: PathBuf,
    /// Rejoin even after a leave. In Serf only with `-rejoin`.
    pub rejoin_after_leave: bool,
}

/// A snapshot that was read.
#[derive(Debug)]
pub(crate) struct Opened {
    /// What the former life knew.
    pub(crate) former: Snapshot,
    path: PathBuf,
    file: SnapshotFile,
    journal: Journal,
}

impl Opened {
    /// Reads the file. Blocks on the disk.
    pub(crate) fn open(options: &SnapshotOptions) -> Result<Self, Error> {
        let SnapshotOptions { path, rejoin_after_leave } = options;
        let opened = SnapshotFile::open(path, *rejoin_after_leave)
            .map_err(|cause| Error::Snapshot { path: path.clone(), cause })?;
        let file::Opened { file, snapshot, bytes, skipped } = opened;
        if skipped > 0 {
            tracing::warn!(
                skipped,
                "some lines of the snapshot {} are damaged, and were skipped",
                path.display()
            );
        }
        let journal = Journal::new(snapshot.clone(), bytes, *rejoin_after_leave);
        Ok(Self { former: snapshot, path: path.clone(), file, journal })
    }

    /// Keeps the file up to date from now on.
    pub(crate) fn keep(self, roster: Arc<Roster>, gossip: Handle, hub: &Hub) -> Keeping {
        let (told, orders) = mpsc::channel(2);
        let keeper = Keeper {
            path: self.path,
            parts: Some((self.file, self.journal)),
            roster,
            gossip,
            // Without it, clocks are looked at less often.
            bell: hub.listen(BELL).ok(),
            orders,
            complaints: Complaints::default(),
            started: Instant::now(),
        };
        tokio::spawn(keeper.keep());
        Keeping(told)
    }
}

/// Tells the keeper what is not in the roster.
#[derive(Debug)]
pub(crate) struct Keeping(mpsc::Sender<(Order, oneshot::Sender<()>)>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Order {
    Leave,
    End,
}

impl Keeping {
    /// We are about to leave. Returns when that is on the disk, or the disk is too slow.
    pub(crate) async fn leave(&self) {
        self.order(Order::Leave).await;
    }

    /// Nothing more will happen. Returns as [`Self::leave`].
    pub(crate) async fn end(&self) {
        self.order(Order::End).await;
    }

    async fn order(&self, order: Order) {
        let (done, obeyed) = oneshot::channel();
        let obeyed = async {
            if self.0.send((order, done)).await.is_ok() {
                // An error has been told.
                let _ = obeyed.await;
            }
        };
        if timeout(DISK_PATIENCE, obeyed).await.is_err() {
            tracing::warn!("the disk of the snapshot does not answer; going on without it");
        }
    }
}

#[derive(Debug)]
struct Keeper {
    path: PathBuf,
    /// Away while something is written.
    parts: Option<(SnapshotFile, Journal)>,
    roster: Arc<Roster>,
    gossip: Handle,
    bell: Option<Listener>,
    orders: mpsc::Receiver<(Order, oneshot::Sender<()>)>,
    complaints: Complaints,
    started: Instant,
}

impl Keeper {
    async fn keep(mut self) {
        let mut revisions = self.roster.revisions();
        let mut obeyed: Option<(Order, oneshot::Sender<()>)> = None;
        loop {
            let Some(is_whole) = self.write(obeyed.as_ref().map(|(order, _)| *order)).await else { return };
            if let Some((order, done)) = obeyed.take() {
                // Who asked may have lost patience.
                let _ = done.send(());
                if order == Order::End {
                    return;
                }
            }
            let earliest = Instant::now() + if is_whole { FLUSH_INTERVAL } else { RETRY_INTERVAL };
            let news = async {
                tokio::select! {
                    _ = revisions.changed() => {}
                    () = rung(self.bell.as_ref()) => {}
                    () = sleep(LOOK_INTERVAL) => {}
                }
                sleep_until(earliest).await;
            };
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(order) => obeyed = Some(order),
                    None => return,
                },
                () = news => {}
            }
        }
    }

    /// Brings the file up to date. Whether it is; nothing when the agent is ending.
    async fn write(&mut self, order: Option<Order>) -> Option<bool> {
        let (clocks, _) = self.gossip.stats().await.ok()?;
        let (mut file, mut journal) = self.parts.take()?;
        let mut lines = self.roster.look(|members| journal.catch_up(members.values(), &clocks));
        if order == Some(Order::Leave) {
            lines.push_str(&journal.leave());
        }
        let was_broken = file.is_broken();
        if lines.is_empty() && order.is_none() && !was_broken {
            self.parts = Some((file, journal));
            return Some(true);
        }
        let written = tokio::task::spawn_blocking(move || {
            let written = file.write(&mut journal, &lines, order.is_some());
            (written, file, journal)
        });
        let (written, file, journal) = written.await.ok()?;
        self.parts = Some((file, journal));
        self.tell(&written, was_broken);
        Some(written.is_ok())
    }

    fn tell(&mut self, written: &io::Result<()>, was_broken: bool) {
        let path = self.path.display();
        match written {
            Ok(()) if was_broken => {
                tracing::info!("the snapshot {path} is whole again");
                self.complaints.forget();
            }
            Ok(()) => {}
            Err(cause) => {
                let text = format!("cannot write the snapshot {path}: {cause}; trying again every 30 s");
                if let Some(line) = self.complaints.tell(&text, self.started.elapsed()) {
                    tracing::error!("{line}");
                }
            }
        }
    }
}

/// Returns when something was told since the last call.
async fn rung(bell: Option<&Listener>) {
    let Some(bell) = bell else { return std::future::pending().await };
    bell.next().await;
    while bell.take().is_some() {}
}

#[cfg(test)]
mod tests;
