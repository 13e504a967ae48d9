//! A stream whose first bytes were read by somebody else, and whose frames are counted as they come.

use super::meter::Meter;
use crate::buffer::Buffer;
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// A client's stream.
#[derive(Debug)]
pub(super) struct Lead<S> {
    held: Buffer,
    stream: S,
    meter: Rc<RefCell<Meter>>,
}

impl<S> Lead<S> {
    /// `held` came from `stream` already.
    pub(super) fn new(held: Buffer, stream: S, meter: Rc<RefCell<Meter>>) -> Self {
        Self { held, stream, meter }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lead<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Nothing more is read of who asks for too much: whoever polls looks at the meter next.
        if self.meter.borrow().is_over() {
            return Poll::Pending;
        }
        let before = buf.filled().len();
        if self.held.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        } else {
            let count = self.held.bytes().len().min(buf.remaining());
            buf.put_slice(&self.held.bytes()[..count]);
            self.held.take(count);
        }
        self.meter.borrow_mut().see(&buf.filled()[before..], Instant::now());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lead<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
