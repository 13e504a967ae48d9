//! One service's backends, and how they rank.
//!
//! Backends equally preferred are a ring, one for each [`Level`], and a picker chooses within it; see `choose.rs`. One that is
//! full is in no ring. Nothing here walks over all seats except a change of the policy.

use crate::Instant;
use crate::guard::Drops;
use crate::id::StableId;
use crate::key::{Choice, Key};
use crate::latency::Latency;
use crate::level::{Class, Level};
use crate::picker::Credit;
use crate::points::Points;
use crate::policy::{Algorithm, Policy, Stickiness};
use crate::ring::Ring;
use crate::seat::{Rank, STEPS, Seat, Seats};
use crate::slow_start::{Warming, Warmth};
use crate::zones::{UNKNOWN, Zones};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// Most weights that rise before one pick.
const STEPS_AT_ONCE: usize = 64;

/// A service.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Backends in the picture, withdrawn ones included.
    pub(crate) nodes: BTreeMap<Arc<str>, Key>,
    /// The same by their ids; kept only where cookies stick.
    pub(crate) ids: BTreeMap<StableId, Key>,
    pub(crate) policy: Policy,
    /// Those that may be picked.
    pub(crate) seats: Seats,
    /// By level.
    pub(crate) rings: [Ring; Level::COUNT],
    /// How many seats of a level are full, and so not in its ring.
    pub(crate) full: [u32; Level::COUNT],
    /// Levels with any seat, by their bits.
    pub(crate) occupied: u32,
    /// Kept only where something is hashed.
    pub(crate) points: Option<Points>,
    zones: Zones,
    own_zone: Option<u16>,
    /// How much of a request the zones abroad are owed; of [`crate::zones::ALL`].
    pub(crate) owed_abroad: u32,
    warming: Warming,
    /// How many seats there are, how many of them are usable, and which are kept out by a judgement only.
    seated: usize,
    usable: usize,
    judged: BTreeSet<u32>,
    /// Too few are usable: judgements do not count.
    pub(crate) panics: bool,
    drops: Drops,
    /// Since when outliers are being looked for.
    pub(crate) window_since: Instant,
    /// How many seats are of a sound tier.
    sound: usize,
    /// How many answer.
    answering: usize,
}

impl Pool {
    pub(crate) fn new(policy: Policy) -> Self {
        let hashes = policy.algorithm == Algorithm::Hash || policy.sticky == Stickiness::Source;
        let mut zones = Zones::default();
        Self {
            nodes: BTreeMap::new(),
            ids: BTreeMap::new(),
            seats: Seats::default(),
            rings: core::array::from_fn(|_| Ring::new(policy.algorithm)),
            full: [0; Level::COUNT],
            occupied: 0,
            points: hashes.then(Points::default),
            own_zone: policy.zone.as_deref().map(|name| zones.id(name)),
            zones,
            owed_abroad: 0,
            warming: Warming::default(),
            seated: 0,
            usable: 0,
            judged: BTreeSet::new(),
            panics: false,
            drops: Drops::default(),
            window_since: Instant::default(),
            sound: 0,
            answering: 0,
            policy,
        }
    }

    /// Takes another policy over, except for [`Pool::ids`]. Costs a walk over all seats. Those that are ready count as ready
    /// for long.
    pub(crate) fn set_policy(&mut self, policy: Policy) {
        let own_zone = policy.zone.clone();
        let Self { nodes, seats, mut zones, .. } = core::mem::replace(self, Self::new(policy));
        zones.clear();
        self.own_zone = own_zone.map(|name| zones.id(&name));
        (self.nodes, self.seats, self.zones) = (nodes, seats, zones);
        let slots: Vec<u32> = self.seats.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            let Some(seat) = self.seats.get_mut(slot) else { continue };
            (seat.warmth, seat.step, seat.credit) = (Warmth::Cold, STEPS, Credit::default());
            let (ready, weight) = (is_ready(seat.rank), seat.rank.weight);
            self.warming.set(Instant::default(), slot, seat, ready, Duration::ZERO);
            self.enter(slot);
            if let Some(points) = &mut self.points {
                points.add(slot, weight);
            }
        }
        self.heed();
    }

    /// The number of a zone.
    pub(crate) fn zone(&mut self, name: Option<&str>) -> u16 {
        name.map_or(UNKNOWN, |name| self.zones.id(name))
    }

    /// How many of [`crate::zones::ALL`] requests stay in our zone.
    pub(crate) fn staying(&self) -> u32 {
        let own = self.own_zone.unwrap_or(UNKNOWN);
        self.zones.staying(own, self.policy.zone_factor_percent)
    }

    /// Adds a backend; returns its slot.
    pub(crate) fn seat(&mut self, now: Instant, newcomer: Newcomer, rng: &mut fastrand::Rng) -> u32 {
        self.tick(now);
        let Newcomer { choice, node, id, rank, in_flight } = newcomer;
        let slot = self.seats.insert(Seat {
            choice,
            node,
            id,
            rank,
            in_flight,
            latency: Latency::default(),
            warmth: Warmth::Cold,
            step: STEPS,
            credit: Credit::default(),
            lot: rng.u32(..),
        });
        if let Some(seat) = self.seats.get_mut(slot) {
            self.warming.set(now, slot, seat, is_ready(rank), self.policy.slow_start);
        }
        self.enter(slot);
        self.heed();
        if let Some(points) = &mut self.points {
            points.add(slot, rank.weight);
        }
        slot
    }

    pub(crate) fn unseat(&mut self, slot: u32) {
        let Some(rank) = self.rank(Some(slot)) else { return };
        self.exit(slot);
        if let Some(mut seat) = self.seats.remove(slot) {
            self.warming.forget(slot, &mut seat, self.policy.slow_start);
        }
        self.heed();
        if let Some(points) = &mut self.points {
            points.remove(slot, rank.weight);
        }
    }

    pub(crate) fn set(&mut self, now: Instant, slot: u32, rank: Rank) {
        let Some(before) = self.rank(Some(slot)).filter(|before| *before != rank) else { return };
        self.tick(now);
        self.exit(slot);
        if let Some(seat) = self.seats.get_mut(slot) {
            seat.rank = rank;
            self.warming.set(now, slot, seat, is_ready(rank), self.policy.slow_start);
        }
        self.enter(slot);
        self.heed();
        if let Some(points) = self.points.as_mut().filter(|_| before.weight != rank.weight) {
            points.remove(slot, before.weight);
            points.add(slot, rank.weight);
        }
    }

    /// So many requests are in flight on a backend now.
    pub(crate) fn load(&mut self, slot: u32, in_flight: u32) {
        let Some(seat) = self.seats.get(slot) else { return };
        let before = seat.in_flight;
        let limit = self.limit(seat.rank);
        let moves = (before >= limit) != (in_flight >= limit);
        let stands = !moves && before < limit;
        let index = self.level(seat.rank).index();
        if moves {
            self.exit(slot);
        }
        if let Some(seat) = self.seats.get_mut(slot) {
            seat.in_flight = in_flight;
        }
        if moves {
            self.enter(slot);
        } else if stands {
            self.rings[index].loaded(slot, before, &self.seats);
        }
    }

    /// A backend answered after `took`.
    pub(crate) fn answered(&mut self, now: Instant, slot: u32, took: Duration) {
        if let Some(seat) = self.seats.get_mut(slot) {
            seat.latency.observe(now, took);
        }
    }

    /// Lets weights rise whose time has come; not too many at once, or the steps of thousands would delay one request.
    pub(crate) fn tick(&mut self, now: Instant) {
        for _ in 0..STEPS_AT_ONCE {
            let Some(slot) = self.warming.due(now) else { break };
            self.exit(slot);
            if let Some(seat) = self.seats.get_mut(slot) {
                self.warming.step(now, slot, seat, self.policy.slow_start);
            }
            self.enter(slot);
        }
    }

    fn enter(&mut self, slot: u32) {
        let Some(seat) = self.seats.get(slot) else { return };
        let (rank, level) = (seat.rank, self.level(seat.rank));
        if seat.in_flight >= self.limit(rank) {
            self.full[level.index()] += 1;
        } else {
            self.rings[level.index()].insert(slot, &self.seats);
        }
        self.occupied |= level.bit();
        self.seated += 1;
        self.usable += usize::from(is_usable(rank));
        if rank.judged && !rank.tier.is_ejected() {
            self.judged.insert(slot);
        }
        self.sound += usize::from(self.is_sound(rank));
        self.answering += usize::from(rank.answers);
        if level.class() == Class::Primary {
            self.zones.add(rank.zone, rank.weight);
        }
    }

    /// Takes a seat out of whatever counts it, as long as it is as it was when it entered.
    fn exit(&mut self, slot: u32) {
        let Some(seat) = self.seats.get(slot) else { return };
        let (rank, level) = (seat.rank, self.level(seat.rank));
        let limit = self.limit(rank);
        let ring = &mut self.rings[level.index()];
        if seat.in_flight >= limit {
            self.full[level.index()] -= 1;
        } else {
            let credit = ring.remove(slot, &self.seats);
            if let Some(seat) = self.seats.get_mut(slot) {
                seat.credit = credit;
            }
        }
        if ring.len() == 0 && self.full[level.index()] == 0 {
            self.occupied &= !level.bit();
        }
        self.seated -= 1;
        self.usable -= usize::from(is_usable(rank));
        self.judged.remove(&slot);
        self.sound -= usize::from(self.is_sound(rank));
        self.answering -= usize::from(rank.answers);
        if level.class() == Class::Primary {
            self.zones.subtract(rank.zone, rank.weight);
        }
    }

    pub(crate) fn level(&self, rank: Rank) -> Level {
        let far = self.own_zone.is_some_and(|own| own != rank.zone);
        let tier = if rank.judged && !self.panics { rank.tier.ejected() } else { rank.tier };
        Level::of(tier, rank.backup, rank.weight == 0, far)
    }

    /// Most requests in flight on a backend.
    pub(crate) fn limit(&self, rank: Rank) -> u32 {
        rank.limit.or(self.policy.max_in_flight).filter(|limit| *limit > 0).unwrap_or(u32::MAX)
    }

    /// Connected to before, and not ejected.
    pub(crate) fn is_sound(&self, rank: Rank) -> bool {
        rank.tier.is_sound() && (self.panics || !rank.judged)
    }

    /// Whether one more may be taken out by a judgement now; if so, it is counted.
    pub(crate) fn can_drop_one(&mut self, now: Instant) -> bool {
        self.drops.allow(now, &self.policy.guard, self.seated)
    }

    /// The same for one that serves, if badly: enough others must be left.
    pub(crate) fn can_spare_one(&mut self, now: Instant) -> bool {
        !self.policy.guard.panics(self.usable.saturating_sub(1), self.seated) && self.can_drop_one(now)
    }

    /// Begins or ceases to heed judgements, as the number of the usable demands.
    fn heed(&mut self) {
        let panics = !self.judged.is_empty() && self.policy.guard.panics(self.usable, self.seated);
        if panics != self.panics {
            let judged = self.judged.clone();
            judged.iter().for_each(|slot| self.exit(*slot));
            self.panics = panics;
            judged.iter().for_each(|slot| self.enter(*slot));
        }
    }

    fn rank(&self, slot: Option<u32>) -> Option<Rank> {
        self.seats.get(slot?).map(|seat| seat.rank)
    }

    /// Whether no backend but the one at `slot` is both proven and not ejected.
    pub(crate) fn stands_alone(&self, slot: Option<u32>) -> bool {
        self.sound == usize::from(self.rank(slot).is_some_and(|rank| self.is_sound(rank)))
    }

    /// Whether a backend other than the one at `slot` answers.
    pub(crate) fn another_answers(&self, slot: Option<u32>) -> bool {
        self.answering > usize::from(self.rank(slot).is_some_and(|rank| rank.answers))
    }
}

fn is_usable(rank: Rank) -> bool {
    !rank.judged && !rank.tier.is_ejected()
}

/// Whether it may rise to its weight.
fn is_ready(rank: Rank) -> bool {
    rank.tier.is_sound() && !rank.judged && rank.weight > 0
}

/// A backend about to get a seat.
pub(crate) struct Newcomer {
    pub(crate) choice: Choice,
    pub(crate) node: Arc<str>,
    pub(crate) id: StableId,
    pub(crate) rank: Rank,
    pub(crate) in_flight: u32,
}

#[cfg(test)]
mod tests;
