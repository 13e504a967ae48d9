//! A client's connection, whatever it came over.

use rustix::net::{RecvFlags, recv};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

/// An accepted socket.
#[derive(Debug)]
pub(crate) enum Socket {
    /// Over the network.
    Tcp(TcpStream),
    /// From a process of this host.
    Unix(UnixStream),
}

/// What a client is spoken to over.
#[derive(Debug)]
pub(crate) enum Stream {
    /// As the bytes come.
    Plain(Socket),
    /// Sealed.
    Tls(Box<TlsStream<Socket>>),
}

impl Socket {
    /// Waits for bytes and takes or looks at them, as recv(2). 0: there will be none.
    pub(crate) async fn recv(&self, buf: &mut [u8], flags: RecvFlags) -> io::Result<usize> {
        let wants = Interest::READABLE;
        // Of a datagram cut short there is a second number; here both are the same.
        let (taken, _) = match self {
            Self::Tcp(stream) => stream.async_io(wants, || Ok(recv(stream, &mut *buf, flags)?)).await?,
            Self::Unix(stream) => stream.async_io(wants, || Ok(recv(stream, &mut *buf, flags)?)).await?,
        };
        Ok(taken)
    }
}

/// Both traits for an enum of streams: each call goes to whichever it is.
macro_rules! delegates {
    ($kind:ident: $($variant:ident),+) => {
        impl AsyncRead for $kind {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    $(Self::$variant(stream) => Pin::new(stream).poll_read(cx, buf),)+
                }
            }
        }

        impl AsyncWrite for $kind {
            fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
                match self.get_mut() {
                    $(Self::$variant(stream) => Pin::new(stream).poll_write(cx, buf),)+
                }
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() {
                    $(Self::$variant(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),)+
                }
            }

            fn is_write_vectored(&self) -> bool {
                match self {
                    $(Self::$variant(stream) => stream.is_write_vectored(),)+
                }
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    $(Self::$variant(stream) => Pin::new(stream).poll_flush(cx),)+
                }
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    $(Self::$variant(stream) => Pin::new(stream).poll_shutdown(cx),)+
                }
            }
        }
    };
}

delegates!(Socket: Tcp, Unix);
delegates!(Stream: Plain, Tls);
