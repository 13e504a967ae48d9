//! What configuration and operators decide: policies of services, traits of backends.

use crate::balancer::{Balancer, Change};
use crate::key::Key;
use crate::outliers::Record;
use crate::policy::{Policy, Stickiness};
use crate::traits::Traits;
use crate::{Instant, StableId};
use alloc::vec::Vec;

impl Balancer {
    /// Sets how backends of a service are chosen, from the next pick on. What is known of them is kept.
    pub fn set_policy(&mut self, now: Instant, service: &str, policy: &Policy) {
        let before = self.policies.insert(service.into(), policy.clone());
        if before.as_ref() == Some(policy) {
            return;
        }
        let Some(pool) = self.pools.get_mut(service) else { return };
        let (old_checks, old_outliers) = (pool.policy.checks.clone(), pool.policy.outliers.clone());
        pool.set_policy(policy.clone());
        let keys: Vec<Key> = pool.nodes.values().copied().collect();
        if policy.sticky == Stickiness::Cookie {
            let ids = keys.iter().filter_map(|key| Some((self.backends.get(*key)?.id, *key)));
            pool.ids = ids.collect();
        }
        for key in keys {
            if policy.checks != old_checks {
                self.begin_checks(now, key);
            }
            if let Some(backend) = self.backends.get_mut(key).filter(|_| policy.outliers != old_outliers) {
                backend.record = Record::default();
                self.releases.plan(key, &mut backend.release, None);
            }
            self.rank(now, key);
        }
    }

    /// Says what else is known of a backend, whether it is in the picture or not; it counts from now on. Act on what is
    /// returned as on what [`Balancer::apply`] returns.
    pub fn describe(&mut self, now: Instant, service: &str, node: &str, traits: Traits) -> Vec<Change> {
        let mut changes = Vec::new();
        let pool = self.pools.get_mut(service);
        let key = pool.and_then(|pool| pool.nodes.get(node)).copied();
        if let Some(backend) = key.and_then(|key| self.backends.get_mut(key)) {
            backend.traits = traits.clone();
        }
        let described = self.traits.entry(service.into()).or_default();
        match traits == Traits::default() {
            true => _ = described.remove(node),
            false => _ = described.insert(node.into(), traits),
        }
        if described.is_empty() {
            self.traits.remove(service);
        }
        if let Some(key) = key {
            self.update(now, key, None, &mut changes);
        }
        changes
    }

    /// What names this backend to all balancers with the same secret: the shell signs it and makes a cookie of it.
    pub fn stable_id(&self, key: Key) -> Option<StableId> {
        self.backends.get(key).map(|backend| backend.id)
    }

    /// The same for a node of a service, whether it is in the picture or not: for cookies with names of an operator's choice.
    pub fn stable_id_of(&self, service: &str, node: &str) -> StableId {
        StableId::new(self.secret, service, node)
    }
}
