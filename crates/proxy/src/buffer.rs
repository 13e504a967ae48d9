//! Memory for bytes on their way, taken only while there are some.
//!
//! A connection that waits holds no memory: it borrows a block for one look at its socket and gives it back when nothing was
//! there. Blocks that are free are few, and the one given back last is taken first, since it is still in the processor's cache.

use crate::bounds;
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// How large each block is: the longest head fits, and large bodies take few calls; 64 KiB, which is what much is cut into, fit
/// with their head.
const BLOCK_BYTES: usize = bounds::HEAD_BYTES_MAX + 16 * 1024;

/// Free blocks kept by a thread: 5 MiB. More than these are made and freed as they are needed.
const FREE_MAX: usize = 64;

thread_local! {
    static FREE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Bytes that came from a connection and were not used yet.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    /// A whole block, or nothing.
    block: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.block[self.start..self.end]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The first `count` bytes are used.
    ///
    /// # Panics
    /// When there are fewer.
    pub(crate) fn take(&mut self, count: usize) {
        assert!(count <= self.end - self.start, "only bytes that are there can be used");
        self.start += count;
        if self.is_empty() {
            self.give_back();
        }
    }

    /// Reads once from `stream`, as much as there is room for; 0 is its end. With [`Poll::Pending`] nothing has changed.
    ///
    /// # Errors
    /// Those of the stream; and when there is no room: a block is as long as anything that must come whole, so who used all that
    /// can be used has room.
    pub(crate) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Poll<io::Result<usize>> {
        if self.block.is_empty() {
            self.block = FREE.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; BLOCK_BYTES]);
        } else if self.end == self.block.len() {
            self.block.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let mut room = ReadBuf::new(&mut self.block[self.end..]);
        if room.remaining() == 0 {
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        }
        let polled = Pin::new(stream).poll_read(cx, &mut room);
        let count = room.filled().len();
        self.end += count;
        if self.is_empty() {
            self.give_back();
        }
        ready!(polled)?;
        Poll::Ready(Ok(count))
    }

    fn give_back(&mut self) {
        (self.start, self.end) = (0, 0);
        let block = std::mem::take(&mut self.block);
        // At the end of a thread its list may be gone first; then the block is simply freed.
        let _ = FREE.try_with(|free| {
            let mut free = free.borrow_mut();
            if !block.is_empty() && free.len() < FREE_MAX {
                free.push(block);
            }
        });
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn fill(buffer: &mut Buffer, mut bytes: &[u8]) -> usize {
        let mut cx = Context::from_waker(Waker::noop());
        match buffer.poll_fill(&mut cx, &mut bytes) {
            Poll::Ready(Ok(count)) => count,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn memory_is_held_only_while_there_are_bytes() {
        let mut buffer = Buffer::default();
        assert_eq!(fill(&mut buffer, b"hello"), 5);
        buffer.take(2);
        assert_eq!(buffer.bytes(), b"llo");
        assert!(!buffer.block.is_empty());
        buffer.take(3);
        assert!(buffer.block.is_empty());
        assert_eq!(fill(&mut buffer, b""), 0, "the end");
        assert!(buffer.block.is_empty());
    }

    #[test]
    fn a_full_block_makes_room_of_what_was_used() {
        let mut buffer = Buffer::default();
        assert_eq!(fill(&mut buffer, &[1; 2 * BLOCK_BYTES]), BLOCK_BYTES);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(buffer.poll_fill(&mut cx, &mut [2].as_slice()), Poll::Ready(Err(_))));
        buffer.take(10);
        assert_eq!(fill(&mut buffer, &[2; 20]), 10);
        assert_eq!(buffer.bytes().len(), BLOCK_BYTES);
        assert_eq!(buffer.bytes()[BLOCK_BYTES - 11..], [[1].as_slice(), &[2; 10]].concat());
    }
}
