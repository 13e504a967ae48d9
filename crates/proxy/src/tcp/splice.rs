//! Bytes from one socket to another by the kernel alone, through a pipe (splice(2)).
//!
//! Worth it for streams: pages change hands and nothing is copied into this process. For a few bytes it costs calls instead of saving
//! any, so a direction begins to use it when it has read [`BLOCKS_BEFORE`] full blocks in a row. Pipes are few, since each takes two
//! descriptors; who gets none copies.

use crate::bounds;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// Full blocks in a row after which a direction carries a stream: 256 KiB.
pub(super) const BLOCKS_BEFORE: u32 = 4;

/// What a pipe is asked to hold, and so the most that one call moves. More gains little, and counts against the user's limit
/// (pipe-user-pages-soft, 64 MiB).
const PIPE_BYTES: usize = 256 * 1024;

thread_local! {
    /// Empty pipes.
    static FREE: RefCell<Vec<Pipe>> = const { RefCell::new(Vec::new()) };
    static OPEN: Cell<usize> = const { Cell::new(0) };
}

#[derive(Debug)]
struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = OPEN.try_with(|open| open.set(open.get().saturating_sub(1)));
    }
}

/// One direction that the kernel carries.
#[derive(Debug)]
pub(super) struct Splice {
    /// Until the end.
    pipe: Option<Pipe>,
    /// Bytes in the pipe.
    held: usize,
    has_ended: bool,
}

/// Which end failed.
pub(super) enum Failed {
    Source(io::Error),
    Target(io::Error),
}

impl Splice {
    /// `None` when there is no pipe to be had.
    pub(super) fn new() -> Option<Self> {
        let pipe = FREE.with_borrow_mut(Vec::pop).or_else(|| {
            if OPEN.get() >= bounds::PIPES_MAX {
                return None;
            }
            let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
            // As it is, when the user has used up what he may.
            let _ = fcntl_setpipe_size(&write, PIPE_BYTES);
            OPEN.set(OPEN.get() + 1);
            Some(Pipe { read, write })
        })?;
        Some(Self { pipe: Some(pipe), held: 0, has_ended: false })
    }

    /// Bytes in the pipe.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Moves what can be moved and adds it to `came`. Ready when the source has ended and the target has all.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &TcpStream,
        to: &TcpStream,
        came: &mut u64,
    ) -> Result<Poll<()>, Failed> {
        let Some(pipe) = &self.pipe else { return Ok(Poll::Ready(())) };
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        loop {
            while self.held > 0 {
                match to.poll_write_ready(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(cause)) => return Err(Failed::Target(cause)),
                    Poll::Pending => return Ok(Poll::Pending),
                }
                let held = self.held;
                let moved =
                    to.try_io(Interest::WRITABLE, || Ok(splice(&pipe.read, None, to, None, held, flags)?));
                match moved {
                    Ok(0) => return Err(Failed::Target(io::ErrorKind::WriteZero.into())),
                    Ok(count) => self.held -= count,
                    Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {}
                    Err(cause) => return Err(Failed::Target(cause)),
                }
            }
            if self.has_ended {
                return Ok(Poll::Ready(()));
            }
            match from.poll_read_ready(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(cause)) => return Err(Failed::Source(cause)),
                Poll::Pending => return Ok(Poll::Pending),
            }
            // The pipe is empty, so that it is the source which would block.
            let moved = from
                .try_io(Interest::READABLE, || Ok(splice(from, None, &pipe.write, None, PIPE_BYTES, flags)?));
            match moved {
                Ok(0) => self.has_ended = true,
                Ok(count) => {
                    self.held = count;
                    *came += count as u64;
                }
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {}
                Err(cause) => return Err(Failed::Source(cause)),
            }
        }
    }
}

impl Drop for Splice {
    fn drop(&mut self) {
        // One with bytes in it is of no use to others.
        if let Some(pipe) = self.pipe.take()
            && self.held == 0
        {
            let _ = FREE.try_with(|free| free.borrow_mut().push(pipe));
        }
    }
}
