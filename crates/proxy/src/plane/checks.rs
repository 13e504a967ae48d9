//! Which backends are to be checked, and what is done with what was found. The balancer decides both.

use super::Plane;
use crate::check::Found;
use crate::service::Service;
use muster_balance::{Choice, Key, Turn};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

/// A backend that is to be checked.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) key: Key,
    pub(crate) addr: SocketAddr,
    pub(crate) service: Rc<Service>,
}

impl Plane {
    /// Backends that should be checked now.
    pub(crate) fn due_checks(&self) -> Vec<Due> {
        let mut balancer = self.balancer.borrow_mut();
        let due = balancer.due_checks(self.now());
        let routes = self.routes();
        let of = |Choice { key, addr }| {
            let service = routes.service_called(balancer.names(key)?.0)?;
            Some(Due { key, addr, service: Rc::clone(service) })
        };
        due.into_iter().filter_map(of).collect()
    }

    /// When checks are due next.
    pub(crate) fn next_checks(&self) -> Option<Instant> {
        self.balancer.borrow().next_check().map(|at| self.start + at.0)
    }

    /// What a check found, and how long that took.
    pub(crate) fn checked(&self, key: Key, found: &Found, took: Duration) {
        let outcome = found.wrong.as_deref().map_or(Ok(()), Err);
        let (turn, is_known) = {
            let mut balancer = self.balancer.borrow_mut();
            (balancer.checked(self.now(), key, outcome), balancer.names(key).is_some())
        };
        if is_known {
            let is_down = turn == Turn::Ejected && outcome.is_err();
            self.server(key).checks.borrow_mut().see(found, took, is_down);
        }
        self.turned(key, turn);
    }
}
