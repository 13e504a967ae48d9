//! A request's hold on its backend.

use crate::counters::Server;
use crate::plane::Plane;
use muster_balance::{Ended, Key};
use muster_tally::Tally;
use std::rc::Rc;

/// One request in flight on one backend. It ends exactly once: with words, or as abandoned when it is dropped, which is
/// what happens to it when the client goes away.
#[derive(Debug)]
pub(crate) struct Lease {
    plane: Rc<Plane>,
    key: Key,
    server: Rc<Server>,
    open: bool,
}

impl Lease {
    /// For a request that was just picked.
    pub(crate) fn new(plane: Rc<Plane>, key: Key) -> Self {
        let server = plane.server(key);
        server.account.tell(|tally| tally.session_began(plane.elapsed()));
        Self { plane, key, server, open: true }
    }

    /// Which backend.
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// The same, as it is counted.
    pub(crate) fn server(&self) -> &Rc<Server> {
        &self.server
    }

    /// Where it runs.
    pub(crate) fn plane(&self) -> &Rc<Plane> {
        &self.plane
    }

    /// Ends it; later calls do nothing.
    pub(crate) fn end(&mut self, ended: Ended) {
        if std::mem::take(&mut self.open) {
            self.server.account.tell(Tally::session_ended);
            self.plane.finish(self.key, ended);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.end(Ended::Abandoned);
    }
}
