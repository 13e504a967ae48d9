//! A request's hold on its backend.

use crate::plane::Plane;
use muster_balance::{Ended, Key};
use std::rc::Rc;

/// One request in flight on one backend. It ends exactly once: with words, or as abandoned when it is dropped, which is
/// what happens to it when the client goes away.
#[derive(Debug)]
pub(crate) struct Lease {
    plane: Rc<Plane>,
    key: Key,
    open: bool,
}

impl Lease {
    /// For a request that was just picked.
    pub(crate) fn new(plane: Rc<Plane>, key: Key) -> Self {
        Self { plane, key, open: true }
    }

    /// Which backend.
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// Where it runs.
    pub(crate) fn plane(&self) -> &Rc<Plane> {
        &self.plane
    }

    /// Ends it; later calls do nothing.
    pub(crate) fn end(&mut self, ended: Ended) {
        if std::mem::take(&mut self.open) {
            self.plane.finish(self.key, ended);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.end(Ended::Abandoned);
    }
}
