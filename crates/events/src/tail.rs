//! The end of what a script prints: Serf keeps the last 8 KiB (invoke.go, `maxBufSize`), and so much is the answer to a query.

use alloc::vec::Vec;

/// Serf's `maxBufSize`.
pub const OUTPUT_BYTES_MAX: usize = 8 << 10;

/// The last [`OUTPUT_BYTES_MAX`] bytes of a stream.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tail {
    bytes: Vec<u8>,
    total: u64,
}

impl Tail {
    /// More came.
    pub fn push(&mut self, more: &[u8]) {
        self.total = self.total.saturating_add(more.len() as u64);
        let more = &more[more.len().saturating_sub(OUTPUT_BYTES_MAX)..];
        let excess = (self.bytes.len() + more.len()).saturating_sub(OUTPUT_BYTES_MAX);
        self.bytes.drain(..excess);
        self.bytes.extend_from_slice(more);
    }

    /// What is kept.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many came.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether some of them are not kept.
    pub fn is_cut(&self) -> bool {
        self.total > self.bytes.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bytes_are_kept() {
        let all: Vec<u8> = (0..30_000_u32).map(|nth| u8::try_from(nth % 251).unwrap()).collect();
        for piece in [1, 7, 4096, 8192, 10_000, 30_000] {
            let mut tail = Tail::default();
            all.chunks(piece).for_each(|piece| tail.push(piece));
            assert_eq!(tail.bytes(), &all[all.len() - OUTPUT_BYTES_MAX..], "{piece}");
            assert!(tail.is_cut() && tail.total() == 30_000);
        }
        let mut short = Tail::default();
        short.push(b"a");
        short.push(b"b");
        assert!(short.bytes() == b"ab" && !short.is_cut());
    }
}
