//! Taking a new picture over.

use crate::backend::Backend;
use crate::balancer::{Balancer, Change};
use crate::health::Health;
use crate::key::{Choice, Key};
use crate::{Instant, pool::Pool};
use alloc::string::String;
use alloc::vec::Vec;
use muster_fleet::{Picture, Standing};

impl Balancer {
    /// Takes a new picture over (already merged, see [`muster_fleet::Follower`]). Evidence about backends that stay is
    /// kept. Withdrawals come first among the changes.
    pub fn apply(&mut self, now: Instant, picture: &Picture) -> Vec<Change> {
        self.epoch = picture.epoch;
        self.version = picture.version;
        let mut changes = Vec::new();
        for key in self.departed(picture) {
            self.part(key, &mut changes);
        }
        for (service, node, backend) in picture.backends() {
            let known = self.pools.get(service).and_then(|pool| pool.nodes.get(node)).copied();
            let key = known.or_else(|| self.recall(service, node, backend));
            let key = key.unwrap_or_else(|| self.admit(now, service, node, backend));
            self.update(now, key, backend, &mut changes);
        }
        changes.sort_by_key(|change| !matches!(change, Change::Withdrawn(_)));
        changes
    }

    /// Backends the picture has no more, or has elsewhere.
    fn departed(&self, picture: &Picture) -> Vec<Key> {
        let listed = self.pools.values().flat_map(|pool| pool.nodes.values().copied());
        let stays = |backend: &Backend| {
            picture.backend(&backend.service, &backend.node).is_some_and(|listed| listed.addr == backend.addr)
        };
        listed.filter(|key| !self.backends.get(*key).is_some_and(stays)).collect()
    }

    fn part(&mut self, key: Key, changes: &mut Vec<Change>) {
        let Some(backend) = self.backends.get_mut(key) else { return };
        let was_withdrawn = backend.is_withdrawn();
        backend.listed = false;
        backend.standing = Standing::Withdrawn;
        if let Some(pool) = self.pools.get_mut(&backend.service) {
            pool.nodes.remove(&backend.node);
            if !was_withdrawn {
                pool.unseat(key);
                self.draining += backend.in_flight;
                changes.push(Change::Withdrawn(key));
            }
            if pool.nodes.is_empty() {
                self.pools.remove(&backend.service);
            }
        }
        let idle = backend.in_flight == 0;
        self.schedule(key);
        if idle {
            self.backends.remove(key);
        } else {
            self.leaving.push(key);
        }
    }

    /// One that left the picture, is back, and still has requests in flight.
    fn recall(&mut self, service: &str, node: &str, listed: &muster_fleet::Backend) -> Option<Key> {
        let place = self.leaving.iter().position(|key| {
            self.backends.get(*key).is_some_and(|backend| {
                (backend.service.as_str(), backend.node.as_str(), backend.addr)
                    == (service, node, listed.addr)
            })
        })?;
        let key = self.leaving.remove(place);
        self.backends.get_mut(key)?.listed = true;
        self.enlist(service, node, key);
        Some(key)
    }

    fn admit(&mut self, now: Instant, service: &str, node: &str, listed: &muster_fleet::Backend) -> Key {
        let key = self.backends.insert(Backend {
            service: service.into(),
            node: node.into(),
            addr: listed.addr,
            weight: listed.weight,
            standing: Standing::Withdrawn,
            listed: true,
            appeared: false,
            health: Health::awaiting_first_connection(now),
            trial: None,
            in_flight: 0,
            requests: 0,
            failures: 0,
        });
        self.enlist(service, node, key);
        key
    }

    fn enlist(&mut self, service: &str, node: &str, key: Key) {
        let pool: &mut Pool = self.pools.entry(String::from(service)).or_default();
        pool.nodes.insert(node.into(), key);
    }

    fn update(&mut self, now: Instant, key: Key, listed: &muster_fleet::Backend, changes: &mut Vec<Change>) {
        let Some(backend) = self.backends.get_mut(key) else { return };
        let Some(pool) = self.pools.get_mut(&backend.service) else { return };
        let seat_before = (backend.weight, backend.tier());
        let before = core::mem::replace(&mut backend.standing, listed.standing);
        backend.weight = listed.weight;
        match (before, listed.standing) {
            (Standing::Withdrawn, Standing::Withdrawn) => {}
            (Standing::Withdrawn, _) => {
                let choice = Choice { key, addr: backend.addr };
                self.draining -= backend.in_flight;
                if backend.appeared {
                    // It may have been restarted meanwhile: what was seen of it before says little.
                    backend.health = Health::new(now);
                    changes.push(Change::Returned(key));
                } else {
                    backend.appeared = true;
                    backend.health = Health::awaiting_first_connection(now);
                    changes.push(Change::Appeared(choice));
                }
                pool.seat(choice, backend.weight, backend.tier(), &mut self.rng);
            }
            (_, Standing::Withdrawn) => {
                pool.unseat(key);
                self.draining += backend.in_flight;
                changes.push(Change::Withdrawn(key));
            }
            (Standing::Ready, Standing::Demoted) => backend.health.doubted(now),
            (Standing::Demoted, Standing::Ready) => backend.health.vouched_for(now),
            (Standing::Ready, Standing::Ready) | (Standing::Demoted, Standing::Demoted) => {}
        }
        // Finding the seat takes a walk through the pool, and in most pictures most backends are as they were.
        if seat_before != (backend.weight, backend.tier()) {
            pool.set(key, backend.weight, backend.tier());
        }
        self.schedule(key);
    }
}
