//! Whole values out of bytes as they arrive.

use alloc::vec::Vec;
use muster_wire::DecodeError;
use muster_wire::msgpack::Extent;

/// The bytes of a connection that are not read yet. Push what arrives, then take values until there are none.
///
/// Holds at most one unfinished value, which has at most `bytes_max` bytes, and what the last push brought.
#[derive(Debug)]
pub struct Values {
    buffer: Vec<u8>,
    /// Where the next value begins.
    start: usize,
    end: Extent,
    bytes_max: usize,
}

impl Values {
    /// None yet. A longer value than `bytes_max` is an error as soon as it says so.
    pub fn new(bytes_max: usize) -> Self {
        Self { buffer: Vec::new(), start: 0, end: Extent::new(0, 1, bytes_max), bytes_max }
    }

    /// Adds what arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            // What is left begins a value that is not whole, so this moves and looks at it once more, and no oftener.
            self.buffer.drain(..self.start);
            self.start = 0;
            self.end = Extent::new(0, 1, self.bytes_max);
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next value, if it is whole.
    ///
    /// # Errors
    /// It is too long, or no value at all: nothing behind it can be understood, for ever.
    // Not an iterator: what it gives is borrowed from it.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Result<Option<&[u8]>, DecodeError> {
        let Some(end) = self.end.advance(&self.buffer)? else { return Ok(None) };
        let start = core::mem::replace(&mut self.start, end);
        self.end = Extent::new(end, 1, end.saturating_add(self.bytes_max));
        Ok(self.buffer.get(start..end))
    }

    /// Whether nothing waits: what was pushed is taken, and no value has begun.
    pub fn is_empty(&self) -> bool {
        self.start == self.buffer.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn taken(values: &mut Values) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| values.next().unwrap().map(<[u8]>::to_vec)).collect()
    }

    proptest! {
        #[test]
        fn values_come_out_whole_however_they_were_cut(
            texts in prop::collection::vec("[a-z]{0,40}", 1..20), cut in 1_usize..50,
        ) {
            let written: Vec<Vec<u8>> = texts.iter().map(|text| {
                let mut out = Vec::new();
                crate::write(&text.as_str(), &mut out);
                out
            }).collect();
            let mut values = Values::new(100);
            let mut read = Vec::new();
            for piece in written.concat().chunks(cut) {
                values.push(piece);
                read.extend(taken(&mut values));
            }
            prop_assert!(values.is_empty());
            prop_assert_eq!(read, written);
        }
    }

    #[test]
    fn a_value_that_says_it_is_too_long_is_refused_before_it_comes() {
        let mut values = Values::new(16);
        values.push(b"\x01\xc6\x7f\xff\xff\xff");
        assert_eq!(values.next(), Ok(Some(&b"\x01"[..])));
        assert!(matches!(values.next(), Err(DecodeError::TooLarge { limit: 17, .. })));
    }

    #[test]
    fn nesting_costs_nothing_and_ends_at_the_bound() {
        let mut values = Values::new(1 << 16);
        values.push(&[0x91; 1 << 16]);
        assert_eq!(values.next(), Ok(None));
        values.push(&[0x91; 2]);
        assert!(values.next().is_err());
    }
}
