//! A member's address exactly as its owner announced it.

use crate::DecodeError;
use crate::msgpack::{Decode, Encode, Reader, Writer};
use core::net::{IpAddr, Ipv6Addr};

const UNUSABLE: DecodeError = DecodeError::Msgpack("an address must have 4 or 16 bytes");

/// 4 or 16 address bytes, kept verbatim.
///
/// The reference compares addresses as raw bytes, so `10.0.0.1` and `::ffff:10.0.0.1` *conflict* there; re-announcing
/// one in the other form would start that conflict. Equality here is equality of bytes; [`RawAddr::ip`] normalises, and is
/// only for opening sockets and for showing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RawAddr {
    /// Four bytes, network order.
    V4([u8; 4]),
    /// Sixteen bytes, network order; may be an IPv4-mapped address.
    V16([u8; 16]),
}

impl RawAddr {
    /// The address announced as `bytes`; `None` unless there are 4 or 16 of them.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if let Ok(four) = bytes.try_into() {
            Some(Self::V4(four))
        } else {
            bytes.try_into().ok().map(Self::V16)
        }
    }

    /// The bytes to put on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::V4(bytes) => bytes,
            Self::V16(bytes) => bytes,
        }
    }

    /// The address to open a socket to: IPv4-mapped forms become IPv4.
    pub fn ip(&self) -> IpAddr {
        match *self {
            Self::V4(bytes) => IpAddr::from(bytes),
            Self::V16(bytes) => Ipv6Addr::from(bytes).to_canonical(),
        }
    }
}

impl From<IpAddr> for RawAddr {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => Self::V4(v4.octets()),
            IpAddr::V6(v6) => Self::V16(v6.octets()),
        }
    }
}

impl<'a> Decode<'a> for RawAddr {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Self::from_bytes(reader.raw()?).ok_or(UNUSABLE)
    }
    fn absent() -> Result<Self, DecodeError> {
        Err(UNUSABLE)
    }
}

impl Encode for RawAddr {
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.bytes(self.as_bytes());
    }
}
