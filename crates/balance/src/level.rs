//! Who is preferred to whom, in one order over evidence, backups and zones.
//!
//! ```text
//!   class     tiers, best first                 within a tier
//!   primary   proven, asked, new, demoted       own zone, then others
//!   backup    the same, of backups              own zone, then others
//!   doubtful  demoted and never connected to; weight 0
//!   ejected   ejected; ejected and demoted      primaries before backups
//! ```
//!
//! A pick takes the best level that has anybody. Classes matter when backends are full: a request rather waits for a place in
//! its class than goes to a worse one.

use crate::tier::Tier;

/// One of the 30 steps of preference; less is better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Level(u8);

/// What a request does not leave because all in it are full.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Class {
    Primary,
    Backup,
    Doubtful,
    Ejected,
}

impl Level {
    pub(crate) const COUNT: usize = 30;

    /// `idle`: its weight is 0. `far`: in another zone.
    pub(crate) fn of(tier: Tier, backup: bool, idle: bool, far: bool) -> Self {
        let group = match (tier, backup) {
            (Tier::EjectedDemoted, backup) => 13 + u8::from(backup),
            (Tier::Ejected, backup) => 11 + u8::from(backup),
            _ if idle => 10,
            (Tier::DemotedNew, backup) => 8 + u8::from(backup),
            (Tier::Demoted, backup) => 3 + 4 * u8::from(backup),
            (Tier::New, backup) => 2 + 4 * u8::from(backup),
            (Tier::Asked, backup) => 1 + 4 * u8::from(backup),
            (Tier::Proven, backup) => 4 * u8::from(backup),
        };
        Self(2 * group + u8::from(far))
    }

    /// The best one of those whose bits are set.
    pub(crate) fn first_of(bits: u32) -> Option<Self> {
        let level = u8::try_from(bits.trailing_zeros()).expect("at most 32");
        (usize::from(level) < Self::COUNT).then_some(Self(level))
    }

    pub(crate) fn bit(self) -> u32 {
        1 << self.0
    }

    pub(crate) fn index(self) -> usize {
        self.0.into()
    }

    pub(crate) fn class(self) -> Class {
        match self.0 / 2 {
            0..4 => Class::Primary,
            4..8 => Class::Backup,
            8..11 => Class::Doubtful,
            _ => Class::Ejected,
        }
    }

    /// The same in other zones, if this one is in ours.
    pub(crate) fn abroad(self) -> Option<Self> {
        self.0.is_multiple_of(2).then_some(Self(self.0 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_preference() {
        use Tier::*;
        let order = [
            (Proven, false, false, false),
            (Proven, false, false, true),
            (Asked, false, false, false),
            (New, false, false, true),
            (Demoted, false, false, false),
            (Proven, true, false, false),
            (Demoted, true, false, true),
            (DemotedNew, false, false, false),
            (DemotedNew, true, false, false),
            (Proven, false, true, false),
            (Ejected, false, true, false),
            (Ejected, true, false, false),
            (EjectedDemoted, false, false, false),
            (EjectedDemoted, true, false, true),
        ];
        let levels = order.map(|(tier, backup, idle, far)| Level::of(tier, backup, idle, far));
        assert!(levels.is_sorted(), "{levels:?}");
        assert!(levels.iter().all(|level| level.index() < Level::COUNT));
        let classes = levels.map(Level::class);
        assert!(classes.is_sorted() && classes.contains(&Class::Doubtful));
        assert_eq!(Level::first_of(levels[4].bit() | levels[9].bit()), Some(levels[4]));
        assert_eq!(Level::first_of(0), None);
    }
}
