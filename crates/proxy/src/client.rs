//! Who a connection is from.

use crate::counters::Gate;
use crate::routes::Entry;
use crate::tls::Secured;
use muster_access_log::Timestamp;
use muster_balance::Hint;
use muster_proxy_header::Header;
use siphasher::sip::SipHasher13;
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::sync::OwnedSemaphorePermit;

/// Who is connected.
#[derive(Debug)]
pub(crate) struct Client {
    /// Where it is, by its connection or by what a balancer in front said; nobody knows of one that came over a Unix socket.
    pub(crate) peer: Option<SocketAddr>,
    /// Where it reached us, likewise.
    pub(crate) local: Option<SocketAddr>,
    /// What TLS told, if it speaks that.
    pub(crate) tls: Option<Secured>,
    /// When it came, by the clock; 0 where that is not logged.
    pub(crate) since: Timestamp,
    /// Where it came in.
    pub(crate) entry: Rc<Entry>,
    /// Its place among the clients; given back when the last part of the connection is gone.
    _place: OwnedSemaphorePermit,
}

impl Client {
    /// One that came from `peer` to `local`.
    pub(crate) fn new(
        peer: Option<SocketAddr>,
        local: Option<SocketAddr>,
        entry: Rc<Entry>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self { peer, local, tls: None, since: Timestamp::default(), entry, _place: place }
    }

    /// What of it decides which backend it gets, where that depends on the client: its address, and nobody's port.
    pub(crate) fn hint(&self) -> Hint {
        let source = self.peer.map(|peer| {
            let mut hasher = SipHasher13::new();
            peer.ip().to_canonical().hash(&mut hasher);
            hasher.finish()
        });
        Hint { source, ..Hint::default() }
    }

    /// The frontend that it came to, as it is counted.
    pub(crate) fn gate(&self) -> Option<Rc<Gate>> {
        self.entry.routes().gate(&self.entry.spec())
    }

    /// Somebody who is trusted said whose this connection is.
    pub(crate) fn introduce(&mut self, header: Header) {
        if let Header::From { source, destination } = header {
            (self.peer, self.local) = (Some(source), Some(destination));
        }
    }
}
