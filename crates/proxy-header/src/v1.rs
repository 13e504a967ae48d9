//! Version 1: a line of text (section 2.1).

use crate::{Header, Read, Refused, alike};
use alloc::format;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::str::FromStr;

/// How every line begins.
pub(crate) const BEGIN: &[u8] = b"PROXY ";

/// "a 108-byte buffer is always enough to store all the line and a trailing zero".
const LINE_MAX: usize = 107;

pub(crate) fn read(bytes: &[u8]) -> Result<Read, Refused> {
    let within = &bytes[..bytes.len().min(LINE_MAX)];
    let Some(end) = within.iter().position(|byte| *byte == b'\n') else {
        return if bytes.len() < LINE_MAX { Ok(Read::Partial) } else { Err(Refused::Line) };
    };
    let line = within[..end].strip_suffix(b"\r").and_then(|line| line.strip_prefix(BEGIN));
    let line = line.and_then(|line| core::str::from_utf8(line).ok());
    let header = line.and_then(header).ok_or(Refused::Line)?;
    Ok(Read::Whole(header, end + 1))
}

fn header(line: &str) -> Option<Header> {
    let (family, rest) = line.split_once(' ').unwrap_or((line, ""));
    match family {
        "TCP4" => addresses::<Ipv4Addr>(rest),
        "TCP6" => addresses::<Ipv6Addr>(rest),
        // "the receiver must ignore anything presented before the CRLF is found".
        "UNKNOWN" => Some(Header::Unknown),
        _ => None,
    }
}

fn addresses<A: FromStr + Into<IpAddr>>(text: &str) -> Option<Header> {
    let mut words = text.split(' ');
    let source: A = words.next()?.parse().ok()?;
    let destination: A = words.next()?.parse().ok()?;
    let (source_port, destination_port) = (port(words.next()?)?, port(words.next()?)?);
    let source = SocketAddr::new(source.into(), source_port);
    let destination = SocketAddr::new(destination.into(), destination_port);
    words.next().is_none().then_some(Header::From { source, destination })
}

/// Digits without a sign or leading zeros.
fn port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok())?
}

pub(crate) fn write(header: &Header) -> Vec<u8> {
    match *header {
        // There is no LOCAL in this version; "UNKNOWN" says as much.
        Header::Local | Header::Unknown => b"PROXY UNKNOWN\r\n".to_vec(),
        Header::From { source, destination } => {
            let (from, to) = alike(source, destination);
            let family = if from.is_ipv4() { "TCP4" } else { "TCP6" };
            let (from_port, to_port) = (source.port(), destination.port());
            format!("PROXY {family} {from} {to} {from_port} {to_port}\r\n").into_bytes()
        }
    }
}
