//! What travels from the agent to a sink: a full picture on connect, then deltas.
//!
//! As JSON, one [`Update`] a line. Neighbouring releases talk to each other: fields that are not known are ignored, and a
//! field added later must have a default.

use crate::{Backend, Phase, Picture, Refusal, Service, Standing};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
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
    /// All claims that are not believed now, when these are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusals: Option<Vec<Refusal>>,
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
        let mut backends: BTreeMap<String, BTreeMap<String, Option<Backend>>> = BTreeMap::new();
        let mut note = |service: &str, node: &str, backend| {
            // Services change by the dozen, not by the thousand: looking twice spares a copy of the name.
            if !backends.contains_key(service) {
                backends.insert(service.into(), BTreeMap::new());
            }
            if let Some(nodes) = backends.get_mut(service) {
                nodes.insert(node.into(), backend);
            }
        };
        for (service, node, backend) in new.backends() {
            if old.backend(service, node) != Some(backend) {
                note(service, node, Some(backend.clone()));
            }
        }
        for (service, node, _) in old.backends() {
            if new.backend(service, node).is_none() {
                note(service, node, None);
            }
        }
        Self {
            epoch: new.epoch,
            from_version: old.version,
            version: new.version,
            phase: new.phase,
            backends,
            refusals: (old.refusals != new.refusals).then(|| new.refusals.clone()),
        }
    }

    /// Whether a backend is withdrawn or gone: such a delta must not wait.
    pub fn withdraws(&self) -> bool {
        self.backends.values().flat_map(BTreeMap::values).any(|backend| match backend {
            Some(backend) => backend.standing == Standing::Withdrawn,
            None => true,
        })
    }
}

impl Picture {
    /// This picture with `delta` applied; `None` when the delta starts elsewhere.
    #[must_use]
    pub fn with(&self, delta: &Delta) -> Option<Self> {
        if (self.epoch, self.version) != (delta.epoch, delta.from_version) {
            return None;
        }
        let mut services = self.services.clone();
        for (name, nodes) in &delta.backends {
            let service: &mut Service = services.entry(name.clone()).or_default();
            for (node, backend) in nodes {
                match backend {
                    Some(backend) => service.backends.insert(node.clone(), backend.clone()),
                    None => service.backends.remove(node),
                };
            }
        }
        services.retain(|_, service| !service.backends.is_empty());
        Some(Self {
            epoch: delta.epoch,
            version: delta.version,
            phase: delta.phase,
            services,
            terms: self.terms.clone(),
            refusals: delta.refusals.clone().unwrap_or_else(|| self.refusals.clone()),
        })
    }
}

#[cfg(test)]
mod tests;
