//! What travels from the agent to a sink: a full picture on connect, then deltas.

use crate::{Backend, Phase, Picture};
use alloc::collections::BTreeMap;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// The change from one picture to the next of the same epoch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Delta {
    /// Epoch of both pictures.
    pub epoch: u64,
    /// Version it starts from; a sink that holds another one reconnects for a full picture.
    pub from_version: u64,
    /// Version it leads to.
    pub version: u64,
    /// Phase of the new picture.
    pub phase: Phase,
    /// By service and node: the new backend, or `None` for one that is gone.
    pub backends: BTreeMap<String, BTreeMap<String, Option<Backend>>>,
}

/// One line of the stream a sink follows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Update {
    /// Forget what you had.
    Full(Picture),
    /// Change what you have.
    Delta(Delta),
    /// Nothing changed; the agent is there. Sent every second when idle.
    Same {
        /// Current epoch.
        epoch: u64,
        /// Current version.
        version: u64,
    },
}

impl Delta {
    /// What changed from `old` to `new` (same epoch).
    pub fn between(old: &Picture, new: &Picture) -> Self {
        let _ = (old, new);
        todo!()
    }

    /// Whether a backend is withdrawn or gone: such a delta must not wait.
    pub fn withdraws(&self) -> bool {
        todo!()
    }
}

impl Picture {
    /// This picture with `delta` applied; `None` when the delta starts elsewhere.
    #[must_use]
    pub fn with(&self, delta: &Delta) -> Option<Self> {
        let _ = delta;
        todo!()
    }

    /// What a sink acts on when it held `self` and receives `new`: `new` itself when live; while warming, the union, so
    /// that a restarted agent which has met nobody yet empties no pool.
    #[must_use]
    pub fn succeeded_by(&self, new: Self) -> Self {
        let _ = new;
        todo!()
    }
}
