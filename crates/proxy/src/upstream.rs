//! One connection to a backend.

use crate::bounds;
use crate::pool::Pooled;
use crate::upload::Upload;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

/// An open HTTP/1.1 connection. Dropping it closes the connection when its last exchange is done, or at once when there
/// is none.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// Where requests go in.
    pub(crate) sender: SendRequest<Upload>,
    /// How long the backend said it keeps the connection.
    pub(crate) kept_for: Option<Duration>,
    /// The task that moves the bytes.
    task: AbortHandle,
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

impl Upstream {
    /// Closes the connection now, whatever goes on in it.
    pub(crate) fn abort(&self) {
        self.task.abort();
    }
}

impl Pooled for Upstream {
    fn is_usable(&self) -> bool {
        self.sender.is_ready()
    }
    fn kept_for(&self) -> Option<Duration> {
        self.kept_for
    }
}

/// Connects to a backend, and speaks HTTP there after `preface`.
pub(crate) async fn connect(
    addr: SocketAddr,
    timeout: Duration,
    preface: &[u8],
) -> Result<Upstream, ConnectError> {
    let stream = dial(addr, timeout, preface).await?;
    let (sender, connection) = Builder::new()
        .max_buf_size(bounds::HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|cause| ConnectError::Refused(io::Error::other(cause)))?;
    let task = tokio::task::spawn_local(async move {
        if let Err(cause) = connection.with_upgrades().await {
            tracing::debug!(%addr, %cause, "a connection to a backend ended");
        }
    });
    Ok(Upstream { sender, kept_for: None, task: task.abort_handle() })
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

/// What every TCP connection of the proxy gets. Failure leaves a slower connection, not a wrong one.
pub(crate) fn tune(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(bounds::PROBE_AFTER)
        .with_interval(bounds::PROBE_INTERVAL)
        .with_retries(bounds::PROBES);
    let _ = socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive);
}

/// Lets the kernel cut a client that takes nothing of what was written to it for `limit`. hyper has no clock for that, and
/// the keepalive of [`tune`] does not help: such a client's host is well and acknowledges probes of its full window
/// for ever (tcp(7), `TCP_USER_TIMEOUT`).
pub(crate) fn cut_when_stuck(stream: &TcpStream, limit: Duration) {
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(limit));
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
