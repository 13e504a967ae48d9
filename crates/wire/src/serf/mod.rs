//! Serf's messages: one type byte, then one msgpack map (messages.go). They travel inside memberlist's user messages, in
//! the user state of a push/pull, and inside query payloads.
//!
//! | file | messages |
//! |---|---|
//! | `intent` | leave, join |
//! | `event` | user event |
//! | `query` | query with its filters, response, relay |
//! | `state` | what Serf adds to a push/pull |
//! | `answer` | payloads of the internal queries: name conflicts and keys |
//! | `coordinate` | what Serf adds to memberlist's ack |

mod answer;
mod coordinate;
mod event;
mod intent;
mod query;
mod state;

pub use answer::{ConflictResponse, KeyRequest, KeyResponse, Member};
pub use coordinate::Coordinate;
pub use event::UserEvent;
pub use intent::{JoinIntent, LeaveIntent};
pub use query::{Filter, Query, QueryResponse, Relay};
pub use state::{PushPullState, RecentEvents};

use crate::DecodeError;
use crate::msgpack::{Dialect, Encode, Reader, Writer};
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

/// A message read from gossip. The push/pull state and what travels inside query payloads have decoders
/// of their own beside it.
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
    /// Reads one message, Serf's type byte first. Trailing bytes are ignored, as the reference does.
    ///
    /// # Errors
    /// Unreadable, or not a type that gossip carries.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (&kind, body) = bytes.split_first().ok_or(DecodeError::Truncated)?;
        let mut reader = Reader::new(body);
        Ok(match kind {
            kind::LEAVE => Self::Leave(reader.value()?),
            kind::JOIN => Self::Join(reader.value()?),
            kind::USER_EVENT => Self::UserEvent(reader.value()?),
            kind::QUERY => Self::Query(reader.value()?),
            kind::QUERY_RESPONSE => Self::QueryResponse(reader.value()?),
            kind::RELAY => Self::Relay(Relay::read(&mut reader)?),
            other => return Err(DecodeError::UnknownType(other)),
        })
    }

    /// Appends the message, Serf's type byte first (without memberlist's type 8).
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Leave(body) => write(kind::LEAVE, body, out),
            Self::Join(body) => write(kind::JOIN, body, out),
            Self::UserEvent(body) => write(kind::USER_EVENT, body, out),
            Self::Query(body) => write(kind::QUERY, body, out),
            Self::QueryResponse(body) => write(kind::QUERY_RESPONSE, body, out),
            Self::Relay(relay) => relay.write(out),
        }
    }
}

/// The map behind type byte `expected`.
fn body(bytes: &[u8], expected: u8) -> Result<Reader<'_>, DecodeError> {
    match bytes.split_first() {
        Some((&kind, body)) if kind == expected => Ok(Reader::new(body)),
        Some((&other, _)) => Err(DecodeError::UnknownType(other)),
        None => Err(DecodeError::Truncated),
    }
}

/// Type byte and map.
fn write(kind: u8, body: &impl Encode, out: &mut Vec<u8>) {
    out.push(kind);
    Writer::new(Dialect::Gossip, out).value(body);
}
