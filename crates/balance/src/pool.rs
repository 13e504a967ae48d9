//! One service's backends, and whose turn it is.

use crate::key::{Choice, Key};
use crate::tier::Tier;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

/// What a pick needs to know of a backend; kept together, apart from the rest of it.
#[derive(Clone, Debug)]
struct Seat {
    key: Key,
    addr: SocketAddr,
    weight: i64,
    /// What it is owed, in units of weight.
    credit: i64,
    tier: Tier,
}

/// A service.
///
/// Picks are smooth weighted round robin, as nginx does it (`ngx_http_upstream_get_peer`): everyone eligible is credited
/// its weight, the one with most credit is picked and pays the sum. Over a cycle everyone gets its exact share, evenly
/// spread. Credit only moves between those eligible, so a backend that comes back from an ejection is owed no more than it
/// was. One that leaves takes its credit or debt along, and one that comes is given the mean of what the others have: with
/// nothing, it would wait while they use up what a heavy one left them, or take every turn while they pay.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    /// Backends in the picture, withdrawn ones included.
    pub(crate) nodes: BTreeMap<String, Key>,
    /// Those that may be picked. Order breaks ties.
    ring: Vec<Seat>,
    /// All credit in the ring. Picks move it, only those that come and leave change it.
    credit: i64,
}

impl Pool {
    /// Who is next: the best tier's turn, `tried` left out. Does not allocate.
    pub(crate) fn pick(&mut self, tried: &[Key]) -> Option<Choice> {
        let tier = self.ring.iter().filter(|seat| !tried.contains(&seat.key)).map(|seat| seat.tier).min()?;
        let mut sum = 0;
        let mut next: Option<&mut Seat> = None;
        for seat in &mut self.ring {
            if seat.tier != tier || tried.contains(&seat.key) {
                continue;
            }
            seat.credit += seat.weight;
            sum += seat.weight;
            if next.as_ref().is_none_or(|next| seat.credit > next.credit) {
                next = Some(seat);
            }
        }
        let next = next?;
        next.credit -= sum;
        Some(Choice { key: next.key, addr: next.addr })
    }

    /// Adds a backend at a random place among the others, so that many balancers do not all begin with the same one.
    pub(crate) fn seat(&mut self, choice: Choice, weight: u16, tier: Tier, rng: &mut fastrand::Rng) {
        let count = i64::try_from(self.ring.len()).unwrap_or(i64::MAX).max(1);
        let credit = self.credit / count;
        self.credit += credit;
        let seat = Seat { key: choice.key, addr: choice.addr, weight: weight.max(1).into(), credit, tier };
        self.ring.insert(rng.usize(0..=self.ring.len()), seat);
    }

    pub(crate) fn unseat(&mut self, key: Key) {
        if let Some(place) = self.ring.iter().position(|seat| seat.key == key) {
            self.credit -= self.ring.remove(place).credit;
        }
    }

    pub(crate) fn set(&mut self, key: Key, weight: u16, tier: Tier) {
        if let Some(seat) = self.ring.iter_mut().find(|seat| seat.key == key) {
            seat.weight = weight.max(1).into();
            seat.tier = tier;
        }
    }

    /// Whether no backend but `key` is both proven and not ejected.
    pub(crate) fn stands_alone(&self, key: Key) -> bool {
        !self.ring.iter().any(|seat| seat.key != key && seat.tier.is_sound())
    }
}

#[cfg(test)]
mod tests;
