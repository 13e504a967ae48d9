//! Who a connection is from.

use std::net::SocketAddr;
use tokio::sync::OwnedSemaphorePermit;

/// Who is connected.
#[derive(Debug)]
pub(crate) struct Client {
    /// Where it is; nobody knows of one that came over a Unix socket.
    pub(crate) peer: Option<SocketAddr>,
    /// Where it reached us, likewise.
    pub(crate) local: Option<SocketAddr>,
    /// Its place among the clients; given back when the last part of the connection is gone.
    _place: Option<OwnedSemaphorePermit>,
}

impl Client {
    /// One that came from `peer` to `local`.
    pub(crate) fn new(
        peer: Option<SocketAddr>,
        local: Option<SocketAddr>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self { peer, local, _place: Some(place) }
    }

    /// What its requests came by, for `X-Forwarded-Proto`.
    pub(crate) fn scheme(&self) -> &'static str {
        "http"
    }

    /// The port that goes without saying.
    pub(crate) fn usual_port(&self) -> u16 {
        80
    }

    #[cfg(test)]
    pub(crate) fn for_tests(peer: &str, local: &str) -> Self {
        Self { peer: Some(peer.parse().unwrap()), local: Some(local.parse().unwrap()), _place: None }
    }
}
