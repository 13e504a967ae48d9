//! The PROXY protocol on real connections: the header a client's connection begins with, and the one we begin a backend's with.
//!
//! Nothing beyond the header is taken from the socket: it is looked at first (`MSG_PEEK`), so that whoever comes next, TLS or
//! HTTP, finds its bytes untouched.

use crate::client::Client;
use crate::stream::Socket;
use muster_proxy_header::{Header, LENGTH_MAX, Read, Refused, Version};
use rustix::net::RecvFlags;
use std::io;

/// Why a connection has no header.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// It was closed without a byte, as connections are that only see whether somebody listens.
    #[error("it was closed")]
    Closed,
    /// It was closed or broke in the middle.
    #[error("it broke off in its PROXY header: {0}")]
    Broken(#[from] io::Error),
    /// It began otherwise.
    #[error("{0}, which this listener wants of everybody: see `proxy-protocol` and `proxy_protocol_from`")]
    Refused(#[from] Refused),
}

/// Takes the header that the connection begins with.
pub(crate) async fn read(socket: &Socket) -> Result<Header, Failed> {
    let mut seen = vec![0; LENGTH_MAX];
    let mut taken = 0;
    loop {
        let more = socket.recv(&mut seen[taken..], RecvFlags::PEEK).await?;
        match (more, taken) {
            (0, 0) => return Err(Failed::Closed),
            (0, _) => return Err(Failed::Broken(io::ErrorKind::UnexpectedEof.into())),
            _ => {}
        }
        let (header, end) = match muster_proxy_header::read(&seen[..taken + more])? {
            Read::Whole(header, length) => (Some(header), length),
            // All of it is header, so it can go; what is not there yet wakes us then.
            Read::Partial => (None, taken + more),
        };
        while taken < end {
            taken += socket.recv(&mut seen[taken..end], RecvFlags::empty()).await?;
        }
        if let Some(header) = header {
            return Ok(header);
        }
    }
}

/// What a backend is told of `client`.
pub(crate) fn of(client: &Client, version: Version) -> Vec<u8> {
    let header = match (client.peer, client.local) {
        (Some(source), Some(destination)) => Header::From { source, destination },
        _ => Header::Unknown,
    };
    muster_proxy_header::write(version, &header)
}

/// What a backend is told of a connection that is nobody's yet.
pub(crate) fn of_nobody(version: Version) -> Vec<u8> {
    muster_proxy_header::write(version, &Header::Local)
}
