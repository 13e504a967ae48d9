//! The machine: one struct, one input, one output.

use crate::{Config, Input, Instant, NodeView, Output, StreamId, Ticket, UserQueue};
use alloc::vec::Vec;
use core::net::SocketAddr;

/// One node's view of the membership.
///
/// # The contract
/// 1. Call [`Swim::handle`] or a command with the current time; time never goes back.
/// 2. Then take outputs with [`Swim::poll_output`] until `None`, answering
///    [`Event::StateWanted`](crate::Event::StateWanted) as it comes.
/// 3. Sleep until [`Swim::next_timeout`] or the next input; then 1.
#[derive(Debug)]
pub struct Swim {
    config: Config,
}

impl Swim {
    /// A node alone in its cluster, alive with incarnation 1.
    pub fn new(config: Config, now: Instant) -> Self {
        let _ = now;
        Self { config }
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

    /// Begins one push/pull with the join flag; ends in `Synced` or `SyncFailed` with the returned id.
    pub fn join(&mut self, now: Instant, to: SocketAddr) -> StreamId {
        let _ = (now, to);
        todo!()
    }

    /// Tells everyone that we leave; ends in `LeaveTold`. We keep answering afterwards.
    pub fn leave(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// Announces new meta under a new incarnation.
    pub fn set_meta(&mut self, now: Instant, meta: Vec<u8>) {
        let _ = (now, meta);
        todo!()
    }

    /// Gossips a user message (Serf's type byte first). With a ticket, its end is told.
    pub fn broadcast(&mut self, queue: UserQueue, message: Vec<u8>, ticket: Option<Ticket>) {
        let _ = (queue, message, ticket);
        todo!()
    }

    /// Sends a user message to one node, as a single datagram.
    pub fn send_user(&mut self, to: SocketAddr, message: &[u8]) {
        let _ = (to, message);
        todo!()
    }

    /// Serf's answer to `StateWanted`.
    pub fn supply_state(&mut self, now: Instant, stream: StreamId, state: &[u8]) {
        let _ = (now, stream, state);
        todo!()
    }

    /// How many nodes the retransmit limit of user broadcasts reckons with: Serf's known members, failed and left
    /// included.
    pub fn set_user_population(&mut self, members: usize) {
        let _ = members;
        todo!()
    }

    /// Nodes that are alive or suspect, ourselves included.
    pub fn alive(&self) -> impl Iterator<Item = NodeView> + '_ {
        core::iter::empty()
    }

    /// Everyone else who is alive or suspect: nobody means a lone node.
    pub fn has_peers(&self) -> bool {
        todo!()
    }
}
