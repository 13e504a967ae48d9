//! Own tags while the agent runs: changed one request at a time, kept in the tags file first, then told to the cluster.

use crate::gossip::{Gone, Handle};
use crate::readiness::{Layer, Readiness};
use crate::tags_file::{TagsFile, TagsFileError};
use muster_serf::TagsTooLong;
use muster_wire::tags::{META_BYTES_MAX, Tags, encode};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};

/// What own tags should take at most: they travel in every message about a node, and with more than this few such messages
/// fit into a datagram.
pub const TAGS_BYTES_ADVISED: usize = 200;

/// How long a node that is not ready keeps to itself.
const JOIN_WAIT: Duration = Duration::from_secs(5);

/// Why tags were not changed. Nothing was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("{0}; shorten or remove tags")]
    TooLong(#[from] TagsTooLong),
    #[error("a tag needs a name")]
    Nameless,
    #[error("{0}")]
    File(#[from] TagsFileError),
    #[error("{0}")]
    Gone(#[from] Gone),
}

/// Own tags as people last changed them, and what is laid over them.
#[derive(Debug)]
struct Current {
    tags: Tags,
    layer: Layer,
}

/// Own tags as last changed.
#[derive(Debug)]
pub(crate) struct OwnTags {
    current: Mutex<Current>,
    default_port: u16,
    serves: watch::Sender<bool>,
    file: Option<Arc<TagsFile>>,
    gossip: Handle,
}

impl OwnTags {
    pub(crate) fn new(
        tags: Tags,
        layer: Layer,
        default_port: u16,
        file: Option<TagsFile>,
        gossip: Handle,
    ) -> Self {
        let serves = watch::Sender::new(layer.serves(&tags, default_port));
        let current = Mutex::new(Current { tags, layer });
        Self { current, default_port, serves, file: file.map(Arc::new), gossip }
    }

    /// Returns when something of what the node offers is ready, or too much time has passed.
    ///
    /// Plain Serf shows its handlers a join and an update that come within seconds of each other as the update alone, and many
    /// handlers wait for joins only. So the cluster meets a node when it is ready, unless that takes long.
    pub(crate) async fn worth_a_join(&self) {
        let mut serves = self.serves.subscribe();
        let _ = tokio::time::timeout(JOIN_WAIT, serves.wait_for(|serves| *serves)).await;
    }

    /// The supervisor says what is ready.
    pub(crate) async fn be(&self, readiness: Readiness) -> Result<(), Refused> {
        let mut current = self.current.lock().await;
        let layer = Layer { readiness, ..current.layer.clone() };
        let mut told = layer.over(&current.tags, self.default_port);
        if encode(&told).len() > META_BYTES_MAX {
            // The names take too much room; that nothing is ready is shorter, and safe.
            told = Layer { readiness: Readiness::Retired, ..layer.clone() }
                .over(&current.tags, self.default_port);
        }
        self.gossip.set_tags(told).await??;
        self.serves.send_replace(layer.serves(&current.tags, self.default_port));
        current.layer = layer;
        Ok(())
    }

    /// Removes the tags named `delete`, then sets those in `set`, as Serf does when one name is in both. Returns all tags.
    pub(crate) async fn update(&self, set: Tags, delete: &[String]) -> Result<Tags, Refused> {
        if set.contains_key("") {
            return Err(Refused::Nameless);
        }
        let mut current = self.current.lock().await;
        let mut tags = current.tags.clone();
        tags.retain(|name, _| !delete.contains(name));
        tags.extend(set);
        // Before the file: Serf writes tags there that it then refuses, and cannot start from.
        let told = current.layer.over(&tags, self.default_port);
        let bytes = encode(&told).len();
        if bytes > META_BYTES_MAX {
            return Err(TagsTooLong { bytes }.into());
        }
        if let Some(file) = self.file.clone() {
            let tags = tags.clone();
            // A slow disk holds up whoever asked, and nobody else.
            let stored = tokio::task::spawn_blocking(move || file.store(&tags)).await.map_err(|_| Gone)?;
            stored.inspect_err(|error| tracing::error!("{error}"))?;
        }
        self.gossip.set_tags(told.clone()).await??;
        current.tags = tags;
        Ok(told)
    }
}

impl OwnTags {
    /// Takes what the configuration, or the tags file if there is one, says now; told to the cluster even if nothing changed,
    /// as Serf does.
    pub(crate) async fn reload(&self, configured: &Tags) -> Result<(), Refused> {
        let mut current = self.current.lock().await;
        let tags = match self.file.clone() {
            Some(file) => tokio::task::spawn_blocking(move || file.load()).await.map_err(|_| Gone)??,
            None => configured.clone(),
        };
        self.gossip.set_tags(current.layer.over(&tags, self.default_port)).await??;
        current.tags = tags;
        Ok(())
    }
}

/// Worth saying about tags that fit.
pub fn tags_note(tags: &Tags) -> Option<String> {
    let bytes = encode(tags).len();
    (bytes > TAGS_BYTES_ADVISED).then(|| {
        format!("the tags take {bytes} bytes in every message about this node; {TAGS_BYTES_ADVISED} or less spread faster")
    })
}
