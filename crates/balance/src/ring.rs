//! Those of a service who are equally preferred.

use crate::picker::{Credit, Picker};
use crate::seat::Seats;
use crate::{Algorithm, Instant};
use alloc::vec::Vec;

#[derive(Debug)]
pub(crate) struct Ring {
    len: usize,
    picker: Picker,
    /// Sums over its members.
    weight: u64,
    in_flight: u64,
}

impl Ring {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        Self { len: 0, picker: Picker::new(algorithm), weight: 0, in_flight: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn insert(&mut self, slot: u32, seats: &Seats) {
        let Some(seat) = seats.get(slot) else { return };
        self.len += 1;
        self.weight += u64::from(seat.rank.weight);
        self.in_flight += u64::from(seat.in_flight);
        self.picker.insert(slot, seats, seat.credit);
    }

    /// Takes a member out, as long as its seat is as it was when it came or was last [`Ring::loaded`].
    pub(crate) fn remove(&mut self, slot: u32, seats: &Seats) -> Credit {
        let Some(seat) = seats.get(slot) else { return Credit::default() };
        self.len -= 1;
        self.weight -= u64::from(seat.rank.weight);
        self.in_flight -= u64::from(seat.in_flight);
        self.picker.remove(slot, seats)
    }

    /// A member's requests in flight were `before`, and are now what its seat says.
    pub(crate) fn loaded(&mut self, slot: u32, before: u32, seats: &Seats) {
        let Some(seat) = seats.get(slot) else { return };
        self.in_flight = self.in_flight + u64::from(seat.in_flight) - u64::from(before);
        self.picker.loaded(slot, seats);
    }

    /// Takes the next turn. Those `aside`, all members, do not take part, which leaves their credit as it was: turns they
    /// could not take are no debt.
    pub(crate) fn take(
        &mut self,
        aside: &[u32],
        now: Instant,
        seats: &Seats,
        rng: &mut fastrand::Rng,
    ) -> Option<u32> {
        let credits: Vec<Credit> = aside.iter().map(|slot| self.picker.remove(*slot, seats)).collect();
        let next = self.picker.next(now, seats, rng);
        if let Some(slot) = next {
            self.picker.take(slot, seats);
        }
        for (slot, credit) in aside.iter().zip(credits) {
            self.picker.insert(*slot, seats, credit);
        }
        next
    }

    /// Whether a member may have one more request without having more than `percent` of its part by weight of all that are
    /// then in flight here. There is always one who may.
    pub(crate) fn has_room(&self, slot: u32, percent: u16, seats: &Seats) -> bool {
        let Some(seat) = seats.get(slot) else { return false };
        let all = (self.in_flight + 1) * u64::from(seat.rank.weight) * u64::from(percent.max(100));
        u64::from(seat.in_flight) < all.div_ceil(self.weight.max(1) * 100)
    }
}
