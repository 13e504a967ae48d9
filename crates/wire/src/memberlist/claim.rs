//! What nodes say about each other and about themselves: rumours, and the full state of a push/pull.

use crate::msgpack::{Decode, Encode, Reader, Writer, record};
use crate::{DecodeError, RawAddr, Versions};

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
record!(Suspect<'a> { Incarnation => incarnation, Node => node, From => from });

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
record!(Alive<'a> {
    Incarnation => incarnation,
    Node => node,
    Addr => addr,
    Port => port,
    Meta => meta,
    Vsn => versions,
});

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
record!(Dead<'a> { Incarnation => incarnation, Node => node, From => from });

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

impl<'a> Decode<'a> for NodeState {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        match reader.value::<u8>()? {
            0 => Ok(Self::Alive),
            1 => Ok(Self::Suspect),
            2 => Ok(Self::Dead),
            3 => Ok(Self::Left),
            _ => Err(DecodeError::Msgpack("no node state")),
        }
    }
    fn absent() -> Result<Self, DecodeError> {
        Ok(Self::Alive)
    }
}

impl Encode for NodeState {
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.value(&(*self as u8));
    }
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
record!(PushPullNode<'a> {
    Name => name,
    Addr => addr,
    Port => port,
    Meta => meta,
    Incarnation => incarnation,
    State => state,
    Vsn => versions,
});
