//! Datagrams: what wraps messages on UDP.
//!
//! Innermost first: messages, [compound](pack), compression, CRC. Unwrapping recurses (a compound in a compound is
//! legal), bounded in depth and in decompressed bytes.

use crate::DecodeError;
use crate::memberlist::Message;
use alloc::vec::Vec;

/// Plain bytes a gossip datagram may carry before CRC: memberlist's UDP budget.
pub const BUDGET: usize = 1400;
/// Bytes a part of a compound costs beyond its own length.
pub const PART_OVERHEAD: usize = 2;
/// Bytes a compound costs beyond its parts: type and count.
pub const COMPOUND_OVERHEAD: usize = 2;
/// Most parts in one compound; the count is one byte, and the reference wraps it.
pub const PARTS_MAX: usize = 255;

/// Unwraps a datagram and hands every leaf message, in order, to `each`; an unreadable part is handed over as the error
/// and does not stop the parts around it. Returns an error when the datagram as a whole cannot be read.
///
/// A visitor instead of an iterator, because messages borrow from buffers that live only while their layer is open.
pub fn unwrap(
    bytes: &[u8],
    each: &mut dyn FnMut(Result<Message<'_>, DecodeError>),
) -> Result<(), DecodeError> {
    let _ = (bytes, each);
    todo!()
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
pub fn pack(parts: &[Vec<u8>], wrap: Wrap) -> Vec<u8> {
    let _ = (parts, wrap);
    todo!()
}
