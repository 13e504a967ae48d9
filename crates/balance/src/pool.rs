//! One service's backends, and whose turn it is.
//!
//! Backends equally preferred are a ring, one for each tier, and a picker chooses within it. Nothing here walks over all
//! seats except a change of the policy.

use crate::hint::Hint;
use crate::key::{Choice, Key};
use crate::picker::Credit;
use crate::points::Points;
use crate::policy::{Algorithm, Policy};
use crate::ring::Ring;
use crate::seat::{Rank, Seat, Seats};
use crate::tier::Tier;
use crate::{Instant, id::StableId, latency::Latency};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// A service.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Backends in the picture, withdrawn ones included.
    pub(crate) nodes: BTreeMap<Arc<str>, Key>,
    policy: Policy,
    /// Those that may be picked.
    seats: Seats,
    /// Best first.
    rings: [Ring; Tier::COUNT],
    /// Kept only where a policy hashes.
    points: Option<Points>,
    /// How many seats are of a sound tier.
    sound: usize,
    /// How many answer.
    answering: usize,
}

impl Pool {
    pub(crate) fn new(policy: Policy) -> Self {
        let points = (policy.algorithm == Algorithm::Hash).then(Points::default);
        Self {
            nodes: BTreeMap::new(),
            seats: Seats::default(),
            rings: core::array::from_fn(|_| Ring::new(policy.algorithm)),
            points,
            sound: 0,
            answering: 0,
            policy,
        }
    }

    /// Takes another policy over. Costs a walk over all seats.
    pub(crate) fn set_policy(&mut self, policy: Policy) {
        let Self { nodes, seats, .. } = core::mem::replace(self, Self::new(policy));
        self.nodes = nodes;
        self.seats = seats;
        let slots: Vec<(u32, u16)> = self.seats.iter().map(|(slot, seat)| (slot, seat.rank.weight)).collect();
        for (slot, weight) in slots {
            self.enter(slot, Credit::default());
            if let Some(points) = &mut self.points {
                points.add(slot, weight);
            }
        }
    }

    /// Who is next: one of the best tier that has anybody but those in `tried`.
    pub(crate) fn pick(
        &mut self,
        now: Instant,
        hint: Hint,
        tried: &[u32],
        rng: &mut fastrand::Rng,
    ) -> Option<Choice> {
        let (tier, aside) = self.best(tried)?;
        let slot = match self.hashed(hint, tier, &aside) {
            Some(slot) => slot,
            None => self.rings[tier].take(&aside, now, &self.seats, rng)?,
        };
        self.seats.get(slot).map(|seat| seat.choice)
    }

    /// The best tier with anybody but those in `tried`, and which of these are in it.
    fn best(&self, tried: &[u32]) -> Option<(usize, Vec<u32>)> {
        let filled = self.rings.iter().enumerate().filter(|(_, ring)| ring.len() > 0);
        let aside = |tier: usize| {
            let here = |slot: &u32| self.seats.get(*slot).is_some_and(|seat| seat.rank.tier as usize == tier);
            let mut aside: Vec<u32> = tried.iter().copied().filter(here).collect();
            aside.sort_unstable();
            aside.dedup();
            aside
        };
        filled
            .map(|(tier, ring)| (tier, aside(tier), ring))
            .find(|(_, aside, ring)| aside.len() < ring.len())
            .map(|(tier, aside, _)| (tier, aside))
    }

    fn hashed(&mut self, hint: Hint, tier: usize, aside: &[u32]) -> Option<u32> {
        let Self { seats, rings, policy, points, .. } = self;
        points.as_mut()?.find(hint.hash?, seats, |slot| {
            seats.get(slot).is_some_and(|seat| seat.rank.tier as usize == tier)
                && !aside.contains(&slot)
                && policy.hash_bound_percent.is_none_or(|percent| rings[tier].has_room(slot, percent, seats))
        })
    }

    /// Adds a backend; returns its slot.
    pub(crate) fn seat(&mut self, newcomer: Newcomer, rng: &mut fastrand::Rng) -> u32 {
        let Newcomer { choice, node, id, rank, in_flight } = newcomer;
        let seat = Seat { choice, node, id, rank, in_flight, latency: Latency::default(), lot: rng.u32(..) };
        let slot = self.seats.insert(seat);
        self.enter(slot, Credit::default());
        if let Some(points) = &mut self.points {
            points.add(slot, rank.weight);
        }
        slot
    }

    pub(crate) fn unseat(&mut self, slot: u32) {
        let Some(rank) = self.rank(Some(slot)) else { return };
        self.exit(slot);
        self.seats.remove(slot);
        if let Some(points) = &mut self.points {
            points.remove(slot, rank.weight);
        }
    }

    pub(crate) fn set(&mut self, slot: u32, rank: Rank) {
        let Some(before) = self.rank(Some(slot)).filter(|before| *before != rank) else { return };
        let credit = self.exit(slot);
        if let Some(seat) = self.seats.get_mut(slot) {
            seat.rank = rank;
        }
        self.enter(slot, credit);
        if let Some(points) = self.points.as_mut().filter(|_| before.weight != rank.weight) {
            points.remove(slot, before.weight);
            points.add(slot, rank.weight);
        }
    }

    /// So many requests are in flight on a backend now.
    pub(crate) fn load(&mut self, slot: u32, in_flight: u32) {
        let Some(seat) = self.seats.get_mut(slot) else { return };
        let before = core::mem::replace(&mut seat.in_flight, in_flight);
        let tier = seat.rank.tier as usize;
        self.rings[tier].loaded(slot, before, &self.seats);
    }

    /// A backend answered after `took`.
    pub(crate) fn answered(&mut self, now: Instant, slot: u32, took: Duration) {
        if let Some(seat) = self.seats.get_mut(slot) {
            seat.latency.observe(now, took);
        }
    }

    fn enter(&mut self, slot: u32, credit: Credit) {
        let Some(rank) = self.rank(Some(slot)) else { return };
        self.rings[rank.tier as usize].insert(slot, &self.seats, credit);
        self.sound += usize::from(rank.tier.is_sound());
        self.answering += usize::from(rank.answers);
    }

    fn exit(&mut self, slot: u32) -> Credit {
        let Some(rank) = self.rank(Some(slot)) else { return Credit::default() };
        self.sound -= usize::from(rank.tier.is_sound());
        self.answering -= usize::from(rank.answers);
        self.rings[rank.tier as usize].remove(slot, &self.seats)
    }

    fn rank(&self, slot: Option<u32>) -> Option<Rank> {
        self.seats.get(slot?).map(|seat| seat.rank)
    }

    /// Whether no backend but the one at `slot` is both proven and not ejected.
    pub(crate) fn stands_alone(&self, slot: Option<u32>) -> bool {
        self.sound == usize::from(self.rank(slot).is_some_and(|rank| rank.tier.is_sound()))
    }

    /// Whether a backend other than the one at `slot` answers.
    pub(crate) fn another_answers(&self, slot: Option<u32>) -> bool {
        self.answering > usize::from(self.rank(slot).is_some_and(|rank| rank.answers))
    }
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
