//! Who a connection is from.

use std::net::SocketAddr;
use tokio::sync::OwnedSemaphorePermit;

/// Who is connected.
#[derive(Debug)]
pub(crate) struct Client {
    /// Where it is.
    pub(crate) peer: SocketAddr,
    /// Where it reached us.
    pub(crate) local: SocketAddr,
    /// Its place among the clients; given back when the last part of the connection is gone.
    _place: OwnedSemaphorePermit,
}

impl Client {
    /// The client at the other end of `stream`.
    pub(crate) fn new(peer: SocketAddr, local: SocketAddr, place: OwnedSemaphorePermit) -> Self {
        Self { peer, local, _place: place }
    }
}
