//! What was seen of a backend, by requests, trials and checks, and what follows.

use crate::balancer::Balancer;
use crate::checks::Checked;
use crate::evidence::{Answer, Evidence, Turn};
use crate::key::{Choice, Key};
use crate::{Instant, outliers};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// Longest part of a check's reason that is kept, in characters.
const REASON_MAX: usize = 200;

impl Balancer {
    /// A response head arrived: [`Evidence::Answered`], and what else it says. Tell either this or the bare evidence.
    pub fn answered(&mut self, now: Instant, key: Key, answer: Answer) -> Turn {
        if let Some(backend) = self.backends.get(key)
            && let (Some(seat), Some(pool)) = (backend.seat, self.pools.get_mut(&backend.service))
        {
            pool.answered(now, seat, answer.took);
        }
        let turn = self.evidence(now, key, Evidence::Answered);
        if self.judge(now, key, Some(answer.status), answer.took) { Turn::Ejected } else { turn }
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
        let kept = !backend.health.is_ejected() && (!backend.is_judged() || pool.panics);
        let before = backend.tier();
        backend.health.observe(now, evidence, alone, &mut self.rng);
        let after = backend.tier();
        self.rank(now, key);
        self.schedule(key);
        if matches!(evidence, Evidence::Died | Evidence::KeptDied | Evidence::Silent) {
            self.judge(now, key, None, Duration::ZERO);
        }
        match kept && !self.keeps(key) {
            true => Turn::Ejected,
            false if before != after => Turn::Moved,
            false => Turn::None,
        }
    }

    /// Takes a response, or none, into the backend's record, where outliers are looked for. Whether it is ejected for it.
    fn judge(&mut self, now: Instant, key: Key, status: Option<u16>, took: Duration) -> bool {
        self.release(now);
        let Some(backend) = self.backends.get_mut(key) else { return false };
        let Some(pool) = self.pools.get_mut(&backend.service) else { return false };
        let (Some(policy), Some(_)) = (&pool.policy.outliers, backend.seat) else { return false };
        let kept = !backend.health.is_ejected() && (!backend.is_judged() || pool.panics);
        let why = backend.record.saw(policy, status, took);
        let window_is_over = now - pool.window_since >= policy.window;
        let service = window_is_over.then(|| Arc::clone(&backend.service));
        if let Some(why) = why {
            self.eject(now, key, &why);
        }
        if let Some(service) = service {
            self.compare(now, &service);
        }
        kept && !self.keeps(key)
    }

    /// Compares the backends of a service once their window is over. A walk over all of them.
    fn compare(&mut self, now: Instant, service: &str) {
        let Some(pool) = self.pools.get_mut(service) else { return };
        let Some(policy) = pool.policy.outliers.clone() else { return };
        pool.window_since = now;
        let mut keys = Vec::new();
        let mut tallies = Vec::new();
        for key in pool.nodes.values() {
            let Some(backend) = self.backends.get_mut(*key) else { continue };
            let tally = backend.record.close();
            if backend.seat.is_some() && !backend.is_judged() && tally.is_enough(&policy) {
                keys.push(*key);
                tallies.push(tally);
            }
        }
        let found = outliers::compare(&policy, &tallies);
        let bad: BTreeSet<usize> = found.iter().map(|(n, _)| *n).collect();
        for (_, key) in keys.iter().enumerate().filter(|(n, _)| !bad.contains(n)) {
            if let Some(backend) = self.backends.get_mut(*key) {
                backend.record.did_well();
            }
        }
        for (n, why) in found {
            self.eject(now, keys[n], &why);
        }
    }

    /// Ejects an outlier, if the service can do without it.
    fn eject(&mut self, now: Instant, key: Key, why: &str) {
        let Some(backend) = self.backends.get_mut(key) else { return };
        let Some(pool) = self.pools.get_mut(&backend.service) else { return };
        let Some(policy) = pool.policy.outliers.clone() else { return };
        if !backend.is_judged() && pool.can_spare_one(now) {
            let until = backend.record.eject(now, &policy, why, &mut self.rng);
            self.releases.plan(key, &mut backend.release, Some(until));
            self.rank(now, key);
        }
    }

    /// Takes outliers back whose time is over.
    pub(crate) fn release(&mut self, now: Instant) {
        while let Some(key) = self.releases.due(now) {
            let Some(backend) = self.backends.get_mut(key) else { break };
            backend.record.release();
            self.releases.plan(key, &mut backend.release, None);
            self.rank(now, key);
        }
    }

    /// Backends that should be checked now, the outcome told with [`Balancer::checked`]. How a check is made, and how long
    /// it may take, is the shell's. One whose outcome never comes is due again all the same.
    pub fn due_checks(&mut self, now: Instant) -> Vec<Choice> {
        let mut due = Vec::new();
        while let Some(key) = self.checks.due(now) {
            let Some(backend) = self.backends.get_mut(key) else { break };
            let policy = self.pools.get(&backend.service).and_then(|pool| pool.policy.checks.as_ref());
            let next = policy.map(|policy| {
                now + backend.checked.wait(policy, &mut self.rng).max(Duration::from_millis(1))
            });
            self.checks.plan(key, &mut backend.check, next);
            due.push(Choice { key, addr: backend.picture.addr });
        }
        due
    }

    /// When [`Balancer::due_checks`] has something to say.
    pub fn next_check(&self) -> Option<Instant> {
        self.checks.next()
    }

    /// How a check ended: `Err` says why it failed, in a few words.
    pub fn checked(&mut self, now: Instant, key: Key, outcome: Result<(), &str>) -> Turn {
        let Some(backend) = self.backends.get_mut(key).filter(|backend| !backend.is_withdrawn()) else {
            return Turn::None;
        };
        let Some(pool) = self.pools.get_mut(&backend.service) else { return Turn::None };
        let Some(policy) = pool.policy.checks.clone() else { return Turn::None };
        let kept = !backend.health.is_ejected() && (!backend.is_judged() || pool.panics);
        let falls = backend.checked.outcome(&policy, outcome.is_ok());
        if let Err(why) = outcome
            && falls
            && pool.can_drop_one(now)
        {
            let why: String = why.chars().take(REASON_MAX).collect();
            backend.checked.fell(&why);
        }
        let next = now + backend.checked.wait(&policy, &mut self.rng).max(Duration::from_millis(1));
        self.checks.plan(key, &mut backend.check, Some(next));
        self.rank(now, key);
        let turn = match outcome {
            Ok(()) => self.evidence(now, key, Evidence::Connected),
            Err(_) => Turn::None,
        };
        match (kept, self.keeps(key)) {
            (true, false) => Turn::Ejected,
            (false, true) => Turn::Moved,
            _ => turn,
        }
    }

    /// Backends that should be tried with one connection now, its outcome told as evidence: ejected ones whose time is over,
    /// new ones of which nothing was heard, and those that gossip doubts. Each is returned once per due try.
    pub fn due_trials(&mut self, now: Instant) -> Vec<Choice> {
        self.release(now);
        let mut due = Vec::new();
        while let Some(key) = self.trials.due(now) {
            let Some(backend) = self.backends.get_mut(key) else { break };
            due.push(Choice { key, addr: backend.picture.addr });
            self.trials.plan(key, &mut backend.trial, None);
            backend.health.trial_started(now);
            self.schedule(key);
        }
        due
    }

    /// When [`Balancer::due_trials`] has something to say or to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.trials.next().into_iter().chain(self.releases.next()).min()
    }

    /// Keeps the agendas in step with a backend's own wishes.
    pub(crate) fn schedule(&mut self, key: Key) {
        let Some(backend) = self.backends.get_mut(key) else { return };
        let wanted = backend.health.trial().filter(|_| !backend.is_withdrawn());
        self.trials.plan(key, &mut backend.trial, wanted);
        if backend.is_withdrawn() {
            self.checks.plan(key, &mut backend.check, None);
            self.releases.plan(key, &mut backend.release, None);
        }
    }

    /// Begins to check a backend, or ceases to, as its service's policy says. Whatever checks said before is forgotten.
    pub(crate) fn begin_checks(&mut self, now: Instant, key: Key) {
        let Some(backend) = self.backends.get_mut(key) else { return };
        let policy = self.pools.get(&backend.service).and_then(|pool| pool.policy.checks.as_ref());
        backend.checked = Checked::default();
        // The first ones are spread over a moment, or a big picture would be one burst.
        let spread = |most: Duration| u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        let first = policy
            .filter(|_| backend.seat.is_some())
            .map(|policy| now + Duration::from_micros(self.rng.u64(0..=spread(policy.fast_interval))));
        self.checks.plan(key, &mut backend.check, first);
    }
}
