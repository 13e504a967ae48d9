//! What goes in and what comes out.

use crate::{Announcement, Instant};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

/// Names one TCP connection. The two sides number independently.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum StreamId {
    /// Accepted and numbered by the caller.
    Inbound(u64),
    /// Asked for by the core, which numbers it.
    Outbound(u64),
}

/// Names one broadcast whose end somebody waits for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// Something that happened outside.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A datagram arrived.
    Packet {
        /// Its sender.
        from: SocketAddr,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A whole message (as found by `wire::stream::Scanner`) arrived on a stream. On an inbound one it is a request; on
    /// an outbound one the awaited reply.
    Stream {
        /// The connection.
        stream: StreamId,
        /// The other end.
        from: SocketAddr,
        /// The message.
        bytes: &'a [u8],
    },
    /// A stream brought what is no message, or none that is let in: damaged, sealed without a key that is known here,
    /// not sealed where everything must be. Who asked so is told.
    StreamUnreadable {
        /// The connection.
        stream: StreamId,
        /// The other end.
        from: SocketAddr,
        /// In words, also for the other end.
        reason: &'a str,
    },
    /// A stream ended before a whole message: refused, reset, closed early, past its deadline.
    StreamFailed {
        /// The connection.
        stream: StreamId,
        /// In words, for the log and the caller of join.
        reason: &'a str,
    },
    /// The clock jumped (pause, suspend) by this much: deadlines move, nobody is accused for one round. Hand this in
    /// before anything else that happened since.
    Slept(Duration),
    /// Others withhold the CPU from us: we may be the ones who are late. Hand this in before [`Input::Timeout`], so that
    /// the probe that begins is a patient one.
    Throttled,
    /// Time passed; nothing else happened.
    Timeout,
}

/// Something to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Send a datagram.
    Send {
        /// Destination.
        to: SocketAddr,
        /// Contents.
        bytes: Vec<u8>,
    },
    /// Connect, write `bytes`, then read one message if `reply` and close. Report with `Input::Stream` or
    /// `Input::StreamFailed`; with `reply: false` report failures only.
    Open {
        /// How to refer to it.
        stream: StreamId,
        /// Destination.
        to: SocketAddr,
        /// What to write.
        bytes: Vec<u8>,
        /// Whether an answer is awaited.
        reply: bool,
        /// When to give up the whole exchange.
        deadline: Instant,
    },
    /// Write `bytes` on an inbound stream, then close it.
    Answer {
        /// The connection.
        stream: StreamId,
        /// What to write.
        bytes: Vec<u8>,
    },
    /// Close a stream without a word.
    Close {
        /// The connection.
        stream: StreamId,
    },
    /// Something happened to the membership.
    Event(Event),
}

/// Why a member is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GoneWhy {
    /// It said so itself.
    Left,
    /// Others found it dead.
    Failed,
}

/// What the layer above must know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A node is alive that was unknown, dead or left. Includes ourselves, once, first of all.
    Joined(Arc<Announcement>),
    /// An alive node changed its meta, its versions or its address.
    Updated(Arc<Announcement>),
    /// A node died or left; ourselves too, when we leave. A node that failed and turns out to have left is told twice.
    Gone {
        /// Node name.
        name: String,
        /// By itself or not.
        why: GoneWhy,
    },
    /// A direct ping was answered in time, with a payload of the layer above.
    Measured {
        /// Who answered.
        name: Arc<str>,
        /// How long it took.
        round_trip: Duration,
        /// What the ack carried.
        payload: Vec<u8>,
    },
    /// A node is suspected: its probes fail here or there. Not yet gone.
    Suspected {
        /// The accused.
        name: String,
        /// The accuser.
        by: String,
    },
    /// A member accuses a node that left, or that is unknown here. Whoever knows that it left answers the accuser with its
    /// own word for it, and then with [`Swim::tell_left`](crate::Swim::tell_left). Told at most once per pair and a few
    /// seconds.
    GoneAccused {
        /// The accused.
        name: String,
        /// The life it is accused in.
        incarnation: u32,
        /// The accuser.
        by: String,
        /// Where the accuser is.
        at: SocketAddr,
    },
    /// A member answers pings on streams and none by datagram: something between us swallows them. Told at most once a
    /// minute per member.
    StreamsOnly {
        /// The member.
        name: String,
        /// Where it is.
        at: SocketAddr,
    },
    /// Somebody announces a known name at another address, while the holder answers or is ourselves. Told at most once a
    /// minute per name.
    Conflict {
        /// The name.
        name: String,
        /// Where the holder is.
        holder: SocketAddr,
        /// Where the claim comes from.
        claimant: SocketAddr,
        /// Whether somebody there answers to the name: if not, the announcement is old or forged.
        claimant_answers: bool,
    },
    /// A name was taken over at another address, since the old one no longer answers.
    Moved {
        /// The name.
        name: String,
        /// Where its holder was.
        from: SocketAddr,
        /// Where it is now.
        to: SocketAddr,
    },
    /// A user message (Serf's type byte first).
    User(Vec<u8>),
    /// A push/pull needs Serf's state: answer with [`Swim::supply_state`](crate::Swim::supply_state) before the next
    /// input.
    StateWanted {
        /// The exchange.
        stream: StreamId,
        /// Its join flag.
        join: bool,
        /// Whether the peer is to hear of nobody but us.
        only_us: bool,
    },
    /// Serf's state from a peer. Comes *after* the membership events of the same exchange's nodes.
    StateReceived {
        /// Whether the exchange is a join, as this side meant it.
        join: bool,
        /// The bytes.
        state: Vec<u8>,
    },
    /// An exchange we began is done.
    Synced {
        /// The exchange, as returned by [`Swim::join`](crate::Swim::join) or chosen by the core.
        stream: StreamId,
        /// The other end.
        with: SocketAddr,
        /// Whether it was a join.
        join: bool,
    },
    /// An exchange failed; our state is as before.
    SyncFailed {
        /// The exchange.
        stream: StreamId,
        /// In words: what the peer said or what the stream reported.
        reason: String,
        /// Whether it was a join.
        join: bool,
    },
    /// A broadcast has used up its transmissions, or was replaced by a newer one.
    BroadcastDone(Ticket),
    /// Our own leave has been told: its broadcast is done, or nobody else is alive.
    LeaveTold,
    /// A peer's bytes were refused; for a rate-limited log line.
    Refused {
        /// The peer.
        from: SocketAddr,
        /// Why.
        reason: String,
    },
}

/// Serf's three queues, served in this order after memberlist's own broadcasts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum UserQueue {
    /// Join and leave intents.
    Intents,
    /// Queries.
    Queries,
    /// User events.
    Events,
}
