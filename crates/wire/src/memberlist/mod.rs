//! memberlist's own messages: one type byte, then one msgpack map (net.go).
//!
//! | file | messages |
//! |---|---|
//! | `probe` | ping, indirect ping, ack, nack |
//! | `claim` | suspect, alive, dead, and a node in a push/pull |

mod claim;
mod probe;

pub use claim::{Alive, Dead, NodeState, PushPullNode, Suspect};
pub use probe::{Ack, IndirectPing, Nack, Ping, Source};

use crate::DecodeError;
use crate::msgpack::{Dialect, Encode, Reader, Writer, record};
use alloc::vec::Vec;

/// The type byte of each message, the same on UDP and TCP.
#[allow(missing_docs, reason = "the names are memberlist's own")]
pub mod kind {
    pub const PING: u8 = 0;
    pub const INDIRECT_PING: u8 = 1;
    pub const ACK: u8 = 2;
    pub const SUSPECT: u8 = 3;
    pub const ALIVE: u8 = 4;
    pub const DEAD: u8 = 5;
    pub const PUSH_PULL: u8 = 6;
    pub const COMPOUND: u8 = 7;
    pub const USER: u8 = 8;
    pub const COMPRESS: u8 = 9;
    pub const ENCRYPT: u8 = 10;
    pub const NACK: u8 = 11;
    pub const HAS_CRC: u8 = 12;
    pub const ERR: u8 = 13;
    pub const HAS_LABEL: u8 = 244;
}

/// A refusal, as the only reply on a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ErrReply<'a> {
    /// The peer's words.
    pub error: &'a str,
}
record!(ErrReply<'a> { Error => error });

/// One leaf message of a datagram, or the single message of a short stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each variant carries the struct of its name")]
pub enum Message<'a> {
    Ping(Ping<'a>),
    IndirectPing(IndirectPing<'a>),
    Ack(Ack<'a>),
    Nack(Nack),
    Err(ErrReply<'a>),
    Suspect(Suspect<'a>),
    Alive(Alive<'a>),
    Dead(Dead<'a>),
    /// The bytes after type byte 8: a Serf message, beginning with Serf's own type byte.
    User(&'a [u8]),
}

impl<'a> Message<'a> {
    /// Reads one leaf message, type byte first. Trailing bytes are ignored, as the reference does.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (&kind, body) = bytes.split_first().ok_or(DecodeError::Truncated)?;
        let mut reader = Reader::new(body);
        Ok(match kind {
            kind::PING => Self::Ping(reader.value()?),
            kind::INDIRECT_PING => Self::IndirectPing(reader.value()?),
            kind::ACK => Self::Ack(reader.value()?),
            kind::NACK => Self::Nack(reader.value()?),
            kind::ERR => Self::Err(reader.value()?),
            kind::SUSPECT => Self::Suspect(reader.value()?),
            kind::ALIVE => Self::Alive(reader.value()?),
            kind::DEAD => Self::Dead(reader.value()?),
            kind::USER => Self::User(body),
            other => return Err(refusal(other)),
        })
    }

    /// Appends the message, type byte first, to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (kind, body): (u8, &dyn Encode) = match self {
            Self::Ping(body) => (kind::PING, body),
            Self::IndirectPing(body) => (kind::INDIRECT_PING, body),
            Self::Ack(body) => (kind::ACK, body),
            Self::Nack(body) => (kind::NACK, body),
            Self::Err(body) => (kind::ERR, body),
            Self::Suspect(body) => (kind::SUSPECT, body),
            Self::Alive(body) => (kind::ALIVE, body),
            Self::Dead(body) => (kind::DEAD, body),
            Self::User(message) => {
                out.push(kind::USER);
                return out.extend_from_slice(message);
            }
        };
        out.push(kind);
        Writer::new(Dialect::Gossip, out).value(body);
    }
}

/// Why a message of this type byte may not stand where it stands.
pub(crate) fn refusal(kind: u8) -> DecodeError {
    match kind {
        kind::ENCRYPT => DecodeError::Encrypted,
        kind::HAS_LABEL => DecodeError::Labelled,
        other => DecodeError::UnknownType(other),
    }
}
