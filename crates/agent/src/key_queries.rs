//! What this node does when the cluster's keys are to be changed or listed.
//!
//! Whoever changes keys counts the answers, and takes silence for an unreachable node: so there is always one. One operation
//! after the other, on the control thread: the gossip thread never waits for the disk, and seals with whatever ring it finds
//! (`sealer`).
//!
//! A changed ring is stored first and taken into use afterwards. The reference does it the other way round, so that a full
//! disk leaves it with keys that it forgets at its next start, or seals with a key that its file does not have. Here a
//! failure changes nothing, and what was stored before a crash is what had been asked for. Keys that came with `-encrypt`
//! have no file, as in Serf, and are what they were after a restart.

use crate::gossip::Handle;
use crate::keyring_file::KeyringFile;
use crate::sealer::Sealer;
use muster_serf::{KeyAnswer, KeyOperation, QueryId};
use muster_wire::crypt::{Key, Keyring};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Operations that wait for the disk; beyond that they are refused. An operator asks one at a time.
pub(crate) const QUERIES_WAITING_MAX: usize = 16;
/// Keys in a ring. A rotation needs two; whatever no key opens costs a try of each.
const KEYS_MAX: usize = 64;

/// Somebody asked.
#[derive(Debug)]
pub(crate) struct KeyQuery {
    pub id: QueryId,
    pub operation: KeyOperation,
    pub from: String,
}

/// Keeps this node's keys.
#[derive(Debug)]
pub(crate) struct KeyKeeper {
    sealer: Arc<Sealer>,
    file: Option<Arc<KeyringFile>>,
    gossip: Handle,
}

impl KeyKeeper {
    /// `file`: where the keys came from, if they are to be kept there.
    pub(crate) fn new(sealer: Arc<Sealer>, file: Option<KeyringFile>, gossip: Handle) -> Self {
        Self { sealer, file: file.map(Arc::new), gossip }
    }

    /// Does and answers what is asked, until nobody can ask any more.
    pub(crate) async fn keep(self, mut queries: mpsc::Receiver<KeyQuery>) {
        while let Some(KeyQuery { id, operation, from }) = queries.recv().await {
            let (what, answer) = (verb(&operation), self.answer(&operation).await);
            if answer.done {
                tracing::info!(?from, "told to {what}: done");
            } else {
                tracing::warn!(?from, "told to {what}: {}", answer.message);
            }
            match self.gossip.respond_keys(id, answer).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(?from, "cannot answer a key query: {error}"),
                Err(_gone) => return,
            }
        }
    }

    async fn answer(&self, operation: &KeyOperation) -> KeyAnswer {
        let Some(ring) = self.sealer.keys() else {
            return refused(match operation {
                KeyOperation::List => "Keyring is empty (encryption not enabled)",
                _ => "No keyring to modify (encryption not enabled)",
            });
        };
        if *operation == KeyOperation::List {
            return KeyAnswer {
                done: true,
                message: String::new(),
                keys: ring.iter().map(|key| key.to_base64().to_string()).collect(),
                primary_key: ring.primary().to_base64().to_string(),
            };
        }
        let done = match changed(&ring, operation) {
            Ok(ring) => self.take(ring).await,
            Err(why) => Err(why),
        };
        match done {
            Ok(()) => KeyAnswer { done: true, ..KeyAnswer::default() },
            Err(why) => refused(&why),
        }
    }

    /// Stores `ring`, then seals and opens with it.
    async fn take(&self, ring: Keyring) -> Result<(), String> {
        if let Some(file) = self.file.clone() {
            let stored = ring.clone();
            tokio::task::spawn_blocking(move || file.store(&stored))
                .await
                .map_err(|_| "the agent is ending".to_owned())?
                .map_err(|error| error.to_string())?;
        } else {
            tracing::info!(
                "the keys have no keyring file: after a restart they are again what is configured"
            );
        }
        self.sealer.rekey(ring);
        Ok(())
    }
}

/// The ring after `operation`, or Serf 0.9.4's words why not.
fn changed(ring: &Keyring, operation: &KeyOperation) -> Result<Keyring, String> {
    let mut ring = ring.clone();
    match operation {
        KeyOperation::List => {}
        KeyOperation::Install(bytes) => {
            let key = Key::from_bytes(bytes).map_err(|_| "key size must be 16, 24 or 32 bytes")?;
            ring.add(key);
            if ring.iter().count() > KEYS_MAX {
                return Err(format!("there are {KEYS_MAX} keys already; remove one first"));
            }
        }
        KeyOperation::Use(bytes) => ring.make_primary(bytes).map_err(|error| error.to_string())?,
        KeyOperation::Remove(bytes) => ring.remove(bytes).map_err(|error| error.to_string())?,
    }
    Ok(ring)
}

/// An operation that was not done.
pub(crate) fn refused(why: &str) -> KeyAnswer {
    KeyAnswer { message: why.to_owned(), ..KeyAnswer::default() }
}

/// For the log, which shows no key.
fn verb(operation: &KeyOperation) -> &'static str {
    match operation {
        KeyOperation::Install(_) => "install a key",
        KeyOperation::Use(_) => "use another key",
        KeyOperation::Remove(_) => "remove a key",
        KeyOperation::List => "list the keys",
    }
}

#[cfg(test)]
mod tests;
