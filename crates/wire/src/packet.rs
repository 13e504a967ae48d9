//! Datagrams: what wraps messages on UDP.
//!
//! Innermost first: messages, [compound](pack), compression, CRC. Unwrapping recurses (a compound in a compound is
//! legal), bounded in depth and in decompressed bytes.

use crate::DecodeError;
use crate::compress;
use crate::memberlist::{Message, kind};
use alloc::vec::Vec;

/// Plain bytes a gossip datagram may carry before CRC: memberlist's UDP budget.
pub const BUDGET: usize = 1400;
/// Bytes a part of a compound costs beyond its own length.
pub const PART_OVERHEAD: usize = 2;
/// Bytes a compound costs beyond its parts: type and count.
pub const COMPOUND_OVERHEAD: usize = 2;
/// Most parts in one compound; the count is one byte, and the reference wraps it.
pub const PARTS_MAX: usize = 255;

/// Most bytes all compressed parts of one datagram may decompress to: as much as a datagram could hold uncompressed.
pub const PLAIN_BYTES_MAX: usize = 64 << 10;
/// Deepest nesting of compounds and compression we follow. The reference sends two layers and sets no bound.
pub const DEPTH_MAX: usize = 8;

/// Unwraps a datagram and hands every leaf message, in order, to `each`; an unreadable part is handed over as the error
/// and does not stop the parts around it. Returns an error when the datagram as a whole cannot be read.
///
/// A visitor instead of an iterator, because messages borrow from buffers that live only while their layer is open.
pub fn unwrap(
    bytes: &[u8],
    each: &mut dyn FnMut(Result<Message<'_>, DecodeError>),
) -> Result<(), DecodeError> {
    let message = match bytes {
        [kind::HAS_CRC, rest @ ..] => check_crc(rest)?,
        plain => plain,
    };
    let mut plain_bytes_left = PLAIN_BYTES_MAX;
    open_layer(message, DEPTH_MAX, &mut plain_bytes_left, each)
}

/// The message behind a CRC, whose type byte is already consumed.
fn check_crc(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let (expected, message) = bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
    if crc32fast::hash(message) == u32::from_be_bytes(*expected) {
        Ok(message)
    } else {
        Err(DecodeError::Checksum)
    }
}

fn open_layer(
    bytes: &[u8],
    depth_left: usize,
    plain_bytes_left: &mut usize,
    each: &mut dyn FnMut(Result<Message<'_>, DecodeError>),
) -> Result<(), DecodeError> {
    let (&first, body) = bytes.split_first().ok_or(DecodeError::Truncated)?;
    if first != kind::COMPOUND && first != kind::COMPRESS {
        each(Ok(Message::decode(bytes)?));
        return Ok(());
    }
    let depth_left =
        depth_left.checked_sub(1).ok_or(DecodeError::TooLarge { what: "nesting", limit: DEPTH_MAX })?;
    if first == kind::COMPRESS {
        let plain = compress::open(body, plain_bytes_left)?;
        return open_layer(&plain, depth_left, plain_bytes_left, each);
    }
    for part in parts(body)? {
        if let Err(error) = part.and_then(|part| open_layer(part, depth_left, plain_bytes_left, each)) {
            each(Err(error));
        }
    }
    Ok(())
}

/// The parts of a compound: a count, that many lengths of two bytes, then the parts back to back. A short tail costs the
/// parts it cuts, and one error says so.
fn parts(body: &[u8]) -> Result<impl Iterator<Item = Result<&[u8], DecodeError>>, DecodeError> {
    let (&count, rest) = body.split_first().ok_or(DecodeError::Truncated)?;
    let lengths_bytes = usize::from(count) * PART_OVERHEAD;
    let (lengths, mut rest) = rest.split_at_checked(lengths_bytes).ok_or(DecodeError::Truncated)?;
    let (lengths, _) = lengths.as_chunks();
    let mut cut = false;
    Ok(lengths.iter().map_while(move |&length| {
        if cut {
            return None;
        }
        let Some((part, after)) = rest.split_at_checked(usize::from(u16::from_be_bytes(length))) else {
            cut = true;
            return Some(Err(DecodeError::Truncated));
        };
        rest = after;
        Some(Ok(part))
    }))
}

/// How to wrap outgoing datagrams.
#[derive(Clone, Copy, Debug)]
pub struct Wrap {
    /// Compress when that makes it smaller.
    pub compress: bool,
    /// Prefix a CRC: only for receivers that understand memberlist version 5.
    pub crc: bool,
}

/// One datagram from already encoded messages (at least one, at most [`PARTS_MAX`]): bare when single, else a compound.
///
/// A part over 65,535 bytes, which no datagram could carry, is left out of a compound, and so are parts beyond the
/// 255th: both are the caller's mistake, and the rest is still worth sending.
pub fn pack(parts: &[Vec<u8>], wrap: Wrap) -> Vec<u8> {
    let plain = match parts {
        [single] => single.clone(),
        many => compound(many),
    };
    let message = Some(&plain)
        .filter(|_| wrap.compress)
        .map(|plain| compress::seal(plain))
        .filter(|compressed| compressed.len() < plain.len())
        .unwrap_or(plain);
    if !wrap.crc {
        return message;
    }
    let mut datagram = Vec::with_capacity(1 + size_of::<u32>() + message.len());
    datagram.push(kind::HAS_CRC);
    datagram.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    datagram.extend_from_slice(&message);
    datagram
}

fn compound(parts: &[Vec<u8>]) -> Vec<u8> {
    debug_assert!(parts.len() <= PARTS_MAX, "the count is one byte");
    let mut count = 0;
    let (mut lengths, mut bodies) = (Vec::new(), Vec::new());
    for part in parts.iter().take(PARTS_MAX) {
        let Ok(length) = u16::try_from(part.len()) else { continue };
        count += 1;
        lengths.extend_from_slice(&length.to_be_bytes());
        bodies.extend_from_slice(part);
    }
    let mut out = Vec::with_capacity(COMPOUND_OVERHEAD + lengths.len() + bodies.len());
    out.extend_from_slice(&[kind::COMPOUND, count]);
    out.append(&mut lengths);
    out.append(&mut bodies);
    out
}

#[cfg(test)]
mod tests;
