//! Whose turn it is among those equally preferred: one way for each [`Algorithm`].
//!
//! A picker holds slots and asks the seats for the rest. What it answers it does not take: the pool takes it, or puts
//! those already tried aside first.

mod drawn;
mod first;
mod least;
mod turns;
mod two;

use crate::seat::Seats;
use crate::{Algorithm, Instant};
use drawn::Drawn;
use first::First;
use least::Least;
pub(crate) use turns::Credit;
use turns::Turns;
use two::Two;

#[derive(Debug)]
pub(crate) enum Picker {
    /// Also for hashing, when a request has nothing to hash.
    Turns(Turns),
    Least(Least),
    Two(Two),
    Drawn(Drawn),
    First(First),
}

impl Picker {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::RoundRobin | Algorithm::Hash => Self::Turns(Turns::default()),
            Algorithm::LeastConn => Self::Least(Least::default()),
            Algorithm::PowerOfTwo => Self::Two(Two::default()),
            Algorithm::Random => Self::Drawn(Drawn::default()),
            Algorithm::First => Self::First(First::default()),
        }
    }

    pub(crate) fn insert(&mut self, slot: u32, seats: &Seats, credit: Credit) {
        let Some(seat) = seats.get(slot) else { return };
        match self {
            Self::Turns(turns) => turns.insert(slot, seat.share(), credit, seat.lot),
            Self::Least(least) => least.set(slot, seat),
            Self::Two(two) => two.insert(slot),
            Self::Drawn(drawn) => drawn.set(slot, seat.share()),
            Self::First(first) => first.insert(slot, seat),
        }
    }

    /// Takes one out who is there; what it is owed it brings along when it comes back.
    pub(crate) fn remove(&mut self, slot: u32, seats: &Seats) -> Credit {
        match self {
            Self::Turns(turns) => return turns.remove(slot),
            Self::Least(least) => least.remove(slot),
            Self::Two(two) => two.remove(slot),
            Self::Drawn(drawn) => drawn.set(slot, 0),
            Self::First(first) => {
                if let Some(seat) = seats.get(slot) {
                    first.remove(slot, seat);
                }
            }
        }
        Credit::default()
    }

    /// A member's requests in flight changed.
    pub(crate) fn loaded(&mut self, slot: u32, seats: &Seats) {
        if let (Self::Least(least), Some(seat)) = (self, seats.get(slot)) {
            least.set(slot, seat);
        }
    }

    pub(crate) fn next(&mut self, now: Instant, seats: &Seats, rng: &mut fastrand::Rng) -> Option<u32> {
        match self {
            Self::Turns(turns) => turns.next(),
            Self::Least(least) => least.next(),
            Self::Two(two) => two.next(now, seats, rng),
            Self::Drawn(drawn) => drawn.next(rng),
            Self::First(first) => first.next(),
        }
    }

    /// What [`Picker::next`] answered is taken.
    pub(crate) fn take(&mut self, slot: u32, seats: &Seats) {
        match self {
            Self::Turns(turns) => turns.take(slot),
            Self::Least(least) => {
                if let Some(seat) = seats.get(slot) {
                    least.take(slot, seat);
                }
            }
            Self::Two(_) | Self::Drawn(_) | Self::First(_) => {}
        }
    }
}
