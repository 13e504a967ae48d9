//! How much of a service's work its own zone can bear.
//!
//! Traffic is taken to arrive at every zone alike, so each zone should be able to bear its part: the sum of all weights
//! divided by the number of zones. While ours has at least that, less some allowance, all requests stay in it; with less it
//! gets only as many as its weight is of that part, and the rest goes abroad (Envoy's locality-aware balancing has the same
//! aim). So a zone that lost most of its backends is not run down by its own balancers.

use alloc::string::String;
use alloc::vec::Vec;

/// A whole, of which the share of requests that stay is a part.
pub(crate) const ALL: u32 = 1024;

/// The zone of backends that do not say where they are.
pub(crate) const UNKNOWN: u16 = 0;

#[derive(Debug, Default)]
pub(crate) struct Zones {
    /// The zone `n + 1` is the nth.
    names: Vec<String>,
    weights: Vec<u64>,
    sum: u64,
    /// How many zones have any weight.
    filled: u64,
}

impl Zones {
    /// The number of a zone, from now on.
    pub(crate) fn id(&mut self, name: &str) -> u16 {
        let place = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.into());
            self.names.len() - 1
        });
        u16::try_from(place + 1).unwrap_or(UNKNOWN)
    }

    /// Forgets all weights, and no names.
    pub(crate) fn clear(&mut self) {
        *self = Self { names: core::mem::take(&mut self.names), ..Self::default() };
    }

    pub(crate) fn add(&mut self, zone: u16, weight: u16) {
        let zone = usize::from(zone);
        if self.weights.len() <= zone {
            self.weights.resize(zone + 1, 0);
        }
        self.filled += u64::from(self.weights[zone] == 0 && weight > 0);
        self.weights[zone] += u64::from(weight);
        self.sum += u64::from(weight);
    }

    pub(crate) fn subtract(&mut self, zone: u16, weight: u16) {
        let zone = usize::from(zone);
        self.weights[zone] -= u64::from(weight);
        self.sum -= u64::from(weight);
        self.filled -= u64::from(self.weights[zone] == 0 && weight > 0);
    }

    /// How many of [`ALL`] requests stay in zone `own`, which has `factor_percent` of its weight.
    pub(crate) fn staying(&self, own: u16, factor_percent: u16) -> u32 {
        let own = self.weights.get(usize::from(own)).copied().unwrap_or(0);
        let whole = (self.sum * 100).max(1);
        let share = own * u64::from(factor_percent) * self.filled * u64::from(ALL) / whole;
        u32::try_from(share).unwrap_or(ALL).min(ALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_keeps_what_it_can_bear() {
        let mut zones = Zones::default();
        let ids = ["a", "b", "c"].map(|name| zones.id(name));
        assert_eq!(zones.id("a"), ids[0]);
        ids.iter().for_each(|id| zones.add(*id, 100));
        assert_eq!(zones.staying(ids[0], 140), ALL);
        zones.subtract(ids[0], 20);
        assert_eq!(zones.staying(ids[0], 140), ALL, "the allowance");
        zones.subtract(ids[0], 60);
        // 20 of 220, three zones: 0.27 of its part, times 1.4.
        assert_eq!(zones.staying(ids[0], 140), 1024 * 20 * 3 * 14 / 2200);
        zones.subtract(ids[0], 20);
        assert_eq!(zones.staying(ids[0], 140), 0);
        assert_eq!(zones.staying(ids[1], 140), ALL, "of two zones that are left");
    }
}
