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
    _place: OwnedSemaphorePermit,
}

impl Client {
    /// One that came from `peer` to `local`.
    pub(crate) fn new(
        peer: Option<SocketAddr>,
        local: Option<SocketAddr>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self { peer, local, _place: place }
    }
}
