//! The pools and who is next.

use crate::Instant;
use crate::agenda::Agenda;
use crate::key::{Choice, Key};
use crate::policy::Policy;
use crate::pool::Pool;
use crate::queue::Queue;
use crate::retry::{Attempt, Budget, may_retry};
use crate::slab::Slab;
use crate::traits::Traits;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use core::net::SocketAddr;
use muster_fleet::Report;

/// What the data plane must do after a new picture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A backend appeared: connect to it once and report the outcome, so that it is proven before it is preferred.
    Appeared(Choice),
    /// A backend is withdrawn or gone: close its idle connections now; requests in flight go on.
    Withdrawn(Key),
    /// A withdrawn backend came back: its connections may be kept again. It is due for a trial.
    Returned(Key),
}

/// How a request on a backend ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Its response was passed on whole.
    Well,
    /// The attempt failed; the request went elsewhere.
    Retried,
    /// The client gave up or was at fault.
    Abandoned,
    /// The request failed for the client.
    Failed {
        /// It was safe to repeat: such failures should not exist while the service has a live backend.
        safe: bool,
    },
}

/// The balancer's whole knowledge.
///
/// Every request is counted by its first [`Balancer::pick`] and ends once: well, abandoned or failed. At any time
/// `requests = well + abandoned + failed + in flight + queued`, as long as the shell keeps the order of a retry: pick again first,
/// then finish the failed attempt, as [`Ended::Retried`] when another backend was found, else as [`Ended::Failed`].
#[derive(Debug)]
pub struct Balancer {
    pub(crate) epoch: u64,
    pub(crate) version: u64,
    pub(crate) backends: Slab,
    pub(crate) pools: BTreeMap<Arc<str>, Pool>,
    /// By service, whether it has backends or not.
    pub(crate) policies: BTreeMap<String, Policy>,
    /// By service and node, whether they are in the picture or not; none is the default.
    pub(crate) traits: BTreeMap<String, BTreeMap<String, Traits>>,
    pub(crate) secret: [u8; 16],
    /// No longer in the picture, with requests in flight.
    pub(crate) leaving: BTreeMap<Name, Key>,
    /// In flight on withdrawn backends.
    pub(crate) draining: u32,
    pub(crate) rng: fastrand::Rng,
    pub(crate) trials: Agenda,
    pub(crate) checks: Agenda,
    /// When outliers are taken back.
    pub(crate) releases: Agenda,
    pub(crate) queue: Queue,
    pub(crate) budget: Budget,
    pub(crate) totals: Totals,
}

/// What a backend is the same by: service, node, address.
pub(crate) type Name = (Arc<str>, Arc<str>, SocketAddr);

#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    pub(crate) failed_unsafe: u64,
    pub(crate) retried: u64,
}

impl Balancer {
    /// A balancer without a picture; `seed` spreads the first choice and the times of trials.
    pub fn new(seed: u64) -> Self {
        Self::with_secret(seed, [0; 16])
    }

    /// The same, with the secret that all balancers of a cluster share so that they hash alike and know each other's
    /// [`StableId`](crate::StableId)s.
    pub fn with_secret(seed: u64, secret: [u8; 16]) -> Self {
        Self {
            epoch: 0,
            version: 0,
            backends: Slab::default(),
            pools: BTreeMap::new(),
            policies: BTreeMap::new(),
            traits: BTreeMap::new(),
            secret,
            leaving: BTreeMap::new(),
            draining: 0,
            rng: fastrand::Rng::with_seed(seed),
            trials: Agenda::default(),
            checks: Agenda::default(),
            releases: Agenda::default(),
            queue: Queue::default(),
            budget: Budget::default(),
            totals: Totals::default(),
        }
    }

    /// Keeps a seat in step with its backend.
    pub(crate) fn rank(&mut self, now: Instant, key: Key) {
        let Some(backend) = self.backends.get(key) else { return };
        if let (Some(seat), Some(pool)) = (backend.seat, self.pools.get_mut(&backend.service)) {
            pool.set(now, seat, backend.rank());
        }
    }

    /// The service and the node of a backend, as long as it is known.
    pub fn names(&self, key: Key) -> Option<(&str, &str)> {
        self.backends.get(key).map(|backend| (&*backend.service, &*backend.node))
    }

    /// Whether this backend has never answered while another of its service does: a request that can be made again should
    /// not wait long for it.
    pub fn is_on_trial(&self, key: Key) -> bool {
        self.backends.get(key).filter(|backend| !backend.health.has_answered()).is_some_and(|backend| {
            self.pools.get(&backend.service).is_some_and(|pool| pool.another_answers(backend.seat))
        })
    }

    /// Whether an attempt that failed on `key` may be made again: the request bears it ([`may_retry`]), and retries have not
    /// become so many that they would hurt. Tell the evidence first. A retry granted is a retry paid for, so ask once for
    /// each.
    ///
    /// Two kinds are free, since with them work moves and does not grow: attempts that were never sent, and those on a
    /// backend that died or was withdrawn while others serve. So no death of a single backend, however much was in flight
    /// on it, meets an empty budget. Silence is not death: the silent may still be working.
    pub fn may_retry(&mut self, now: Instant, key: Key, attempt: Attempt) -> bool {
        may_retry(attempt) && (attempt.unsent || self.lost_to_others(key) || self.budget.withdraw(now))
    }

    fn lost_to_others(&self, key: Key) -> bool {
        self.backends.get(key).is_some_and(|backend| {
            let lost = backend.is_withdrawn() || backend.health.is_dead();
            lost && self.pools.get(&backend.service).is_some_and(|pool| !pool.stands_alone(backend.seat))
        })
    }

    /// Whether connections to this backend may be kept idle: it is neither withdrawn nor ejected.
    pub fn keeps(&self, key: Key) -> bool {
        self.backends.get(key).is_some_and(|backend| {
            let preferred = !backend.is_judged() || self.panics(&backend.service);
            !backend.is_withdrawn() && !backend.health.is_ejected() && preferred
        })
    }

    fn panics(&self, service: &str) -> bool {
        self.pools.get(service).is_some_and(|pool| pool.panics)
    }

    /// Requests in flight on withdrawn backends, all services together.
    pub fn draining(&self) -> u32 {
        self.draining
    }

    /// The whole account, for the agent.
    pub fn report(&self, sink: &str) -> Report {
        let listed = self.pools.values().flat_map(|pool| pool.nodes.values());
        let keys = listed.chain(self.leaving.values());
        Report {
            sink: sink.into(),
            epoch: self.epoch,
            version: self.version,
            requests: self.totals.requests,
            failed: self.totals.failed,
            failed_unsafe: self.totals.failed_unsafe,
            retried: self.totals.retried,
            backends: keys
                .filter_map(|key| self.backends.get(*key))
                .map(|backend| backend.report(self.panics(&backend.service)))
                .collect(),
        }
    }
}
