//! The compression envelope: type byte 9 around one whole message.

use crate::DecodeError;
use crate::lzw;
use crate::memberlist::kind;
use crate::msgpack::{Dialect, Reader, Writer, record};
use alloc::vec::Vec;

/// The only algorithm there is.
const LZW: u8 = 0;

/// memberlist net.go, `compress`.
struct Compressed<'a> {
    algorithm: u8,
    buffer: &'a [u8],
}
record!(Compressed<'a> { Algo => algorithm, Buf => buffer });

/// The message inside an envelope whose type byte is already consumed. It may take what `bytes_left` allows, and that is
/// lowered by what was decompressed, also when it turned out unreadable: the work was done.
pub(crate) fn open(body: &[u8], bytes_left: &mut usize) -> Result<Vec<u8>, DecodeError> {
    let envelope: Compressed<'_> = Reader::new(body).value()?;
    match envelope.algorithm {
        LZW => lzw::decompress(envelope.buffer, bytes_left),
        _ => Err(DecodeError::Compression("unknown algorithm")),
    }
}

/// `message` in an envelope, type byte first, whether or not that is smaller.
pub(crate) fn seal(message: &[u8]) -> Vec<u8> {
    let compressed = lzw::compress(message);
    let mut out = Vec::with_capacity(compressed.len() + 16);
    out.push(kind::COMPRESS);
    Writer::new(Dialect::Gossip, &mut out).value(&Compressed { algorithm: LZW, buffer: &compressed });
    out
}
