//! Taking the compression off a message, a piece at a time.

use super::MESSAGE_BYTES_MAX;
use crate::memberlist::{kind, refusal};
use crate::{DecodeError, compress, lzw};
use alloc::vec::Vec;

/// Expands a compressed message in pieces: whoever holds the result can account for each before it comes, and do other
/// work in between.
pub struct Expander<'a> {
    decoder: lzw::Decoder<'a>,
    bytes_left: usize,
}

impl<'a> Expander<'a> {
    /// Most bytes one step adds.
    pub const STEP_BYTES: usize = lzw::CHUNK_BYTES;

    /// For the message that [`Scanner`](super::Scanner) found; `None` if it is not compressed.
    ///
    /// # Errors
    /// An unreadable envelope.
    pub fn new(message: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        let [kind::COMPRESS, envelope @ ..] = message else { return Ok(None) };
        let decoder = lzw::Decoder::new(compress::compressed(envelope)?);
        Ok(Some(Self { decoder, bytes_left: MESSAGE_BYTES_MAX }))
    }

    /// Appends the next piece of the message to `plain`, which holds those before it; whether it is whole now.
    ///
    /// # Errors
    /// More than [`MESSAGE_BYTES_MAX`], damaged, or compressed twice: as in memberlist's readStream, compression is one
    /// layer.
    pub fn step(&mut self, plain: &mut Vec<u8>) -> Result<bool, DecodeError> {
        let whole = self.decoder.step(plain, &mut self.bytes_left).map_err(|error| match error {
            DecodeError::TooLarge { what, .. } => DecodeError::TooLarge { what, limit: MESSAGE_BYTES_MAX },
            other => other,
        })?;
        match plain.first() {
            Some(&kind::COMPRESS) => Err(refusal(kind::COMPRESS)),
            _ => Ok(whole),
        }
    }
}
