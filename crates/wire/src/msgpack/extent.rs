//! Where values end.
//!
//! To skip a value one need not know its shape, only how many values are still to come: an array of three adds three, a
//! map of three adds six. So there is no stack, nothing is allocated, and no nesting is too deep, whoever chose it.

use super::head::Head;
use crate::DecodeError;

/// Finds the end of one or more values in a growing buffer.
///
/// Each call goes on where the last one stopped, so the work is linear in the bytes however they were cut.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Offset of the next head; may lie beyond the buffer, inside bytes not yet received.
    at: usize,
    /// Values not yet entered.
    pending: u64,
    /// Largest offset allowed.
    limit: usize,
}

impl Extent {
    /// Looks for the end of `values` values that begin at offset `start`, and gives up beyond offset `limit`.
    pub fn new(start: usize, values: u64, limit: usize) -> Self {
        Self { at: start, pending: values, limit }
    }

    /// Looks at `buffer`, which must begin with the bytes seen before. The offset just behind the last value, or `None`
    /// until the buffer holds it.
    ///
    /// # Errors
    /// [`DecodeError::TooLarge`] as soon as the values are known to end beyond the limit, [`DecodeError::Msgpack`] at a
    /// byte that begins no value. Both are final.
    pub fn advance(&mut self, buffer: &[u8]) -> Result<Option<usize>, DecodeError> {
        while self.pending > 0 {
            // Short text and small numbers, which most values are, and which end within what was received.
            let short = match buffer.get(self.at) {
                Some(text @ 0xa0..=0xbf) => 1 + usize::from(text & 0x1f),
                Some(0..=0x7f) => 1,
                _ => 0,
            };
            if short > 0 && self.at + short <= self.limit.min(buffer.len()) {
                self.at += short;
                self.pending -= 1;
                continue;
            }
            let (head, head_bytes) = match Head::read(buffer.get(self.at..).unwrap_or_default()) {
                Ok(read) => read,
                Err(DecodeError::Truncated) => return Ok(None),
                Err(error) => return Err(error),
            };
            let end = self.at.saturating_add(head_bytes).saturating_add(head.body_bytes());
            if end > self.limit {
                return Err(DecodeError::TooLarge { what: "message bytes", limit: self.limit });
            }
            self.at = end;
            // Saturating is no lie: so many values exceed any limit in bytes first.
            self.pending = (self.pending - 1).saturating_add(head.children());
        }
        Ok((self.at <= buffer.len()).then_some(self.at))
    }
}
