//! Questions to the cluster, the answers, and passing answers on when the direct way may be broken.

use super::{kind, write};
use crate::msgpack::{Reader, record};
use crate::{DecodeError, RawAddr};
use alloc::vec::Vec;

/// A query, asked of all members that pass its filters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query<'a> {
    /// Lamport time of the query clock.
    pub ltime: u64,
    /// Random, 31 bits; with `ltime` names the query.
    pub id: u32,
    /// Where answers go.
    pub addr: Option<RawAddr>,
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
record!(Query<'a> {
    LTime => ltime,
    ID => id,
    Addr => addr,
    Port => port,
    SourceNode => source_node,
    Filters => filters as NilIfEmpty,
    Flags => flags,
    RelayFactor => relay_factor,
    Timeout => timeout_ns,
    Name => name,
    Payload => payload,
});

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

/// First byte of a filter.
mod filter_kind {
    pub(super) const NODES: u8 = 0;
    pub(super) const TAG: u8 = 1;
}

/// Serf messages.go, `filterTag`.
struct FilterTag<'a> {
    tag: &'a str,
    expr: &'a str,
}
record!(FilterTag<'a> { Tag => tag, Expr => expr });

impl<'a> Filter<'a> {
    /// Reads one element of [`Query::filters`].
    ///
    /// # Errors
    /// Unreadable, or a kind unknown here. Such a query is not for this node, as in the reference, but is passed on.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (&kind, body) = bytes.split_first().ok_or(DecodeError::Truncated)?;
        let mut reader = Reader::new(body);
        match kind {
            filter_kind::NODES => reader.value().map(Self::Nodes),
            filter_kind::TAG => reader.value().map(|FilterTag { tag, expr }| Self::Tag { tag, expr }),
            other => Err(DecodeError::UnknownType(other)),
        }
    }

    /// One element for [`Query::filters`].
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match *self {
            Self::Nodes(ref names) => write(filter_kind::NODES, names, &mut out),
            Self::Tag { tag, expr } => write(filter_kind::TAG, &FilterTag { tag, expr }, &mut out),
        }
        out
    }
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
record!(QueryResponse<'a> { LTime => ltime, ID => id, From => from, Flags => flags, Payload => payload });

/// A Serf message to pass on, byte for byte, to one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Relay<'a> {
    /// Destination address.
    pub addr: RawAddr,
    /// Destination port.
    pub port: u16,
    /// Destination node name.
    pub node: &'a str,
    /// The message, Serf's type byte first.
    pub message: &'a [u8],
}

/// Go's `net.UDPAddr`.
struct UdpAddr<'a> {
    ip: RawAddr,
    port: u16,
    /// Names an interface of the sender's host for link-local addresses, so it means nothing here.
    zone: &'a str,
}
record!(UdpAddr<'a> { IP => ip, Port => port, Zone => zone });

/// Serf messages.go, `relayHeader`.
struct RelayHeader<'a> {
    dest_addr: UdpAddr<'a>,
    dest_name: &'a str,
}
record!(RelayHeader<'a> { DestAddr => dest_addr, DestName => dest_name });

impl<'a> Relay<'a> {
    /// The header map, then the message, whole and unread.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let RelayHeader { dest_addr, dest_name } = reader.value()?;
        Ok(Self { addr: dest_addr.ip, port: dest_addr.port, node: dest_name, message: reader.rest() })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let dest_addr = UdpAddr { ip: self.addr, port: self.port, zone: "" };
        write(kind::RELAY, &RelayHeader { dest_addr, dest_name: self.node }, out);
        out.extend_from_slice(self.message);
    }
}
