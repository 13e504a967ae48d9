//! The machine: one struct, one input, one output.

use crate::{Input, Instant, Member, Output, Profile, StreamId};
use alloc::string::String;
use core::net::SocketAddr;
use core::time::Duration;
use muster_wire::{RawAddr, tags::Tags};

/// Who this node is.
#[derive(Clone, Debug)]
pub struct Config {
    /// Node name.
    pub name: String,
    /// Advertised address.
    pub addr: RawAddr,
    /// Advertised port.
    pub port: u16,
    /// Port we are bound to.
    pub bind_port: u16,
    /// Own tags; at most 512 bytes encoded.
    pub tags: Tags,
    /// Serf protocol spoken, 2..=5.
    pub protocol: u8,
    /// Compress what gets smaller.
    pub compress: bool,
    /// Timing.
    pub profile: Profile,
    /// Longest wait for a broadcast to be told (Serf: 5 s).
    pub broadcast_timeout: Duration,
    /// How long a leaving node keeps answering after its leave is told (Serf: 1 s).
    pub leave_propagate_delay: Duration,
    /// Seeds every random choice.
    pub seed: u64,
}

/// Encoded tags exceed the 512 bytes of a member's meta.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("encoded length of tags is {bytes} bytes, the limit is 512")]
pub struct TagsTooLong {
    /// Their encoded length.
    pub bytes: usize,
}

/// One node's view of a Serf cluster. The contract is [`Swim`](muster_swim::Swim)'s, without `StateWanted`.
#[derive(Debug)]
pub struct Serf {
    config: Config,
}

impl Serf {
    /// A node alone in its cluster.
    pub fn new(config: Config, now: Instant) -> Result<Self, TagsTooLong> {
        let _ = now;
        Ok(Self { config })
    }

    /// Tells the machine what happened.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        let _ = (now, input, &self.config);
        todo!()
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        todo!()
    }

    /// When [`Input::Timeout`] is due, if nothing else happens.
    pub fn next_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// Begins joining through `to`; ends in [`Event::Synced`](crate::Event::Synced) or
    /// [`Event::SyncFailed`](crate::Event::SyncFailed) with the returned id. The first success also broadcasts our join
    /// intent. Refused once we are leaving.
    pub fn join(&mut self, now: Instant, to: SocketAddr, replay_old_events: bool) -> StreamId {
        let _ = (now, to, replay_old_events);
        todo!()
    }

    /// Leaves in order: intent, then memberlist's own leave, then a pause in which probes are still answered. Ends in
    /// `LeftCluster`.
    pub fn leave(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// Declares a failed member left; with `prune` forgets it at once. Unknown names succeed, as in the reference.
    pub fn force_leave(&mut self, now: Instant, node: &str, prune: bool) {
        let _ = (now, node, prune);
        todo!()
    }

    /// Replaces our tags.
    pub fn set_tags(&mut self, now: Instant, tags: Tags) -> Result<(), TagsTooLong> {
        let _ = (now, tags);
        todo!()
    }

    /// All known members, failed and left ones included, by name.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        core::iter::empty()
    }

    /// Figures for `info`.
    pub fn stats(&self) -> Stats {
        todo!()
    }
}

/// The `serf` section of `serf info`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs, reason = "the reference's own keys")]
pub struct Stats {
    pub members: usize,
    pub failed: usize,
    pub left: usize,
    pub health_score: u32,
    pub member_time: u64,
    pub event_time: u64,
    pub query_time: u64,
    pub intent_queue: usize,
    pub event_queue: usize,
    pub query_queue: usize,
}
