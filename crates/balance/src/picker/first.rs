//! The first by node name.

use crate::seat::Seat;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;

#[derive(Debug, Default)]
pub(crate) struct First {
    members: BTreeSet<(Arc<str>, u32)>,
}

impl First {
    pub(crate) fn insert(&mut self, slot: u32, seat: &Seat) {
        self.members.insert((Arc::clone(&seat.node), slot));
    }

    pub(crate) fn remove(&mut self, slot: u32, seat: &Seat) {
        self.members.remove(&(Arc::clone(&seat.node), slot));
    }

    pub(crate) fn next(&self) -> Option<u32> {
        self.members.first().map(|(_, slot)| *slot)
    }
}
