//! Serf's messages: one type byte, then one msgpack map. They travel inside memberlist's user messages, in the user
//! state of a push/pull, and inside query payloads.

use crate::DecodeError;
use alloc::vec::Vec;

/// The type byte of each message.
#[allow(missing_docs, reason = "the names are Serf's own")]
pub mod kind {
    pub const LEAVE: u8 = 0;
    pub const JOIN: u8 = 1;
    pub const PUSH_PULL: u8 = 2;
    pub const USER_EVENT: u8 = 3;
    pub const QUERY: u8 = 4;
    pub const QUERY_RESPONSE: u8 = 5;
    pub const CONFLICT_RESPONSE: u8 = 6;
    pub const KEY_REQUEST: u8 = 7;
    pub const KEY_RESPONSE: u8 = 8;
    pub const RELAY: u8 = 9;
}

/// "This node is leaving": sent by the node itself, or about a failed one by an operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeaveIntent<'a> {
    /// Lamport time of the member clock.
    pub ltime: u64,
    /// Who leaves.
    pub node: &'a str,
    /// Forget the node at once.
    pub prune: bool,
}

/// "This node is joining."
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JoinIntent<'a> {
    /// Lamport time of the member clock.
    pub ltime: u64,
    /// Who joins.
    pub node: &'a str,
}

/// A user event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UserEvent<'a> {
    /// Lamport time of the event clock.
    pub ltime: u64,
    /// Event name.
    pub name: &'a str,
    /// `None` is nil on the wire.
    pub payload: Option<&'a [u8]>,
    /// Whether handlers may coalesce it.
    pub coalesce: bool,
}

/// A message read from gossip. Only what somebody here acts on is decoded into a struct of its own in this enum; the
/// rest of Serf's messages have decoders beside it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each variant carries the struct of its name")]
pub enum Message<'a> {
    Leave(LeaveIntent<'a>),
    Join(JoinIntent<'a>),
    UserEvent(UserEvent<'a>),
    Query(Query<'a>),
    QueryResponse(QueryResponse<'a>),
    Relay(Relay<'a>),
}

impl<'a> Message<'a> {
    /// Reads one message, Serf's type byte first.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let _ = bytes;
        todo!()
    }
    /// Appends the message, Serf's type byte first (without memberlist's type 8).
    pub fn encode(&self, out: &mut Vec<u8>) {
        let _ = out;
        todo!()
    }
}

/// A query, asked of all members that pass its filters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query<'a> {
    /// Lamport time of the query clock.
    pub ltime: u64,
    /// Random, 31 bits; with `ltime` names the query.
    pub id: u32,
    /// Where answers go.
    pub addr: Option<crate::RawAddr>,
    /// Port of `addr`.
    pub port: u16,
    /// The asker's name.
    pub source_node: &'a str,
    /// Undecoded filters: see [`Filter::decode`].
    pub filters: Vec<&'a [u8]>,
    /// Bit 0: acks wanted; bit 1: do not pass on.
    pub flags: u32,
    /// How many members relay each answer.
    pub relay_factor: u8,
    /// How long answers count, in nanoseconds.
    pub timeout_ns: i64,
    /// Query name; `_serf_` names are internal.
    pub name: &'a str,
    /// `None` is nil on the wire.
    pub payload: Option<&'a [u8]>,
}

/// Whom a query is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Filter<'a> {
    /// Only nodes of these names.
    Nodes(Vec<&'a str>),
    /// Only nodes whose tag matches this (unanchored) expression.
    Tag {
        /// Tag name.
        tag: &'a str,
        /// Regular expression.
        expr: &'a str,
    },
}

/// An answer to a query, or the ack of its receipt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueryResponse<'a> {
    /// The query's Lamport time.
    pub ltime: u64,
    /// The query's id.
    pub id: u32,
    /// Who answers.
    pub from: &'a str,
    /// Bit 0: this is an ack.
    pub flags: u32,
    /// `None` is nil on the wire.
    pub payload: Option<&'a [u8]>,
}

/// A Serf message to pass on, byte for byte, to one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Relay<'a> {
    /// Destination address.
    pub addr: crate::RawAddr,
    /// Destination port.
    pub port: u16,
    /// Destination node name.
    pub node: &'a str,
    /// The message, Serf's type byte first.
    pub message: &'a [u8],
}

/// What Serf adds to a push/pull.
///
/// Lists of a hostile length are never allocated ahead: they are read as they come.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PushPullState<'a> {
    /// Member clock.
    pub ltime: u64,
    /// Per member, the Lamport time of its last accepted intent.
    pub status_ltimes: Vec<(&'a str, u64)>,
    /// Members known as left.
    pub left_members: Vec<&'a str>,
    /// Event clock.
    pub event_ltime: u64,
    /// Recent events; holes are skipped. Written as nil when empty, which the reference accepts.
    pub events: Vec<RecentEvents<'a>>,
    /// Query clock.
    pub query_ltime: u64,
}

/// The events of one Lamport time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecentEvents<'a> {
    /// Their time.
    pub ltime: u64,
    /// (name, payload) of each.
    pub events: Vec<(&'a str, Option<&'a [u8]>)>,
}

impl<'a> PushPullState<'a> {
    /// Reads the user state of a push/pull, Serf's type byte 2 first.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let _ = bytes;
        todo!()
    }
    /// The user state, type byte first.
    pub fn encode(&self) -> Vec<u8> {
        todo!()
    }
}
