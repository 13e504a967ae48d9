//! Reading a whole message.

use super::{MESSAGE_BYTES_MAX, PushPullHeader, UserHeader};
use crate::DecodeError;
use crate::compress;
use crate::memberlist::{Message, PushPullNode, kind, refusal};
use crate::msgpack::Reader;
use alloc::vec::Vec;

/// A push/pull as received: nodes are read one by one, so a hostile one can be skipped alone.
#[derive(Clone, Copy, Debug)]
pub struct PushPull<'a> {
    /// The explicit-join flag; only a request's counts.
    pub join: bool,
    /// Serf's state: its type byte 2, then the map.
    pub user_state: &'a [u8],
    /// As many whole values as the header said.
    nodes: &'a [u8],
}

impl<'a> PushPull<'a> {
    /// The nodes, in the sender's order. An unreadable one is an error in its place and costs no other: where each ends
    /// was made sure of before.
    pub fn nodes(&self) -> impl Iterator<Item = Result<PushPullNode<'a>, DecodeError>> + use<'a> {
        let mut rest = Reader::new(self.nodes);
        core::iter::from_fn(move || {
            let start = rest.rest();
            if start.is_empty() {
                return None;
            }
            let node = rest.value();
            if node.is_err() {
                // Where it stopped is no matter: the next begins where this one ends.
                rest = Reader::new(start);
                rest.skip().ok()?;
            }
            Some(node)
        })
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
    /// Reads the message that [`Scanner`](super::Scanner) found. `plain` is scratch space for decompression, at most
    /// [`MESSAGE_BYTES_MAX`] of it.
    ///
    /// # Errors
    /// Unreadable as a whole. A push/pull is not when only some of its nodes are.
    pub fn decode(bytes: &'a [u8], plain: &'a mut Vec<u8>) -> Result<Self, DecodeError> {
        match bytes {
            [kind::COMPRESS, envelope @ ..] => {
                *plain = compress::open(envelope, &mut { MESSAGE_BYTES_MAX })?;
                // As in memberlist's readStream, compression is one layer: inside it is an unknown type.
                Self::decode_plain(plain)
            }
            _ => Self::decode_plain(bytes),
        }
    }

    fn decode_plain(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (&first, body) = bytes.split_first().ok_or(DecodeError::Truncated)?;
        let mut reader = Reader::new(body);
        match first {
            kind::PING | kind::ACK | kind::ERR => Message::decode(bytes).map(Self::Message),
            kind::USER => {
                let header: UserHeader = reader.value()?;
                let message = reader.take(header.message_bytes()?)?;
                Ok(Self::Message(Message::User(message)))
            }
            kind::PUSH_PULL => {
                let header: PushPullHeader = reader.value()?;
                let nodes = reader.skip_many(header.nodes()? as u64)?;
                let user_state = reader.take(header.user_state_bytes()?)?;
                Ok(Self::PushPull(PushPull { join: header.join, user_state, nodes }))
            }
            other => Err(refusal(other)),
        }
    }
}
