//! Fewest requests in flight per weight, in O(log n).

use crate::heap::Heap;
use crate::seat::Seat;
use alloc::vec::Vec;

/// One request in flight on a share of one.
const REQUEST: u64 = 1 << 24;
/// One pick of a share of one.
const STEP: u64 = 1 << 24;

/// By load, then by whose turn it is. A turn begins where the member's last one ended, but not before the last one taken by
/// anybody began (start-time fair queueing; Goyal, Vin and Cheng, 1996): who got little while it was busy is not owed it
/// once all are idle.
#[derive(Debug, Default)]
pub(crate) struct Least {
    /// Load, beginning of the next turn, lot.
    order: Heap<(u64, u64, u32)>,
    starts: Vec<u64>,
    clock: u64,
}

impl Least {
    pub(crate) fn set(&mut self, slot: u32, seat: &Seat) {
        if self.starts.len() <= slot as usize {
            self.starts.resize(slot as usize + 1, 0);
        }
        let start = self.starts[slot as usize].max(self.clock);
        let load = u64::from(seat.in_flight) * REQUEST / u64::from(seat.share());
        self.order.set(slot, (load, start, seat.lot));
    }

    pub(crate) fn remove(&mut self, slot: u32) {
        self.order.remove(slot);
    }

    pub(crate) fn next(&self) -> Option<u32> {
        self.order.peek().map(|(_, slot)| slot)
    }

    pub(crate) fn take(&mut self, slot: u32, seat: &Seat) {
        let start = &mut self.starts[slot as usize];
        let begun = (*start).max(self.clock);
        self.clock = begun;
        *start = begun + STEP / u64::from(seat.share());
        self.set(slot, seat);
    }
}
