//! Asking a node whether it is there, directly or through another.

use crate::DecodeError;
use crate::RawAddr;
use crate::msgpack::{Decode, Encode, Reader, Writer, record};

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

record!(Ack<'a> { SeqNo => seq_no, Payload => payload as NilIfEmpty });

/// "I asked, and heard nothing."
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Nack {
    /// The indirect ping's number.
    pub seq_no: u32,
}

record!(Nack { SeqNo => seq_no });

/// memberlist net.go, `ping`: a [`Ping`] with its source spread over three keys.
struct PingFields<'a> {
    seq_no: u32,
    node: &'a str,
    source_addr: &'a [u8],
    source_port: u16,
    source_node: &'a str,
}
record!(PingFields<'a> {
    SeqNo => seq_no,
    Node => node,
    SourceAddr => source_addr as OmitIfEmpty,
    SourcePort => source_port as OmitIfEmpty,
    SourceNode => source_node as OmitIfEmpty,
});

/// memberlist net.go, `indirectPingReq`.
struct IndirectPingFields<'a> {
    seq_no: u32,
    target: RawAddr,
    port: u16,
    node: &'a str,
    nack: bool,
    source_addr: &'a [u8],
    source_port: u16,
    source_node: &'a str,
}
record!(IndirectPingFields<'a> {
    SeqNo => seq_no,
    Target => target,
    Port => port,
    Node => node,
    Nack => nack,
    SourceAddr => source_addr as OmitIfEmpty,
    SourcePort => source_port as OmitIfEmpty,
    SourceNode => source_node as OmitIfEmpty,
});

impl<'a> Source<'a> {
    /// The three keys as one; `None` when an answer could not be sent there.
    fn from_fields(addr: &[u8], port: u16, node: &'a str) -> Option<Self> {
        let addr = RawAddr::from_bytes(addr)?;
        (port != 0).then_some(Self { addr, port, node })
    }
}

impl<'a> Decode<'a> for Ping<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let wire: PingFields<'a> = reader.value()?;
        let source = Source::from_fields(wire.source_addr, wire.source_port, wire.source_node);
        Ok(Self { seq_no: wire.seq_no, node: wire.node, source })
    }
    fn absent() -> Result<Self, DecodeError> {
        Ok(Self { seq_no: 0, node: "", source: None })
    }
}

impl Encode for Ping<'_> {
    fn encode(&self, writer: &mut Writer<'_>) {
        let source = self.source.as_ref();
        writer.value(&PingFields {
            seq_no: self.seq_no,
            node: self.node,
            source_addr: source.map_or(&[], |source| source.addr.as_bytes()),
            source_port: source.map_or(0, |source| source.port),
            source_node: source.map_or("", |source| source.node),
        });
    }
}

impl<'a> Decode<'a> for IndirectPing<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let wire: IndirectPingFields<'a> = reader.value()?;
        let source = Source::from_fields(wire.source_addr, wire.source_port, wire.source_node);
        let IndirectPingFields { seq_no, target, port, node, nack, .. } = wire;
        Ok(Self { seq_no, target, port, node, nack, source })
    }
    fn absent() -> Result<Self, DecodeError> {
        Err(DecodeError::Msgpack("an indirect ping without a target"))
    }
}

impl Encode for IndirectPing<'_> {
    fn encode(&self, writer: &mut Writer<'_>) {
        let source = self.source.as_ref();
        writer.value(&IndirectPingFields {
            seq_no: self.seq_no,
            target: self.target,
            port: self.port,
            node: self.node,
            nack: self.nack,
            source_addr: source.map_or(&[], |source| source.addr.as_bytes()),
            source_port: source.map_or(0, |source| source.port),
            source_node: source.map_or("", |source| source.node),
        });
    }
}
