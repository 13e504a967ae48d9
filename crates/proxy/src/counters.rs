//! What is counted, and for whom: each frontend, service and backend has an [`Account`].
//!
//! [`crate::story`] tells them what became of requests. Accounts of frontends and services live as long as the proxy; that of a backend
//! until it is in no picture and nothing is in progress on it, so that there are never more than pictures name.

use crate::check::Found;
use muster_balance::Key;
use muster_fleet::{Bucket, Picture, ServiceReport};
use muster_tally::{Histogram, Tally};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Duration;

/// One party's tally. One thread, and no call in a call: it is never borrowed twice.
#[derive(Debug, Default)]
pub(crate) struct Account(RefCell<Tally>);

impl Account {
    /// Something is told.
    pub(crate) fn tell<R>(&self, told: impl FnOnce(&mut Tally) -> R) -> R {
        told(&mut self.0.borrow_mut())
    }

    /// All that was counted so far.
    pub(crate) fn tally(&self) -> Tally {
        *self.0.borrow()
    }
}

/// A frontend, as it is counted.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Its name; without a routing that of the one service.
    pub(crate) name: String,
    /// Its clients' connections, and their requests.
    pub(crate) account: Account,
}

impl Gate {
    /// Of nobody yet.
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.into(), account: Account::default() }
    }

    /// A client came. It leaves when what is returned is dropped.
    pub(crate) fn enter(self: &Rc<Self>, now: Duration) -> Entered {
        self.account.tell(|tally| tally.session_began(now));
        Entered(Rc::clone(self))
    }
}

/// A client's connection, in progress.
#[derive(Debug)]
pub(crate) struct Entered(Rc<Gate>);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.account.tell(Tally::session_ended);
    }
}

/// A backend, as it is counted.
#[derive(Debug, Default)]
pub(crate) struct Server {
    /// Its service.
    pub(crate) service: String,
    /// Its node.
    pub(crate) node: String,
    /// Requests that were sent to it.
    pub(crate) account: Account,
    /// What checks found.
    pub(crate) checks: RefCell<CheckTally>,
}

/// What checks of a backend found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct CheckTally {
    /// The last one, and how long it took.
    pub(crate) last: Option<(Found, Duration)>,
    /// How many failed.
    pub(crate) failed: u64,
    /// How often they took it out.
    pub(crate) downs: u64,
}

impl CheckTally {
    /// Takes one in; `is_down`: it took the backend out.
    pub(crate) fn see(&mut self, found: &Found, took: Duration, is_down: bool) {
        self.failed += u64::from(found.wrong.is_some());
        self.downs += u64::from(is_down);
        self.last = Some((found.clone(), took));
    }
}

/// The accounts of backends; those of services and frontends stand in [`crate::routes::Routes`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    servers: RefCell<BTreeMap<String, BTreeMap<String, Rc<Server>>>>,
    /// The same, for the hot path.
    by_key: RefCell<HashMap<Key, Rc<Server>>>,
}

impl Counters {
    /// A backend. `names` tells its service and node when it is seen for the first time.
    pub(crate) fn server(&self, key: Key, names: impl FnOnce() -> (String, String)) -> Rc<Server> {
        if let Some(server) = self.by_key.borrow().get(&key) {
            return Rc::clone(server);
        }
        let (service, node) = names();
        // One that comes back at another address has another key, and is the same to whoever reads of it.
        let mut servers = self.servers.borrow_mut();
        let of_service = servers.entry(service.clone()).or_default();
        let server = of_service
            .entry(node.clone())
            .or_insert_with(|| Rc::new(Server { service, node, ..Server::default() }));
        self.by_key.borrow_mut().insert(key, Rc::clone(server));
        Rc::clone(server)
    }

    /// There is a new picture: backends that are gone are forgotten, unless something is in progress on them.
    pub(crate) fn apply(&self, picture: &Picture) {
        // Keys are cheap to find again.
        self.by_key.borrow_mut().clear();
        self.servers.borrow_mut().retain(|service, servers| {
            let listed = picture.services.get(service);
            servers.retain(|node, server| {
                listed.is_some_and(|listed| listed.backends.contains_key(node))
                    || server.account.tally().sessions.current > 0
            });
            !servers.is_empty()
        });
    }

    /// The highest values of backends begin anew.
    pub(crate) fn clear_highest(&self) {
        let servers = self.servers.borrow();
        let accounts = servers.values().flat_map(BTreeMap::values).map(|server| &server.account);
        accounts.for_each(|account| account.tell(Tally::clear_highest));
    }

    /// What checks of a backend found, if it is known.
    pub(crate) fn checks(&self, service: &str, node: &str) -> Option<CheckTally> {
        let servers = self.servers.borrow();
        servers.get(service)?.get(node).map(|server| server.checks.borrow().clone())
    }

    /// All backends that were sent something, by service and node.
    pub(crate) fn servers(&self) -> Vec<(String, String, Tally)> {
        let servers = self.servers.borrow();
        let all = servers.values().flat_map(BTreeMap::values);
        all.map(|server| (server.service.clone(), server.node.clone(), server.account.tally())).collect()
    }
}

/// A service's account, as the agent is told.
pub(crate) fn report(service: &str, tally: &Tally) -> ServiceReport {
    let buckets = tally.duration.counts.iter().enumerate().map(|(number, count)| {
        let end = Histogram::upper_end(number).map(|end| u64::try_from(end.as_micros()).unwrap_or(u64::MAX));
        Bucket { le_us: end, count: *count }
    });
    ServiceReport {
        service: service.to_owned(),
        sessions: tally.sessions.current,
        sessions_max: tally.sessions.max,
        sessions_total: tally.sessions_total,
        queued: tally.queue.current,
        statuses: tally.statuses.to_vec(),
        bytes_in: tally.bytes_in,
        bytes_out: tally.bytes_out,
        connect_errors: tally.connect_errors,
        response_errors: tally.response_errors,
        bad_responses: tally.bad_responses,
        server_aborts: tally.server_aborts,
        client_aborts: tally.client_aborts,
        retries: tally.retries,
        durations: buckets.collect(),
        duration_sum_us: tally.duration.sum_micros,
    }
}

/// All tallies at one instant.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// How long the proxy has run; the tallies' times are since then.
    pub now: Duration,
    /// Frontends by name, in the order of the configuration.
    pub frontends: Vec<(String, Tally)>,
    /// Services by name.
    pub services: Vec<(String, Tally)>,
    /// Backends by service and node: those that were sent something since they came.
    pub backends: Vec<(String, String, Tally)>,
    /// Lines of the access log that nobody took.
    pub log_lines_lost: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_fleet::{Backend, Phase, Service, Standing, Terms};

    #[test]
    fn a_backend_is_forgotten_when_it_is_gone_and_nothing_is_left_on_it() {
        let counters = Counters::default();
        let names = |node: &str| ("web".to_owned(), node.to_owned());
        let a = counters.server(Key(1), || names("a"));
        let b = counters.server(Key(2), || names("b"));
        a.account.tell(|tally| tally.session_began(Duration::ZERO));
        let backend = Backend { addr: ([10, 0, 0, 1], 80).into(), weight: 1, standing: Standing::Ready };
        let mut picture = Picture {
            epoch: 1,
            version: 1,
            phase: Phase::Live,
            services: [("web".into(), Service { backends: [("b".into(), backend)].into() })].into(),
            terms: Terms::default(),
            refusals: Vec::new(),
        };
        counters.apply(&picture);
        assert_eq!(counters.servers().len(), 2);
        // At another address: the same account goes on.
        assert!(Rc::ptr_eq(&b, &counters.server(Key(3), || names("b"))));
        a.account.tell(Tally::session_ended);
        picture.services.clear();
        counters.apply(&picture);
        assert_eq!(counters.servers(), []);
    }
}
