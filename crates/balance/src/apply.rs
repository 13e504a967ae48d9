//! Taking a new picture over.
//!
//! Pools and pictures are in the same order, so one walk through both finds what differs; only that costs more than the
//! walk.

use crate::backend::Backend;
use crate::balancer::{Balancer, Change, Name};
use crate::checks::Checked;
use crate::health::Health;
use crate::key::{Choice, Key};
use crate::outliers::Record;
use crate::policy::Stickiness;
use crate::traits::Traits;
use crate::{Instant, StableId, pool::Pool};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use muster_fleet::{Picture, Standing};

/// What differs between the balancer and a picture.
#[derive(Default)]
struct Difference<'a> {
    /// In the picture no more, or elsewhere.
    departed: Vec<Key>,
    /// New, or not as they were, with their service.
    other: Vec<(&'a str, &'a str, &'a muster_fleet::Backend, Option<Key>)>,
}

impl Balancer {
    /// Takes a new picture over (already merged, see [`muster_fleet::Follower`]). Evidence about backends that stay is
    /// kept. Withdrawals come first among the changes.
    pub fn apply(&mut self, now: Instant, picture: &Picture) -> Vec<Change> {
        self.epoch = picture.epoch;
        self.version = picture.version;
        let mut changes = Vec::new();
        let difference = self.difference(picture);
        for key in difference.departed {
            self.part(key, &mut changes);
        }
        self.backends.reserve(difference.other.iter().filter(|(.., known)| known.is_none()).count());
        let mut named: Option<Arc<str>> = None;
        for (service, node, backend, known) in difference.other {
            let key = known.unwrap_or_else(|| {
                // Backends of a service share its name.
                let shared = named.take().filter(|name| **name == *service).unwrap_or_else(|| service.into());
                let name = (Arc::clone(&shared), Arc::from(node), backend.addr);
                named = Some(shared);
                self.recall(&name).unwrap_or_else(|| self.admit(now, &name, backend))
            });
            self.update(now, key, Some(backend), &mut changes);
        }
        changes.sort_by_key(|change| !matches!(change, Change::Withdrawn(_)));
        changes
    }

    fn difference<'a>(&self, picture: &'a Picture) -> Difference<'a> {
        let mut difference = Difference::default();
        for (name, pool) in &self.pools {
            if !picture.services.contains_key(&**name) {
                difference.departed.extend(pool.nodes.values());
            }
        }
        for (service, listed) in &picture.services {
            let pool = self.pools.get(service.as_str());
            let mut known = pool.into_iter().flat_map(|pool| &pool.nodes).peekable();
            for (node, backend) in &listed.backends {
                let mut here = None;
                while let Some((known_node, key)) = known.peek().copied() {
                    match (**known_node).cmp(node.as_str()) {
                        Ordering::Less => difference.departed.push(*key),
                        Ordering::Equal => here = Some(*key),
                        Ordering::Greater => break,
                    }
                    known.next();
                    if here.is_some() {
                        break;
                    }
                }
                match here.map(|key| (key, self.backends.get(key))) {
                    Some((_, Some(held))) if held.picture == *backend => {}
                    Some((key, Some(held))) if held.picture.addr == backend.addr => {
                        difference.other.push((service, node, backend, Some(key)));
                    }
                    here => {
                        difference.departed.extend(here.map(|(key, _)| key));
                        difference.other.push((service, node, backend, None));
                    }
                }
            }
            difference.departed.extend(known.map(|(_, key)| *key));
        }
        difference
    }

    fn part(&mut self, key: Key, changes: &mut Vec<Change>) {
        let Some(backend) = self.backends.get_mut(key) else { return };
        backend.listed = false;
        backend.standing = Standing::Withdrawn;
        if let Some(pool) = self.pools.get_mut(&backend.service) {
            pool.nodes.remove(&backend.node);
            if pool.ids.get(&backend.id) == Some(&key) {
                pool.ids.remove(&backend.id);
            }
            if let Some(seat) = backend.seat.take() {
                pool.unseat(seat);
                self.draining += backend.in_flight;
                changes.push(Change::Withdrawn(key));
            }
            if pool.nodes.is_empty() {
                self.pools.remove(&backend.service);
            }
        }
        let name = (backend.in_flight > 0).then(|| backend.name());
        self.schedule(key);
        match name {
            Some(name) => _ = self.leaving.insert(name, key),
            None => self.backends.remove(key),
        }
    }

    /// One that left the picture, is back, and still has requests in flight.
    fn recall(&mut self, name: &Name) -> Option<Key> {
        let key = self.leaving.remove(name)?;
        let traits = self.traits_of(name);
        let backend = self.backends.get_mut(key)?;
        (backend.listed, backend.traits) = (true, traits);
        self.enlist(name, key);
        Some(key)
    }

    fn admit(&mut self, now: Instant, name: &Name, listed: &muster_fleet::Backend) -> Key {
        let traits = self.traits_of(name);
        let key = self.backends.insert(Backend {
            service: Arc::clone(&name.0),
            node: Arc::clone(&name.1),
            id: StableId::new(self.secret, &name.0, &name.1),
            picture: listed.clone(),
            traits,
            zone: 0,
            standing: Standing::Withdrawn,
            listed: true,
            appeared: false,
            health: Health::awaiting_first_connection(now),
            checked: Checked::default(),
            record: Record::default(),
            trial: None,
            check: None,
            release: None,
            seat: None,
            in_flight: 0,
            requests: 0,
            failures: 0,
        });
        self.enlist(name, key);
        key
    }

    /// They may have changed while it was away.
    fn traits_of(&self, (service, node, _): &Name) -> Traits {
        self.traits.get(&**service).and_then(|nodes| nodes.get(&**node)).cloned().unwrap_or_default()
    }

    fn enlist(&mut self, (service, node, _): &Name, key: Key) {
        let pool = match self.pools.get_mut(service) {
            Some(pool) => pool,
            None => {
                let policy = self.policies.get(&**service).cloned().unwrap_or_default();
                self.pools.entry(Arc::clone(service)).or_insert_with(|| Pool::new(policy))
            }
        };
        pool.nodes.insert(Arc::clone(node), key);
        if let Some(backend) = self.backends.get(key).filter(|_| pool.policy.sticky == Stickiness::Cookie) {
            pool.ids.insert(backend.id, key);
        }
    }

    /// Draws the consequences of how a backend is `listed` now (`None`: as before) and of its traits.
    pub(crate) fn update(
        &mut self,
        now: Instant,
        key: Key,
        listed: Option<&muster_fleet::Backend>,
        changes: &mut Vec<Change>,
    ) {
        let Some(backend) = self.backends.get_mut(key) else { return };
        let Some(pool) = self.pools.get_mut(&backend.service) else { return };
        if let Some(listed) = listed {
            backend.picture.clone_from(listed);
        }
        let standing =
            if backend.traits.maintenance { Standing::Withdrawn } else { backend.picture.standing };
        backend.zone = pool.zone(backend.traits.zone.as_deref());
        let before = core::mem::replace(&mut backend.standing, standing);
        let mut begins = false;
        match (before, standing) {
            (Standing::Withdrawn, Standing::Withdrawn) => {}
            (Standing::Withdrawn, _) => {
                let choice = Choice { key, addr: backend.picture.addr };
                self.draining -= backend.in_flight;
                begins = true;
                (backend.checked, backend.record) = (Checked::default(), Record::default());
                if backend.appeared {
                    // It may have been restarted meanwhile: what was seen of it before says little.
                    backend.health = Health::new(now);
                    changes.push(Change::Returned(key));
                } else {
                    backend.appeared = true;
                    backend.health = Health::awaiting_first_connection(now);
                    changes.push(Change::Appeared(choice));
                }
                backend.seat = Some(pool.seat(now, backend.newcomer(choice), &mut self.rng));
            }
            (_, Standing::Withdrawn) => {
                backend.seat.take().into_iter().for_each(|seat| pool.unseat(seat));
                self.draining += backend.in_flight;
                changes.push(Change::Withdrawn(key));
            }
            (Standing::Ready, Standing::Demoted) => backend.health.doubted(now),
            (Standing::Demoted, Standing::Ready) => backend.health.vouched_for(now),
            (Standing::Ready, Standing::Ready) | (Standing::Demoted, Standing::Demoted) => {}
        }
        self.rank(now, key);
        self.schedule(key);
        if begins {
            self.begin_checks(now, key);
        }
    }
}
