//! memberlist's own messages: one type byte, then one msgpack map.

use crate::{DecodeError, RawAddr, Versions};
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

/// Who asks, so that the answer reaches them through NAT and on multi-homed hosts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Source<'a> {
    /// Where to send the answer.
    pub addr: RawAddr,
    /// Port of the answer.
    pub port: u16,
    /// The asker's node name; may be empty.
    pub node: &'a str,
}

/// "Are you there?"
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ping<'a> {
    /// Chosen by the asker, repeated in the answer.
    pub seq_no: u32,
    /// Who is meant; empty means whoever listens. A ping for another name stays unanswered.
    pub node: &'a str,
    /// Absent when the sender left all three fields out, or the address or port is unusable.
    pub source: Option<Source<'a>>,
}

/// "Please ask that node for me."
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IndirectPing<'a> {
    /// Repeated in the forwarded ack or the nack.
    pub seq_no: u32,
    /// Address to ping.
    pub target: RawAddr,
    /// Port to ping; 0 means the receiver's own bind port.
    pub port: u16,
    /// Name of the node meant.
    pub node: &'a str,
    /// Whether the asker wants a nack when the target stays silent.
    pub nack: bool,
    /// Where the answer goes; the datagram's source otherwise.
    pub source: Option<Source<'a>>,
}

/// "I am here."
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ack<'a> {
    /// The ping's number.
    pub seq_no: u32,
    /// Serf's coordinate on direct UDP acks; empty (nil) on TCP and forwarded ones.
    pub payload: &'a [u8],
}

/// "I asked, and heard nothing."
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Nack {
    /// The indirect ping's number.
    pub seq_no: u32,
}

/// A refusal, as the only reply on a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ErrReply<'a> {
    /// The peer's words.
    pub error: &'a str,
}

/// An accusation: `from` got no answer from `node`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Suspect<'a> {
    /// The life of the accused that is meant.
    pub incarnation: u32,
    /// The accused.
    pub node: &'a str,
    /// The accuser.
    pub from: &'a str,
}

/// A node's own account of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alive<'a> {
    /// Only the node itself raises it.
    pub incarnation: u32,
    /// Node name.
    pub node: &'a str,
    /// Advertised address, verbatim.
    pub addr: RawAddr,
    /// Advertised port; 0 means the receiver's own bind port.
    pub port: u16,
    /// Serf's tags, opaque here.
    pub meta: &'a [u8],
    /// `None` when the sender gave fewer than six bytes.
    pub versions: Option<Versions>,
}

/// A verdict. `node == from` means the node left by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dead<'a> {
    /// The life that ended.
    pub incarnation: u32,
    /// Who is gone.
    pub node: &'a str,
    /// Who says so.
    pub from: &'a str,
}

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
        let _ = bytes;
        todo!()
    }

    /// Appends the message, type byte first, to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let _ = out;
        todo!()
    }
}

/// A node's state as push/pull tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "SWIM's own words")]
pub enum NodeState {
    Alive = 0,
    Suspect = 1,
    Dead = 2,
    Left = 3,
}

/// One node in a push/pull.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PushPullNode<'a> {
    /// Node name.
    pub name: &'a str,
    /// Advertised address, verbatim.
    pub addr: RawAddr,
    /// Advertised port; 0 means the receiver's own bind port.
    pub port: u16,
    /// Serf's tags, opaque here.
    pub meta: &'a [u8],
    /// The sender's view of the node's incarnation.
    pub incarnation: u32,
    /// The sender's view of the node's state.
    pub state: NodeState,
    /// `None` when the sender gave fewer than six bytes.
    pub versions: Option<Versions>,
}
