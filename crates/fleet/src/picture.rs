//! The picture itself.

use crate::{Refusal, Terms};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use serde::{Deserialize, Serialize};

/// Serf's member states, as the fleet needs them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "Serf's own words")]
pub enum Status {
    Alive,
    Leaving,
    Left,
    Failed,
}

/// A node as the cluster sees it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Member {
    /// Node name: any text; never a path, a line of a file or a command.
    pub name: String,
    /// Advertised address, normalised.
    pub addr: IpAddr,
    /// Gossip port.
    pub port: u16,
    /// Its state.
    pub status: Status,
    /// Tags by name.
    pub tags: BTreeMap<String, String>,
}

/// Whether the picture is known to be whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// A fresh or cut-off agent: sinks keep what they have and only add.
    Warming,
    /// Whole: what is absent is gone.
    Live,
}

/// What gossip says about a backend's fitness.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Alive and not withdrawn.
    Ready,
    /// Its node failed, or keeps failing ([`Damping`](crate::Damping)): tried last, when the service has nothing better.
    Demoted,
    /// Withdrawn (`notready`) or its node is leaving: no new request.
    Withdrawn,
}

/// One address:port of a service. Identified within its service by `node`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Backend {
    /// Where requests go.
    pub addr: SocketAddr,
    /// Share of traffic, relative to the others; 1 to [`WEIGHT_MAX`](crate::WEIGHT_MAX).
    pub weight: u16,
    /// Fitness according to gossip.
    pub standing: Standing,
}

/// A named pool of equal servers, by node name. It exists by its backends: one without any is the same as none.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Service {
    /// Backends by the name of their node.
    pub backends: BTreeMap<String, Backend>,
}

/// The services at one instant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Picture {
    /// Differs for each life of the agent; not ordered.
    pub epoch: u64,
    /// Grows within an epoch.
    pub version: u64,
    /// Whether absence means anything.
    pub phase: Phase,
    /// Services by name.
    pub services: BTreeMap<String, Service>,
    /// On what terms it was drawn.
    #[serde(default)]
    pub terms: Terms,
    /// Claims that were not believed; at most [`REFUSALS_MAX`](crate::REFUSALS_MAX).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<Refusal>,
}

impl Picture {
    /// One backend.
    pub fn backend(&self, service: &str, node: &str) -> Option<&Backend> {
        self.services.get(service)?.backends.get(node)
    }

    /// All backends as (service, node, backend), in that order.
    pub fn backends(&self) -> impl Iterator<Item = (&str, &str, &Backend)> {
        self.services.iter().flat_map(|(name, service)| {
            service.backends.iter().map(move |(node, backend)| (name.as_str(), node.as_str(), backend))
        })
    }
}
