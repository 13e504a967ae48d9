//! Everything known of one backend.

use crate::Instant;
use crate::balancer::Name;
use crate::checks::Checked;
use crate::health::Health;
use crate::id::StableId;
use crate::key::Choice;
use crate::outliers::Record;
use crate::pool::Newcomer;
use crate::seat::Rank;
use crate::tier::Tier;
use crate::traits::Traits;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use muster_fleet::{BackendReport, Standing, WEIGHT_MAX};

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
    pub(crate) checked: Checked,
    pub(crate) record: Record,
    /// Where it stands among the trials due.
    pub(crate) trial: Option<Instant>,
    /// Where it stands among the checks due, and among the outliers to be taken back.
    pub(crate) check: Option<Instant>,
    pub(crate) release: Option<Instant>,
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
            weight: self.traits.weight.unwrap_or(self.picture.weight).min(WEIGHT_MAX),
            tier: self.tier(),
            judged: self.is_judged(),
            backup: self.traits.backup,
            zone: self.zone,
            limit: self.traits.max_in_flight,
            answers: self.answers(),
        }
    }

    /// Checks or a comparison with its peers say that it should not serve.
    pub(crate) fn is_judged(&self) -> bool {
        self.checked.down().is_some() || self.record.ejected().is_some()
    }

    /// It has answered, and nothing is held against it.
    fn answers(&self) -> bool {
        self.health.has_answered() && !self.health.is_ejected() && !self.is_judged() && !self.is_withdrawn()
    }

    /// Why it is ejected, if it is. `panics`: its service uses those that only a judgement keeps out.
    fn why(&self, panics: bool) -> Option<String> {
        let hard = self.health.why();
        let judged = self.checked.down().or(self.record.ejected());
        let unheeded = (panics && hard.is_none()).then_some("used all the same, since too few are left");
        let words: Vec<String> = hard.into_iter().chain(judged.map(String::from)).collect();
        let words: Vec<String> = match words.is_empty() {
            true => words,
            false => words.into_iter().chain(unheeded.map(String::from)).collect(),
        };
        (!words.is_empty()).then(|| words.join("; "))
    }

    pub(crate) fn report(&self, panics: bool) -> BackendReport {
        let state = match (self.standing, self.in_flight) {
            (Standing::Withdrawn, 0) => "withdrawn",
            (Standing::Withdrawn, _) => "draining",
            _ if self.health.is_ejected() || self.is_judged() => "ejected",
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
            why: self.why(panics).filter(|_| state == "ejected"),
        }
    }
}
