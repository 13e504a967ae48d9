//! Version 2: binary (section 2.2).
//!
//! ```text
//! 12 bytes  signature
//!  1        version (2) << 4 | command: 0 LOCAL, 1 PROXY
//!  1        family << 4 | protocol: 0 unspecified; 1 IPv4, 2 IPv6, 3 Unix; 1 stream, 2 datagrams
//!  2        how many bytes follow, most significant first: addresses, then TLVs
//! ```

use crate::{Header, LENGTH_MAX, Read, Refused, alike};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

/// How every header begins: bytes that no other protocol takes for its own.
pub(crate) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, version and command, family and protocol, length.
const FIXED: usize = 16;

const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;

pub(crate) fn read(bytes: &[u8]) -> Result<Read, Refused> {
    let Some((&[command, family, high, low], rest)) =
        bytes.get(SIGNATURE.len()..).and_then(<[u8]>::split_first_chunk)
    else {
        return Ok(Read::Partial);
    };
    if !matches!(command, LOCAL | PROXY) {
        return Err(Refused::Version);
    }
    // "must be rejected as invalid by receivers".
    if family >> 4 > 3 || family & 0x0f > 2 {
        return Err(Refused::Addresses);
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    if FIXED + length > LENGTH_MAX {
        return Err(Refused::TooLong);
    }
    let Some(block) = rest.get(..length) else { return Ok(Read::Partial) };
    let header = match (command, family) {
        (LOCAL, _) => Header::Local,
        (_, TCP4) => pair::<4>(block).ok_or(Refused::Addresses)?,
        (_, TCP6) => pair::<16>(block).ok_or(Refused::Addresses)?,
        // Sockets in a file system, datagrams, unspecified: nothing that concerns a connection over IP.
        _ => Header::Unknown,
    };
    Ok(Read::Whole(header, FIXED + length))
}

/// Two addresses and two ports. What follows are TLVs, which are skipped.
fn pair<const N: usize>(block: &[u8]) -> Option<Header>
where
    [u8; N]: Into<IpAddr>,
{
    let (source, block) = block.split_first_chunk::<N>()?;
    let (destination, block) = block.split_first_chunk::<N>()?;
    let (source_port, block) = block.split_first_chunk()?;
    let (destination_port, _tlvs) = block.split_first_chunk()?;
    Some(Header::From {
        source: SocketAddr::new((*source).into(), u16::from_be_bytes(*source_port)),
        destination: SocketAddr::new((*destination).into(), u16::from_be_bytes(*destination_port)),
    })
}

pub(crate) fn write(header: &Header) -> Vec<u8> {
    let mut out = SIGNATURE.to_vec();
    match *header {
        Header::Local => out.extend([LOCAL, 0, 0, 0]),
        Header::Unknown => out.extend([PROXY, 0, 0, 0]),
        Header::From { source, destination } => {
            match alike(source, destination) {
                (IpAddr::V4(from), IpAddr::V4(to)) => {
                    out.extend([PROXY, TCP4, 0, 12]);
                    out.extend(from.octets());
                    out.extend(to.octets());
                }
                (from, to) => {
                    out.extend([PROXY, TCP6, 0, 36]);
                    out.extend(octets(from));
                    out.extend(octets(to));
                }
            }
            out.extend(source.port().to_be_bytes());
            out.extend(destination.port().to_be_bytes());
        }
    }
    out
}

fn octets(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}
