//! The pools and who is next.

use crate::key::{Choice, Key};
use crate::policy::Policy;
use crate::pool::Pool;
use crate::queue::Queue;
use crate::retry::{Attempt, Budget, may_retry};
use crate::slab::Slab;
use crate::traits::Traits;
use crate::{Answer, Evidence, Instant, Turn};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
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
    pub(crate) trials: BTreeSet<(Instant, Key)>,
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
            trials: BTreeSet::new(),
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

    /// A response head arrived: [`Evidence::Answered`], and what else it says. Tell either this or the bare evidence.
    pub fn answered(&mut self, now: Instant, key: Key, answer: Answer) -> Turn {
        if let Some(backend) = self.backends.get(key)
            && let (Some(seat), Some(pool)) = (backend.seat, self.pools.get_mut(&backend.service))
        {
            pool.answered(now, seat, answer.took);
        }
        self.evidence(now, key, Evidence::Answered)
    }

    /// Something was seen of a backend.
    pub fn evidence(&mut self, now: Instant, key: Key, evidence: Evidence) -> Turn {
        let Some(backend) = self.backends.get_mut(key) else { return Turn::None };
        let good = matches!(evidence, Evidence::Connected | Evidence::Answered);
        if backend.is_withdrawn() || good && backend.health.is_settled() {
            return Turn::None;
        }
        let Some(pool) = self.pools.get_mut(&backend.service) else { return Turn::None };
        let alone = pool.stands_alone(backend.seat);
        let before = backend.tier();
        let ejected = backend.health.observe(now, evidence, alone, &mut self.rng);
        let after = backend.tier();
        self.rank(now, key);
        self.schedule(key);
        match ejected {
            true => Turn::Ejected,
            false if before != after => Turn::Moved,
            false => Turn::None,
        }
    }

    /// Backends that should be tried with one connection now, its outcome told as evidence: ejected ones whose time is over,
    /// new ones of which nothing was heard, and those that gossip doubts. Each is returned once per due try.
    pub fn due_trials(&mut self, now: Instant) -> Vec<Choice> {
        let mut due = Vec::new();
        while let Some((_, key)) = self.trials.first().copied().filter(|(at, _)| *at <= now) {
            self.trials.pop_first();
            if let Some(backend) = self.backends.get_mut(key) {
                due.push(Choice { key, addr: backend.picture.addr });
                backend.trial = None;
                backend.health.trial_started(now);
                self.schedule(key);
            }
        }
        due
    }

    /// When [`Balancer::due_trials`] has something to say.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.trials.first().map(|(at, _)| *at)
    }

    /// Whether connections to this backend may be kept idle: it is neither withdrawn nor ejected.
    pub fn keeps(&self, key: Key) -> bool {
        self.backends.get(key).is_some_and(|backend| !backend.is_withdrawn() && !backend.health.is_ejected())
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
            backends: keys.filter_map(|key| Some(self.backends.get(*key)?.report())).collect(),
        }
    }

    /// Keeps the list of trials in step with a backend's own wish.
    pub(crate) fn schedule(&mut self, key: Key) {
        let Some(backend) = self.backends.get_mut(key) else { return };
        let wanted = backend.health.trial().filter(|_| !backend.is_withdrawn());
        if wanted != backend.trial {
            if let Some(at) = backend.trial {
                self.trials.remove(&(at, key));
            }
            self.trials.extend(wanted.map(|at| (at, key)));
            backend.trial = wanted;
        }
    }
}
