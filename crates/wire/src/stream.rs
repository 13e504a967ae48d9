//! TCP: one request and at most one reply per connection.
//!
//! Neither side half-closes and a plain stream has no length prefix, so the end of a message is found by reading it:
//! [`Scanner`] watches a growing buffer and says when it holds a whole message. [`Inbound::decode`] then reads it.

use crate::DecodeError;
use crate::memberlist::{Message, PushPullNode};
use alloc::vec::Vec;

/// Most bytes one inbound stream may occupy, compressed or not.
pub const MESSAGE_BYTES_MAX: usize = 8 << 20;
/// Most nodes in one push/pull (new memberlist's own bound).
pub const NODES_MAX: usize = 1 << 20;

/// Finds the end of the first message of a stream, in steps, without reading any byte twice.
#[derive(Debug, Default)]
pub struct Scanner {}

impl Scanner {
    /// A scanner at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at `buffer`, which holds everything received so far. `Ok(Some(n))`: the first `n` bytes are one whole
    /// message. `Ok(None)`: read more. Errors are final.
    pub fn scan(&mut self, buffer: &[u8]) -> Result<Option<usize>, DecodeError> {
        let _ = buffer;
        todo!()
    }
}

/// A push/pull as received: nodes are read one by one, so a hostile one can be skipped alone.
#[derive(Clone, Copy, Debug)]
pub struct PushPull<'a> {
    /// The explicit-join flag; only a request's counts.
    pub join: bool,
    /// Serf's state: its type byte 2, then the map.
    pub user_state: &'a [u8],
    #[allow(dead_code, reason = "read by nodes()")]
    nodes: &'a [u8],
}

impl<'a> PushPull<'a> {
    /// The nodes, in the sender's order. After an unreadable one the next is still found when its extent was clear.
    pub fn nodes(&self) -> impl Iterator<Item = Result<PushPullNode<'a>, DecodeError>> {
        core::iter::empty()
    }
}

/// A whole message from a stream.
#[derive(Clone, Copy, Debug)]
pub enum Inbound<'a> {
    /// Ping, ack, err or user message (the user header is consumed).
    Message(Message<'a>),
    /// Full state exchange.
    PushPull(PushPull<'a>),
}

impl<'a> Inbound<'a> {
    /// Reads the message that [`Scanner`] found. `plain` is scratch space for decompression.
    pub fn decode(bytes: &'a [u8], plain: &'a mut Vec<u8>) -> Result<Self, DecodeError> {
        let _ = (bytes, plain);
        todo!()
    }
}

/// A single message (ping, ack, err) for a stream; streams compress unconditionally when compression is on.
pub fn encode_message(message: &Message<'_>, compress: bool) -> Vec<u8> {
    let _ = (message, compress);
    todo!()
}

/// A push/pull for a stream.
pub fn encode_push_pull<'a>(
    join: bool,
    nodes: impl ExactSizeIterator<Item = PushPullNode<'a>>,
    user_state: &[u8],
    compress: bool,
) -> Vec<u8> {
    let _ = (join, nodes, user_state, compress);
    todo!()
}

/// A Serf message sent over TCP (user header, then the bytes).
pub fn encode_user(message: &[u8], compress: bool) -> Vec<u8> {
    let _ = (message, compress);
    todo!()
}
