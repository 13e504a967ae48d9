//! Everything known of one backend.

use crate::Instant;
use crate::balancer::Name;
use crate::health::Health;
use crate::id::StableId;
use crate::key::Choice;
use crate::pool::Newcomer;
use crate::seat::Rank;
use crate::tier::Tier;
use crate::traits::Traits;
use alloc::sync::Arc;
use muster_fleet::{BackendReport, Standing};

#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) service: Arc<str>,
    pub(crate) node: Arc<str>,
    pub(crate) id: StableId,
    /// As the picture last listed it.
    pub(crate) picture: muster_fleet::Backend,
    pub(crate) traits: Traits,
    /// The number of its zone in its pool.
    pub(crate) zone: u16,
    /// What counts: withdrawn also in maintenance, and once it is no longer in the picture.
    pub(crate) standing: Standing,
    /// Still in the picture.
    pub(crate) listed: bool,
    /// It may have been picked, or the shell was asked to connect to it.
    pub(crate) appeared: bool,
    pub(crate) health: Health,
    /// Where it stands among the trials due.
    pub(crate) trial: Option<Instant>,
    /// Its slot in the pool, unless it is withdrawn.
    pub(crate) seat: Option<u32>,
    pub(crate) in_flight: u32,
    pub(crate) requests: u64,
    pub(crate) failures: u64,
}

impl Backend {
    pub(crate) fn name(&self) -> Name {
        (Arc::clone(&self.service), Arc::clone(&self.node), self.picture.addr)
    }

    pub(crate) fn is_withdrawn(&self) -> bool {
        self.standing == Standing::Withdrawn
    }

    pub(crate) fn tier(&self) -> Tier {
        Tier::of(self.standing, &self.health, self.in_flight > 0)
    }

    /// For its seat in the pool.
    pub(crate) fn newcomer(&self, choice: Choice) -> Newcomer {
        Newcomer {
            choice,
            node: Arc::clone(&self.node),
            id: self.id,
            rank: self.rank(),
            in_flight: self.in_flight,
        }
    }

    /// What its seat in the pool should say.
    pub(crate) fn rank(&self) -> Rank {
        Rank {
            weight: self.traits.weight.unwrap_or(self.picture.weight),
            tier: self.tier(),
            backup: self.traits.backup,
            zone: self.zone,
            limit: self.traits.max_in_flight,
            answers: self.answers(),
        }
    }

    /// It has answered, and nothing is held against it.
    fn answers(&self) -> bool {
        self.health.has_answered() && !self.health.is_ejected() && !self.is_withdrawn()
    }

    pub(crate) fn report(&self) -> BackendReport {
        let state = match (self.standing, self.in_flight) {
            (Standing::Withdrawn, 0) => "withdrawn",
            (Standing::Withdrawn, _) => "draining",
            _ if self.health.is_ejected() => "ejected",
            (Standing::Demoted, _) => "demoted",
            (Standing::Ready, _) if self.health.is_proven() => "up",
            (Standing::Ready, _) => "new",
        };
        BackendReport {
            service: self.service.as_ref().into(),
            node: self.node.as_ref().into(),
            state: state.into(),
            in_flight: self.in_flight,
            requests: self.requests,
            failures: self.failures,
            why: self.health.why().filter(|_| state == "ejected"),
        }
    }
}
