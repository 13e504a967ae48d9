//! One connection to a backend.

mod h2c;
mod link;
mod shared;

pub(crate) use h2c::is_unprocessed;
pub(crate) use link::Link;
pub(crate) use shared::Shared;

use crate::bounds;
use crate::buffer::Buffer;
use crate::pool::Pooled;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// An open connection that speaks HTTP/1.1, or a stream that looks like one. Dropping it closes it at once.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// The connection.
    pub(crate) stream: Link,
    /// What came and was not used yet. Empty between exchanges.
    pub(crate) held: Buffer,
    /// How long the backend said it keeps the connection.
    pub(crate) kept_for: Option<Duration>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// Refused, reset, unreachable.
    #[error("cannot connect: {0}")]
    Refused(io::Error),
    /// Nobody answered in time.
    #[error("no connection within {0:?}")]
    Late(Duration),
    /// We have run out of something; this says nothing about the backend.
    #[error("cannot open a connection, by our own limits: {0}")]
    Ours(io::Error),
}

impl Pooled for Upstream {
    /// Bytes that nobody asked for are as bad as the end. Costs a system call only when the kernel has told of something.
    fn is_usable(&self) -> bool {
        self.held.is_empty() && self.stream.is_quiet()
    }
    fn kept_for(&self) -> Option<Duration> {
        self.kept_for
    }
}

/// Connects to a backend, for HTTP behind `preface`.
pub(crate) async fn connect(
    addr: SocketAddr,
    timeout: Duration,
    preface: &[u8],
) -> Result<Upstream, ConnectError> {
    let stream = Link::Own(dial(addr, timeout, preface).await?);
    Ok(Upstream { stream, held: Buffer::default(), kept_for: None })
}

/// Opens a connection to a backend and begins it with `preface`, which is short.
pub(crate) async fn dial(
    addr: SocketAddr,
    timeout: Duration,
    preface: &[u8],
) -> Result<TcpStream, ConnectError> {
    let mut stream = match tokio::time::timeout(timeout, TcpStream::connect(addr)).await {
        Err(_) => return Err(ConnectError::Late(timeout)),
        Ok(Err(cause)) if is_ours(&cause) => return Err(ConnectError::Ours(cause)),
        Ok(Err(cause)) => return Err(ConnectError::Refused(cause)),
        Ok(Ok(stream)) => stream,
    };
    // The kernel connects a socket to itself when the port chosen for it happens to be the one dialled and nobody listens
    // there: TCP's simultaneous open. On loopback that looks like a backend that echoes requests.
    if stream.local_addr().is_ok_and(|local| local == addr) {
        return Err(ConnectError::Refused(io::ErrorKind::ConnectionRefused.into()));
    }
    tune(&stream);
    if !preface.is_empty() {
        // It fits into the buffer of a new socket, so this waits for nobody.
        stream.write_all(preface).await.map_err(ConnectError::Refused)?;
    }
    Ok(stream)
}

/// What every TCP connection of the proxy gets; those that a listener accepts inherit it from that. Failure leaves a slower
/// connection, not a wrong one.
pub(crate) fn tune(socket: &impl AsFd) {
    let socket = socket2::SockRef::from(socket);
    let _ = socket.set_tcp_nodelay(true);
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(bounds::PROBE_AFTER)
        .with_interval(bounds::PROBE_INTERVAL)
        .with_retries(bounds::PROBES);
    let _ = socket.set_tcp_keepalive(&keepalive);
}

/// Lets the kernel cut a client of a listening `socket` that takes nothing of what was written to it for `limit`: also when all is in the kernel's buffers,
/// where our own clock does not see it. The keepalive of [`tune`] does not help: such a client's host is well and acknowledges
/// probes of its full window for ever (tcp(7), `TCP_USER_TIMEOUT`).
pub(crate) fn cut_when_stuck(socket: &impl AsFd, limit: Duration) {
    let _ = socket2::SockRef::from(socket).set_tcp_user_timeout(Some(limit));
}

/// Whether `cause` is about this process or host rather than the backend: descriptors, memory or local ports used up, or
/// a local rule against the connection.
fn is_ours(cause: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL, Errno::PERM, Errno::ACCESS]
        .iter()
        .any(|errno| cause.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_descriptors_accuses_no_backend() {
        assert!(is_ours(&io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error())));
        assert!(!is_ours(&io::Error::from_raw_os_error(rustix::io::Errno::CONNREFUSED.raw_os_error())));
    }
}
