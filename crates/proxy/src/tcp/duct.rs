//! Two connections as one: what comes out of either goes into the other, and the end of one is the end of the other's hearing.
//!
//! Memory is taken for bytes on their way only. Once one direction has carried much in full blocks it is handed to the kernel
//! ([`super::splice`]), where both ends are plain sockets.

use super::splice::{BLOCKS_BEFORE, Failed, Splice};
use crate::alarm::Alarm;
use crate::buffer::Buffer;
use crate::stream::{Socket, Stream};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// What came at once is a full block from here on.
const FULL_BYTES: usize = 64 * 1024;

/// Why a pair broke.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The client's connection.
    #[error("the client broke off: {0}")]
    Client(io::Error),
    /// The backend's, or it ended before it had said anything.
    #[error("the backend broke off: {0}")]
    Backend(io::Error),
    /// Nothing moved for the time allowed.
    #[error("nothing moved for too long")]
    Idle,
}

/// A client and its backend.
#[derive(Debug)]
pub(super) struct Duct {
    client: Stream,
    backend: TcpStream,
    up: Half,
    down: Half,
    idle_max: Duration,
    idle: Alarm,
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    held: Buffer,
    /// Its source has said that nothing follows.
    has_ended: bool,
    /// And its target was told.
    is_done: bool,
    /// Written, and perhaps not sent.
    is_unflushed: bool,
    /// Bytes that came.
    came: u64,
    /// Blocks in a row that it filled.
    full_blocks: u32,
    splice: Option<Splice>,
}

impl Duct {
    /// Of a client and a backend that have said nothing to each other yet. `idle_max`: how long nothing may move.
    pub(super) fn new(client: Stream, backend: TcpStream, idle_max: Duration) -> Self {
        let mut idle = Alarm::default();
        idle.set(Instant::now() + idle_max);
        Self { client, backend, up: Half::default(), down: Half::default(), idle_max, idle }
    }

    /// Bytes that came from the client, and from the backend.
    pub(super) fn moved(&self) -> (u64, u64) {
        (self.up.came, self.down.came)
    }

    /// Ready when the backend has said something, or the whole is over.
    pub(super) fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let polled = self.poll(cx);
        if self.down.came > 0 {
            return Poll::Ready(Ok(()));
        }
        if self.down.has_ended && !self.up.has_ended {
            return Poll::Ready(Err(Broken::Backend(io::ErrorKind::UnexpectedEof.into())));
        }
        polled
    }

    /// Moves what can be moved. Ready when both directions have ended.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let before = (self.up.came, self.down.came, self.up.left(), self.down.left());
        let up = self.up.poll(cx, &mut self.client, &mut self.backend).map_err(|failed| match failed {
            Failed::Source(cause) => Broken::Client(cause),
            Failed::Target(cause) => Broken::Backend(cause),
        })?;
        let down =
            self.down.poll(cx, &mut self.backend, &mut self.client).map_err(|failed| match failed {
                Failed::Source(cause) => Broken::Backend(cause),
                Failed::Target(cause) => Broken::Client(cause),
            })?;
        if up.is_ready() && down.is_ready() {
            return Poll::Ready(Ok(()));
        }
        if before != (self.up.came, self.down.came, self.up.left(), self.down.left()) {
            self.idle.set(Instant::now() + self.idle_max);
        }
        self.idle.poll(cx).map(|()| Err(Broken::Idle))
    }
}

/// Either end, as far as it is the network's.
trait End: AsyncRead + AsyncWrite + Unpin {
    fn tcp(&self) -> Option<&TcpStream>;
}

impl End for TcpStream {
    fn tcp(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

impl End for Stream {
    fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Plain(Socket::Tcp(stream)) => Some(stream),
            Self::Plain(Socket::Unix(_)) | Self::Tls(_) => None,
        }
    }
}

impl Half {
    /// Bytes that came and were not taken.
    fn left(&self) -> usize {
        self.held.bytes().len() + self.splice.as_ref().map_or(0, Splice::held)
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut impl End,
        to: &mut impl End,
    ) -> Result<Poll<()>, Failed> {
        while !self.is_done {
            let polled = match (&mut self.splice, from.tcp(), to.tcp()) {
                (Some(splice), Some(from), Some(to)) => splice.poll(cx, from, to, &mut self.came)?,
                _ => self.poll_copy(cx, from, to)?,
            };
            if polled.is_pending() {
                return Ok(Poll::Pending);
            }
            if self.full_blocks >= BLOCKS_BEFORE && self.splice.is_none() && !self.has_ended {
                self.splice = Splice::new();
                self.full_blocks = 0;
                continue;
            }
            // All that came was taken, and nothing follows.
            self.has_ended = true;
            match Pin::new(&mut *to).poll_shutdown(cx) {
                Poll::Ready(Ok(())) => self.is_done = true,
                // Whoever is gone need not be told; that it is gone shows in the other direction.
                Poll::Ready(Err(cause)) if cause.kind() == io::ErrorKind::NotConnected => self.is_done = true,
                Poll::Ready(Err(cause)) => return Err(Failed::Target(cause)),
                Poll::Pending => return Ok(Poll::Pending),
            }
        }
        Ok(Poll::Ready(()))
    }

    /// Ready when the target has all that came, and the source has ended or has become a stream for the kernel.
    fn poll_copy(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut impl End,
        to: &mut impl End,
    ) -> Result<Poll<()>, Failed> {
        loop {
            while !self.held.is_empty() {
                match Pin::new(&mut *to).poll_write(cx, self.held.bytes()) {
                    Poll::Ready(Ok(0)) => return Err(Failed::Target(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(Ok(count)) => {
                        self.held.take(count);
                        self.is_unflushed = true;
                    }
                    Poll::Ready(Err(cause)) => return Err(Failed::Target(cause)),
                    Poll::Pending => return Ok(Poll::Pending),
                }
            }
            let is_stream = self.full_blocks >= BLOCKS_BEFORE;
            if self.has_ended || is_stream && from.tcp().is_some() && to.tcp().is_some() {
                return Ok(Poll::Ready(()));
            }
            match self.held.poll_fill(cx, from) {
                Poll::Ready(Ok(0)) => self.has_ended = true,
                Poll::Ready(Ok(count)) => {
                    self.came += count as u64;
                    self.full_blocks =
                        if count >= FULL_BYTES { self.full_blocks.saturating_add(1) } else { 0 };
                }
                Poll::Ready(Err(cause)) => return Err(Failed::Source(cause)),
                Poll::Pending => {
                    if self.is_unflushed {
                        match Pin::new(&mut *to).poll_flush(cx) {
                            Poll::Ready(Ok(())) => self.is_unflushed = false,
                            Poll::Ready(Err(cause)) => return Err(Failed::Target(cause)),
                            Poll::Pending => {}
                        }
                    }
                    return Ok(Poll::Pending);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (listener.accept().await.unwrap().0, there)
    }

    #[tokio::test]
    async fn a_stream_is_left_to_the_kernel_and_a_conversation_is_not() {
        let ((near_client, mut client), (near_backend, mut backend)) = (pair().await, pair().await);
        let mut duct =
            Duct::new(Stream::Plain(Socket::Tcp(near_client)), near_backend, Duration::from_secs(60));
        let talk = async {
            client.write_all(b"give").await.unwrap();
            let mut asked = [0; 4];
            backend.read_exact(&mut asked).await.unwrap();
            let writing = async {
                backend.write_all(&vec![7; 16 << 20]).await.unwrap();
                backend.shutdown().await.unwrap();
            };
            let reading = async {
                let mut all = Vec::new();
                client.read_to_end(&mut all).await.unwrap();
                all.len()
            };
            let ((), length) = tokio::join!(writing, reading);
            assert_eq!(length, 16 << 20);
        };
        tokio::select! {
            () = talk => {}
            ended = poll_fn(|cx| duct.poll(cx)) => panic!("{ended:?}: the client has not ended"),
        }
        assert!(duct.down.splice.is_some() && duct.up.splice.is_none());
        assert_eq!(duct.down.came, 16 << 20);
    }
}
