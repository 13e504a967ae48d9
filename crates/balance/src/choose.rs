//! Who gets a request: what sticks, then the best level that has anybody, then its picker.

use crate::hint::Hint;
use crate::level::Level;
use crate::policy::{Algorithm, Stickiness};
use crate::pool::Pool;
use crate::zones::ALL;
use crate::{Instant, level::Class};
use alloc::vec::Vec;

/// What a pool answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// The backend at this slot.
    Seat(u32),
    /// All that are good enough have as many requests as they may.
    Full,
    /// None is left.
    Nobody,
}

impl Pool {
    /// Who is next, the slots in `tried` left out. Does not allocate unless some were tried.
    pub(crate) fn pick(&mut self, now: Instant, hint: Hint, tried: &[u32], rng: &mut fastrand::Rng) -> Found {
        self.tick(now);
        let (level, aside) = match self.best(tried) {
            Best::Level(level, aside) => self.or_abroad(level, aside, tried),
            Best::Full => return Found::Full,
            Best::Nobody => return Found::Nobody,
        };
        let kept = self.by_source(hint, level.class(), tried);
        let kept = kept.or_else(|| self.by_hash(hint, level, &aside));
        let found = kept.or_else(|| self.rings[level.index()].take(&aside, now, &self.seats, rng));
        found.map_or(Found::Nobody, Found::Seat)
    }

    /// Whether anybody is left but those in `tried`.
    pub(crate) fn has_any(&self, tried: &[u32]) -> bool {
        !matches!(self.best(tried), Best::Nobody)
    }

    /// The best level with anybody but those in `tried`, in the best class that has anybody, full or not.
    fn best(&self, tried: &[u32]) -> Best {
        let mut bits = self.occupied;
        let mut class = None;
        while let Some(level) = Level::first_of(bits) {
            bits &= !level.bit();
            let (aside, tried_full) = self.tried_at(level, tried);
            let open = self.rings[level.index()].len() - aside.len();
            let full = self.full[level.index()] - tried_full;
            if open == 0 && full == 0 {
                continue;
            }
            if class.is_some_and(|class| class != level.class()) {
                break;
            }
            class = Some(level.class());
            if open > 0 {
                return Best::Level(level, aside);
            }
        }
        if class.is_some() { Best::Full } else { Best::Nobody }
    }

    /// Those tried that are in this level's ring, and how many of them are full instead.
    fn tried_at(&self, level: Level, tried: &[u32]) -> (Vec<u32>, u32) {
        let mut full = 0;
        let mut open = Vec::new();
        for (nth, slot) in tried.iter().enumerate() {
            let Some(seat) = self.seats.get(*slot).filter(|seat| self.level(seat.rank) == level) else {
                continue;
            };
            if tried[..nth].contains(slot) {
                continue;
            }
            match seat.in_flight >= self.limit(seat.rank) {
                true => full += 1,
                false => open.push(*slot),
            }
        }
        (open, full)
    }

    /// The same level in other zones, when ours cannot bear this request too.
    fn or_abroad(&mut self, level: Level, aside: Vec<u32>, tried: &[u32]) -> (Level, Vec<u32>) {
        let abroad = level.abroad().filter(|abroad| self.occupied & abroad.bit() != 0);
        let Some(abroad) = abroad else { return (level, aside) };
        let (aside_abroad, _) = self.tried_at(abroad, tried);
        if self.rings[abroad.index()].len() == aside_abroad.len() {
            return (level, aside);
        }
        self.owed_abroad += ALL - self.staying();
        match self.owed_abroad.checked_sub(ALL) {
            Some(rest) => {
                self.owed_abroad = rest;
                (abroad, aside_abroad)
            }
            None => (level, aside),
        }
    }

    /// Whether a request that names this backend may go there.
    pub(crate) fn may_stick(&self, slot: u32) -> bool {
        self.seats.get(slot).is_some_and(|seat| {
            let rank = seat.rank;
            // Weight 0 keeps what sticks: that is what it is for.
            self.is_sound(rank) && seat.in_flight < self.limit(rank)
        })
    }

    fn by_source(&mut self, hint: Hint, class: Class, tried: &[u32]) -> Option<u32> {
        let source = hint.source.filter(|_| self.policy.sticky == Stickiness::Source)?;
        let mut points = self.points.take()?;
        let found = points.find(source, &self.seats, |slot| {
            !tried.contains(&slot)
                && self.may_stick(slot)
                && self.seats.get(slot).is_some_and(|seat| self.level(seat.rank).class() == class)
        });
        self.points = Some(points);
        found
    }

    fn by_hash(&mut self, hint: Hint, level: Level, aside: &[u32]) -> Option<u32> {
        let hash = hint.hash.filter(|_| self.policy.algorithm == Algorithm::Hash)?;
        let mut points = self.points.take()?;
        let ring = &self.rings[level.index()];
        let found = points.find(hash, &self.seats, |slot| {
            let seat = self.seats.get(slot);
            seat.is_some_and(|seat| self.level(seat.rank) == level && seat.in_flight < self.limit(seat.rank))
                && !aside.contains(&slot)
                && self
                    .policy
                    .hash_bound_percent
                    .is_none_or(|percent| ring.has_room(slot, percent, &self.seats))
        });
        self.points = Some(points);
        found
    }
}

enum Best {
    Level(Level, Vec<u32>),
    Full,
    Nobody,
}
