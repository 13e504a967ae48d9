//! What a node is and how patient it is.

use crate::{Announcement, Extensions, Intern};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use muster_wire::{RawAddr, Versions};

/// Who this node is; fixed for its life except the meta.
#[derive(Clone, Debug)]
pub struct Config {
    /// Node name, unique in the cluster.
    pub name: String,
    /// Advertised address: one form for the life of the name (see [`RawAddr`]).
    pub addr: RawAddr,
    /// Advertised port.
    pub port: u16,
    /// Port we are bound to; stands in for a port of 0 in messages.
    pub bind_port: u16,
    /// Serf's tags, opaque here; at most 512 bytes.
    pub meta: Vec<u8>,
    /// Announced versions.
    pub versions: Versions,
    /// Compress what gets smaller (streams: always).
    pub compress: bool,
    /// Bytes the caller puts around each datagram on its way out (label, encryption): they count as part of it.
    pub packet_overhead: usize,
    /// Timing.
    pub profile: Profile,
    /// What goes beyond the reference; agents have it all.
    pub extensions: Extensions,
    /// Seeds every random choice. To be drawn at random where peers are not trusted: the key of the index by name comes
    /// from it too.
    pub seed: u64,
    /// Where many cores live in one process: what makes them share what all of them know.
    pub intern: Option<Arc<dyn Intern>>,
}

impl Config {
    /// The copy to keep of an announcement.
    pub(crate) fn share(&self, new: Announcement) -> Arc<Announcement> {
        match &self.intern {
            Some(intern) => intern.intern(new),
            None => Arc::new(new),
        }
    }
}

/// memberlist's timing profile (`lan`, `wan`, `local`).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Profile {
    /// Deadline for reading and writing one stream (memberlist: TCPTimeout).
    pub stream_timeout: Duration,
    /// Members asked to probe for us when a direct probe stays unanswered.
    pub indirect_checks: usize,
    /// A broadcast is sent `retransmit_mult * ceil(log10(n + 1))` times.
    pub retransmit_mult: u32,
    /// Suspicion lasts at least `suspicion_mult * log10(n) * probe_interval`.
    pub suspicion_mult: u32,
    /// Unconfirmed suspicion lasts this many times longer.
    pub suspicion_max_timeout_mult: u32,
    /// Full state exchange with a random member; scaled up beyond 32 nodes.
    pub push_pull_interval: Duration,
    /// One member is probed per interval.
    pub probe_interval: Duration,
    /// Wait for a direct ack before asking others.
    pub probe_timeout: Duration,
    /// Pause between gossip rounds.
    pub gossip_interval: Duration,
    /// Members gossiped to per round.
    pub gossip_nodes: usize,
    /// How long the dead still get gossip, so that they can refute.
    pub gossip_to_the_dead_time: Duration,
}

impl Profile {
    /// For one data centre; the default.
    pub const LAN: Self = Self {
        stream_timeout: Duration::from_secs(10),
        indirect_checks: 3,
        retransmit_mult: 4,
        suspicion_mult: 4,
        suspicion_max_timeout_mult: 6,
        push_pull_interval: Duration::from_secs(30),
        probe_interval: Duration::from_secs(1),
        probe_timeout: Duration::from_millis(500),
        gossip_interval: Duration::from_millis(200),
        gossip_nodes: 3,
        gossip_to_the_dead_time: Duration::from_secs(30),
    };
    /// For high latency between members.
    pub const WAN: Self = Self {
        stream_timeout: Duration::from_secs(30),
        suspicion_mult: 6,
        push_pull_interval: Duration::from_secs(60),
        probe_interval: Duration::from_secs(5),
        probe_timeout: Duration::from_secs(3),
        gossip_interval: Duration::from_millis(500),
        gossip_nodes: 4,
        gossip_to_the_dead_time: Duration::from_secs(60),
        ..Self::LAN
    };
    /// For members on one machine.
    pub const LOCAL: Self = Self {
        stream_timeout: Duration::from_secs(1),
        indirect_checks: 1,
        retransmit_mult: 2,
        suspicion_mult: 3,
        push_pull_interval: Duration::from_secs(15),
        probe_timeout: Duration::from_millis(200),
        gossip_interval: Duration::from_millis(100),
        gossip_to_the_dead_time: Duration::from_secs(15),
        ..Self::LAN
    };

    /// The same with no interval of zero, which would be due again at once for ever.
    pub(crate) fn at_least_a_millisecond(self) -> Self {
        let floor = |interval: Duration| interval.max(Duration::from_millis(1));
        Self {
            push_pull_interval: floor(self.push_pull_interval),
            probe_interval: floor(self.probe_interval),
            gossip_interval: floor(self.gossip_interval),
            ..self
        }
    }
}
