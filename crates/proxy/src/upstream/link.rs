//! What an exchange reads and writes: a connection of its own, or a stream among others that looks like one.

use super::h2c::Translated;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// One backend, in HTTP/1.1.
#[derive(Debug)]
pub(crate) enum Link {
    /// It speaks that itself.
    Own(TcpStream),
    /// It speaks HTTP/2.
    Shared(Box<Translated>),
}

impl Link {
    /// Open, and nothing has come.
    pub(super) fn is_quiet(&self) -> bool {
        match self {
            Self::Own(stream) => {
                let read = stream.try_read(&mut [0]);
                matches!(read, Err(cause) if cause.kind() == io::ErrorKind::WouldBlock)
            }
            // It has served its one request.
            Self::Shared(_) => false,
        }
    }
}

impl AsyncRead for Link {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Own(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Shared(stream) => stream.poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Own(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Shared(stream) => stream.poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Own(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Shared(stream) => {
                let first = bufs.iter().find(|buf| !buf.is_empty());
                stream.poll_write(cx, first.map_or(&[], |buf| buf))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Own(stream) => Pin::new(stream).poll_flush(cx),
            Self::Shared(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Own(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Shared(_) => Poll::Ready(Ok(())),
        }
    }
}
