//! The PROXY protocol: what a balancer in front says of a client before the client's own bytes.
//!
//! ```text
//! PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n      version 1: one line, at most 107 bytes
//! \r\n\r\n\0\r\nQUIT\n  21 11 000c  ADDRESSES TLVs      version 2: binary, its length in it
//! ```
//!
//! [`read`] looks at the first bytes of a connection and says how many of them are the header; [`write`] makes one. Sections
//! named here are those of HAProxy's `doc/proxy-protocol.txt`. Whoever can send a header can claim any address: it may be
//! read only from those who are known to send true ones.
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod v1;
mod v2;

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

/// No header that is read is longer. Addresses take 216 bytes at most; the rest is for what senders attach (TLVs), of which a
/// client's certificate is the longest.
pub const LENGTH_MAX: usize = 4096;

/// What a header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Header {
    /// The sender speaks for itself, as for a health check: the connection's own addresses hold.
    Local,
    /// The sender does not know, or what it knows is no TCP over IP: likewise.
    Unknown,
    /// It passes a client on.
    From {
        /// The client.
        source: SocketAddr,
        /// Where the client connected to.
        destination: SocketAddr,
    },
}

/// What the first bytes of a connection are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Read {
    /// A header so far, and every byte of it: more must come.
    Partial,
    /// A header of this many bytes. The client's own begin behind it.
    Whole(Header, usize),
}

/// Why the first bytes of a connection are no header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// They begin like none.
    #[error("it does not begin with a PROXY header")]
    None,
    /// A line of version 1 that is not as section 2.1 has it.
    #[error("its PROXY line cannot be read")]
    Line,
    /// A version other than 2, or a command that nobody knows (section 2.2).
    #[error("its PROXY header is of an unknown version or command")]
    Version,
    /// A family or protocol that nobody knows, or addresses cut short (section 2.2).
    #[error("its PROXY header has addresses that cannot be read")]
    Addresses,
    /// Longer than [`LENGTH_MAX`].
    #[error("its PROXY header is longer than {LENGTH_MAX} bytes")]
    TooLong,
}

/// The two forms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}

/// Reads the header that `bytes` begin with. Nothing is kept: ask again with all of them when there are more.
///
/// # Errors
/// [`Refused`], as soon as that is certain. There is no way to go on then.
pub fn read(bytes: &[u8]) -> Result<Read, Refused> {
    let begins = |with: &[u8]| bytes.iter().zip(with).all(|(byte, with)| byte == with);
    if begins(v2::SIGNATURE) {
        v2::read(bytes)
    } else if begins(v1::BEGIN) {
        v1::read(bytes)
    } else {
        Err(Refused::None)
    }
}

/// The bytes of a header, at most 107.
pub fn write(version: Version, header: &Header) -> Vec<u8> {
    match version {
        Version::V1 => v1::write(header),
        Version::V2 => v2::write(header),
    }
}

/// Both addresses in one family: IPv4 when both are, also when they are written as IPv6.
fn alike(source: SocketAddr, destination: SocketAddr) -> (IpAddr, IpAddr) {
    match (source.ip().to_canonical(), destination.ip().to_canonical()) {
        (IpAddr::V4(source), IpAddr::V6(destination)) => (source.to_ipv6_mapped().into(), destination.into()),
        (IpAddr::V6(source), IpAddr::V4(destination)) => (source.into(), destination.to_ipv6_mapped().into()),
        alike => alike,
    }
}

#[cfg(test)]
mod tests;
