//! The better of two drawn at random: nearly as good as the best of all, without every balancer choosing the same one
//! (Mitzenmacher, "The power of two choices in randomized load balancing", 2001).

use crate::Instant;
use crate::seat::{Seat, Seats};
use alloc::vec::Vec;

const NOWHERE: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(crate) struct Two {
    members: Vec<u32>,
    /// Index in `members` by slot.
    places: Vec<u32>,
}

impl Two {
    pub(crate) fn insert(&mut self, slot: u32) {
        if self.places.len() <= slot as usize {
            self.places.resize(slot as usize + 1, NOWHERE);
        }
        self.places[slot as usize] = u32::try_from(self.members.len()).expect("no more members than slots");
        self.members.push(slot);
    }

    pub(crate) fn remove(&mut self, slot: u32) {
        let Some(place) = self.places.get_mut(slot as usize) else { return };
        let place = core::mem::replace(place, NOWHERE);
        if place == NOWHERE {
            return;
        }
        self.members.swap_remove(place as usize);
        if let Some(moved) = self.members.get(place as usize) {
            self.places[*moved as usize] = place;
        }
    }

    pub(crate) fn next(&self, now: Instant, seats: &Seats, rng: &mut fastrand::Rng) -> Option<u32> {
        let count = self.members.len();
        if count < 2 {
            return self.members.first().copied();
        }
        let one = rng.usize(..count);
        let other = (one + rng.usize(1..count)) % count;
        let (one, other) = (self.members[one], self.members[other]);
        let cost = |slot| seats.get(slot).map_or(f64::INFINITY, |seat| cost(now, seat));
        Some(if cost(other) < cost(one) { other } else { one })
    }
}

/// What a request sent there may expect to wait, for a weight of one.
fn cost(now: Instant, seat: &Seat) -> f64 {
    seat.latency.now(now) * (f64::from(seat.in_flight) + 1.0) / f64::from(seat.share())
}
