//! One service's backends, and whose turn it is.

use crate::key::{Choice, Key};
use crate::tier::Tier;
use crate::turns::{Credit, Turns};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

/// What a pick depends on and evidence or pictures may change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rank {
    pub(crate) weight: u16,
    pub(crate) tier: Tier,
    /// It has answered, and nothing is held against it.
    pub(crate) answers: bool,
}

/// What a pick needs to know of a backend; kept together, apart from the rest of it.
#[derive(Debug)]
struct Seat {
    key: Key,
    addr: SocketAddr,
    rank: Rank,
    lot: u32,
}

/// A service.
///
/// Those of a tier take weighted turns. Credit only moves between those of one tier, so a backend that comes back from an
/// ejection is owed no more than it was; newcomers begin with none.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    /// Backends in the picture, withdrawn ones included.
    pub(crate) nodes: BTreeMap<Arc<str>, Key>,
    /// Those that may be picked, by slot. Slots are used again.
    seats: Vec<Option<Seat>>,
    free: Vec<u32>,
    tiers: [Ring; Tier::COUNT],
    /// How many seats are of a sound tier.
    sound: usize,
    /// How many answer.
    answering: usize,
}

/// Those of one tier.
#[derive(Debug, Default)]
struct Ring {
    len: usize,
    turns: Turns,
}

impl Pool {
    /// Who is next: the best tier's turn, the slots in `tried` left out. Does not allocate unless some were tried.
    pub(crate) fn pick(&mut self, tried: &[u32]) -> Option<Choice> {
        let slot = if tried.is_empty() {
            let ring = self.tiers.iter_mut().find(|ring| ring.len > 0)?;
            let slot = ring.turns.next()?;
            ring.turns.take(slot);
            slot
        } else {
            self.pick_untried(tried)?
        };
        let seat = self.seats[slot as usize].as_ref()?;
        Some(Choice { key: seat.key, addr: seat.addr })
    }

    /// Those tried stand aside for one pick, which leaves their credit as it was: turns they could not take are no debt.
    fn pick_untried(&mut self, tried: &[u32]) -> Option<u32> {
        for (tier, ring) in self.tiers.iter_mut().enumerate().filter(|(_, ring)| ring.len > 0) {
            let here = |slot: &u32| {
                let seat = self.seats.get(*slot as usize).and_then(Option::as_ref)?;
                (seat.rank.tier as usize == tier).then_some((*slot, seat.rank.weight, seat.lot))
            };
            let mut aside: Vec<(u32, u16, u32)> = tried.iter().filter_map(here).collect();
            aside.sort_unstable();
            aside.dedup();
            if aside.len() == ring.len {
                continue;
            }
            let credits: Vec<Credit> = aside.iter().map(|(slot, ..)| ring.turns.remove(*slot)).collect();
            let next = ring.turns.next();
            if let Some(slot) = next {
                ring.turns.take(slot);
            }
            for ((slot, weight, lot), credit) in aside.into_iter().zip(credits) {
                ring.turns.insert(slot, share(weight), credit, lot);
            }
            return next;
        }
        None
    }

    /// Adds a backend; returns its slot.
    pub(crate) fn seat(&mut self, choice: Choice, rank: Rank, rng: &mut fastrand::Rng) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.seats.push(None);
            u32::try_from(self.seats.len() - 1).expect("a picture has at most 65,536 backends")
        });
        let lot = rng.u32(..);
        self.seats[slot as usize] = Some(Seat { key: choice.key, addr: choice.addr, rank, lot });
        self.enter(slot, rank, lot, Credit::default());
        slot
    }

    pub(crate) fn unseat(&mut self, slot: u32) {
        let Some(seat) = self.seats.get_mut(slot as usize).and_then(Option::take) else { return };
        self.exit(slot, seat.rank);
        self.free.push(slot);
    }

    pub(crate) fn set(&mut self, slot: u32, rank: Rank) {
        let Some(seat) = self.seats.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        let before = core::mem::replace(&mut seat.rank, rank);
        let lot = seat.lot;
        if before != rank {
            let credit = self.exit(slot, before);
            self.enter(slot, rank, lot, credit);
        }
    }

    fn enter(&mut self, slot: u32, rank: Rank, lot: u32, credit: Credit) {
        let ring = &mut self.tiers[rank.tier as usize];
        ring.len += 1;
        ring.turns.insert(slot, share(rank.weight), credit, lot);
        self.sound += usize::from(rank.tier.is_sound());
        self.answering += usize::from(rank.answers);
    }

    fn exit(&mut self, slot: u32, rank: Rank) -> Credit {
        self.sound -= usize::from(rank.tier.is_sound());
        self.answering -= usize::from(rank.answers);
        let ring = &mut self.tiers[rank.tier as usize];
        ring.len -= 1;
        ring.turns.remove(slot)
    }

    fn rank(&self, slot: Option<u32>) -> Option<Rank> {
        self.seats.get(slot? as usize)?.as_ref().map(|seat| seat.rank)
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

fn share(weight: u16) -> u32 {
    u32::from(weight.max(1))
}

#[cfg(test)]
mod tests;
