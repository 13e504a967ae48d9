//! Which backends go before which.

use crate::health::Health;
use muster_fleet::Standing;

/// How much a backend is preferred, best first. A pick takes the best tier that has a backend not tried yet, so that none
/// that might answer is left out, and the doubtful ones come last.
///
/// Gossip demotes and evidence ejects. A demoted backend that answers is not preferred again while others are ready: its
/// host may be on its way out. Among the demoted alone, as when this host is cut off from gossip, evidence decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Tier {
    /// Ready, and a connection to it succeeded.
    Proven,
    /// The same, but busy with the first request it was ever sent. One that accepts connections and never answers would
    /// hold every request it gets, so a newcomer gets one, and others go first until it is answered.
    Asked,
    /// Ready, and not connected to yet.
    New,
    /// Gossip says failed, yet it is not ejected.
    Demoted,
    /// The same, and never connected to.
    DemotedNew,
    /// Ready, and evidence says broken.
    Ejected,
    /// Gossip and evidence agree.
    EjectedDemoted,
}

impl Tier {
    /// `busy`: it has requests in flight.
    pub(crate) fn of(standing: Standing, health: &Health, busy: bool) -> Self {
        let demoted = standing == Standing::Demoted;
        match (health.is_ejected(), demoted, health.is_proven()) {
            (true, true, _) => Self::EjectedDemoted,
            (true, false, _) => Self::Ejected,
            (false, true, false) => Self::DemotedNew,
            (false, true, true) => Self::Demoted,
            (false, false, false) => Self::New,
            (false, false, true) if busy && !health.has_answered() => Self::Asked,
            (false, false, true) => Self::Proven,
        }
    }

    /// The same with a judgement against it.
    pub(crate) fn ejected(self) -> Self {
        match self {
            Self::Proven | Self::Asked | Self::New | Self::Ejected => Self::Ejected,
            Self::Demoted | Self::DemotedNew | Self::EjectedDemoted => Self::EjectedDemoted,
        }
    }

    pub(crate) fn is_ejected(self) -> bool {
        matches!(self, Self::Ejected | Self::EjectedDemoted)
    }

    /// Connected to before and not ejected.
    pub(crate) fn is_sound(self) -> bool {
        matches!(self, Self::Proven | Self::Asked | Self::Demoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Evidence::{ConnectFailed, Connected};
    use crate::Instant;

    #[test]
    fn a_tier_is_standing_and_health() {
        let table = [
            (Standing::Ready, &[Connected][..], Tier::Proven),
            (Standing::Ready, &[], Tier::New),
            (Standing::Demoted, &[Connected], Tier::Demoted),
            (Standing::Demoted, &[], Tier::DemotedNew),
            (Standing::Ready, &[Connected, ConnectFailed], Tier::Ejected),
            (Standing::Ready, &[ConnectFailed], Tier::Ejected),
            (Standing::Demoted, &[Connected, ConnectFailed], Tier::EjectedDemoted),
        ];
        for (standing, seen, tier) in table {
            let mut health = Health::new(Instant::default());
            let mut rng = fastrand::Rng::with_seed(1);
            for evidence in seen {
                health.observe(Instant::default(), *evidence, false, &mut rng);
            }
            assert_eq!(Tier::of(standing, &health, false), tier, "{standing:?} {seen:?}");
        }
    }
}
