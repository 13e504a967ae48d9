//! What a pick needs to know of a backend; kept together, apart from the rest of it.

use crate::id::StableId;
use crate::key::Choice;
use crate::latency::Latency;
use crate::picker::Credit;
use crate::slow_start::Warmth;
use crate::tier::Tier;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// In how many steps a weight rises.
pub(crate) const STEPS: u8 = 20;

/// What a pick depends on and evidence, pictures or operators may change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rank {
    /// 0: nothing but what sticks to it.
    pub(crate) weight: u16,
    pub(crate) tier: Tier,
    /// Checks or a comparison with its peers say that it should not serve.
    pub(crate) judged: bool,
    pub(crate) backup: bool,
    pub(crate) zone: u16,
    /// Most requests in flight; `None`: as the policy says.
    pub(crate) limit: Option<u32>,
    /// It has answered, and nothing is held against it.
    pub(crate) answers: bool,
}

#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) choice: Choice,
    pub(crate) node: Arc<str>,
    pub(crate) id: StableId,
    pub(crate) rank: Rank,
    pub(crate) in_flight: u32,
    pub(crate) latency: Latency,
    pub(crate) warmth: Warmth,
    /// Of [`STEPS`] to its whole weight.
    pub(crate) step: u8,
    /// What it is owed, while it is in no ring.
    pub(crate) credit: Credit,
    /// Decides between equals, differently on each balancer.
    pub(crate) lot: u32,
}

impl Seat {
    /// Its part of the picks, at least 1.
    pub(crate) fn share(&self) -> u32 {
        u32::from(self.rank.weight.max(1)) * u32::from(self.step)
    }
}

/// Seats by slot. Slots are used again, so their numbers stay small.
#[derive(Debug, Default)]
pub(crate) struct Seats {
    slots: Vec<Option<Seat>>,
    free: Vec<u32>,
}

impl Seats {
    pub(crate) fn insert(&mut self, seat: Seat) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("a picture has at most 65,536 backends")
        });
        self.slots[slot as usize] = Some(seat);
        slot
    }

    pub(crate) fn remove(&mut self, slot: u32) -> Option<Seat> {
        let seat = self.slots.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        Some(seat)
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&Seat> {
        self.slots.get(slot as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut Seat> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Seat)> {
        let slots = (0..).zip(&self.slots);
        slots.filter_map(|(slot, seat)| Some((slot, seat.as_ref()?)))
    }
}
