//! The weight of a backend that has just become ready rises step by step: its caches are cold and its code is not yet
//! compiled.
//!
//! Only beside one that has been ready for at least that long: when a whole service starts, somebody has to serve.

use crate::Instant;
use crate::seat::{STEPS, Seat};
use alloc::collections::BTreeSet;
use core::time::Duration;

/// How long a seat has been ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Warmth {
    /// It is not.
    #[default]
    Cold,
    /// It became ready then, and its weight is rising.
    Rising(Instant),
    /// It became ready then, with its whole weight, since nobody else was there.
    Young(Instant),
    /// For long enough.
    Warm,
}

/// Which seats are due for another step, and how many are warm.
#[derive(Debug, Default)]
pub(crate) struct Warming {
    due: BTreeSet<(Instant, u32)>,
    warm: usize,
}

impl Warming {
    /// Takes note of whether a seat is ready. `whole` is how long a rise takes.
    pub(crate) fn set(&mut self, now: Instant, slot: u32, seat: &mut Seat, ready: bool, whole: Duration) {
        match (seat.warmth, ready) {
            (Warmth::Cold, true) if whole.is_zero() => self.finish(seat),
            (Warmth::Cold, true) if self.warm > 0 => {
                seat.warmth = Warmth::Rising(now);
                seat.step = 1;
                self.due.insert((step_at(now, 2, whole), slot));
            }
            (Warmth::Cold, true) => {
                seat.warmth = Warmth::Young(now);
                self.due.insert((now + whole, slot));
            }
            (Warmth::Cold, false) | (_, true) => {}
            (_, false) => self.forget(slot, seat, whole),
        }
    }

    /// A seat is ready no more, or goes.
    pub(crate) fn forget(&mut self, slot: u32, seat: &mut Seat, whole: Duration) {
        match seat.warmth {
            Warmth::Cold => {}
            Warmth::Rising(since) => _ = self.due.remove(&(step_at(since, seat.step + 1, whole), slot)),
            Warmth::Young(since) => _ = self.due.remove(&(since + whole, slot)),
            Warmth::Warm => self.warm -= 1,
        }
        seat.warmth = Warmth::Cold;
        seat.step = STEPS;
    }

    /// A seat whose next step is due.
    pub(crate) fn due(&mut self, now: Instant) -> Option<u32> {
        let (at, slot) = self.due.first().copied()?;
        if at > now {
            return None;
        }
        self.due.pop_first();
        Some(slot)
    }

    /// Takes a step that was due.
    pub(crate) fn step(&mut self, now: Instant, slot: u32, seat: &mut Seat, whole: Duration) {
        let Warmth::Rising(since) = seat.warmth else { return self.finish(seat) };
        while seat.step < STEPS && step_at(since, seat.step + 1, whole) <= now {
            seat.step += 1;
        }
        if seat.step < STEPS {
            self.due.insert((step_at(since, seat.step + 1, whole), slot));
        } else {
            self.finish(seat);
        }
    }

    fn finish(&mut self, seat: &mut Seat) {
        seat.warmth = Warmth::Warm;
        seat.step = STEPS;
        self.warm += 1;
    }
}

/// When a rise that began at `since` reaches a step.
fn step_at(since: Instant, step: u8, whole: Duration) -> Instant {
    since + whole * u32::from(step - 1) / u32::from(STEPS - 1)
}
