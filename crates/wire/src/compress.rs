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
    lzw::decompress(compressed(body)?, bytes_left)
}

/// The compressed bytes inside an envelope whose type byte is already consumed.
pub(crate) fn compressed(body: &[u8]) -> Result<&[u8], DecodeError> {
    let envelope: Compressed<'_> = Reader::new(body).value()?;
    match envelope.algorithm {
        LZW => Ok(envelope.buffer),
        _ => Err(DecodeError::Compression("unknown algorithm")),
    }
}

/// `message` in an envelope, type byte first, whether or not that is smaller.
pub(crate) fn seal(message: &[u8]) -> Vec<u8> {
    let mut out = lzw::compress(message);
    // The envelope is put around what may be megabytes: everything but the bytes themselves, which come last in it.
    let mut envelope = Vec::from([kind::COMPRESS]);
    Writer::new(Dialect::Gossip, &mut envelope).value(&Compressed { algorithm: LZW, buffer: &out });
    envelope.truncate(envelope.len() - out.len());
    out.splice(..0, envelope);
    out
}
