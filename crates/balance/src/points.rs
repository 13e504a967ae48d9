//! Consistent hashing: which backend a hash belongs to, whoever else there is.
//!
//! Each backend has points on a circle of 2^64, as many as its weight asks for, placed by its [`StableId`] alone. A hash is
//! turned into a few probes, and belongs to the point that comes soonest after any of them (Appleton and O'Reilly,
//! "Multi-probe consistent hashing", 2015): with few points shares are as even as with hundreds and one probe. When a backend
//! comes, only what it takes changes its place; when one goes, only what it had.

use crate::id::mix;
use crate::seat::Seats;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Points of a backend by its weight: 80 for the default of 10, 8 for the least.
const POINTS_PER_WEIGHT: u64 = 8;
/// Beyond so many all have fewer, or a picture full of great weights would take gigabytes.
const POINTS_MAX: u64 = 1 << 17;
const PROBES: usize = 5;
/// Most points looked at for one that may be chosen. Where a hundredth may, one is missed once in 10^17 requests.
const STEPS_MAX: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct Points {
    /// Place and slot, in order of place.
    points: Vec<(u64, u32)>,
    /// How often the numbers of points are halved.
    halvings: u32,
    /// Slots whose points are missing, and whose are to go.
    added: BTreeSet<u32>,
    removed: BTreeSet<u32>,
    weights: u64,
}

impl Points {
    pub(crate) fn add(&mut self, slot: u32, weight: u16) {
        self.added.insert(slot);
        self.weights += u64::from(weight.max(1));
    }

    pub(crate) fn remove(&mut self, slot: u32, weight: u16) {
        if !self.added.remove(&slot) {
            self.removed.insert(slot);
        }
        self.weights -= u64::from(weight.max(1));
    }

    /// Whom the hash belongs to among those that `may` have it; after the owner those whose points come next.
    pub(crate) fn find(&mut self, hash: u64, seats: &Seats, mut may: impl FnMut(u32) -> bool) -> Option<u32> {
        self.refresh(seats);
        let count = self.points.len();
        if count == 0 {
            return None;
        }
        let mut probes = [(0_u64, 0_usize); PROBES];
        for (index, probe) in (0_u64..).zip(&mut probes) {
            let place = mix(hash, index);
            let next = self.points.partition_point(|(point, _)| *point < place) % count;
            *probe = (self.points[next].0.wrapping_sub(place), next);
        }
        probes.sort_unstable();
        let nearest = probes.iter().map(|(_, place)| *place);
        let after = (1..count.min(STEPS_MAX)).map(|steps| (probes[0].1 + steps) % count);
        nearest.chain(after).map(|place| self.points[place].1).find(|slot| may(*slot))
    }

    /// Carries out what changed. One pass, however many did; nothing when none did.
    fn refresh(&mut self, seats: &Seats) {
        if self.added.is_empty() && self.removed.is_empty() {
            return;
        }
        let mut halvings = 0;
        while (self.weights * POINTS_PER_WEIGHT) >> halvings > POINTS_MAX {
            halvings += 1;
        }
        if halvings != self.halvings {
            self.halvings = halvings;
            self.points.clear();
            self.added.extend(seats.iter().map(|(slot, _)| slot));
        }
        if !self.removed.is_empty() {
            self.points.retain(|(_, slot)| !self.removed.contains(slot));
        }
        let mut new = Vec::new();
        for slot in &self.added {
            let Some(seat) = seats.get(*slot) else { continue };
            let points = ((u64::from(seat.rank.weight.max(1)) * POINTS_PER_WEIGHT) >> halvings).max(1);
            new.extend((0..points).map(|index| (mix(seat.id.0, index), *slot)));
        }
        // The same place twice is a matter of luck that all balancers must have alike: then the lower id has it.
        let id = |slot: u32| seats.get(slot).map(|seat| seat.id);
        let order = |one: &(u64, u32), other: &(u64, u32)| {
            one.0.cmp(&other.0).then_with(|| id(one.1).cmp(&id(other.1)))
        };
        new.sort_unstable_by(order);
        if self.points.is_empty() {
            self.points = new;
        } else {
            // Two runs in order: a merge.
            self.points.extend(new);
            self.points.sort_by(order);
        }
        self.added.clear();
        self.removed.clear();
    }
}
