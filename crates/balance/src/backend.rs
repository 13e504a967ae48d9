//! Everything known of one backend.

use crate::Instant;
use crate::health::Health;
use crate::tier::Tier;
use alloc::string::String;
use core::net::SocketAddr;
use muster_fleet::{BackendReport, Standing};

#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) service: String,
    pub(crate) node: String,
    pub(crate) addr: SocketAddr,
    pub(crate) weight: u16,
    /// As in the picture; withdrawn once no longer in it.
    pub(crate) standing: Standing,
    /// Still in the picture.
    pub(crate) listed: bool,
    /// It may have been picked, or the shell was asked to connect to it.
    pub(crate) appeared: bool,
    pub(crate) health: Health,
    /// Where it stands among the trials due.
    pub(crate) trial: Option<Instant>,
    pub(crate) in_flight: u32,
    pub(crate) requests: u64,
    pub(crate) failures: u64,
}

impl Backend {
    pub(crate) fn is_withdrawn(&self) -> bool {
        self.standing == Standing::Withdrawn
    }

    pub(crate) fn tier(&self) -> Tier {
        Tier::of(self.standing, &self.health, self.in_flight > 0)
    }

    /// It has answered, and nothing is held against it.
    pub(crate) fn answers(&self) -> bool {
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
            service: self.service.clone(),
            node: self.node.clone(),
            state: state.into(),
            in_flight: self.in_flight,
            requests: self.requests,
            failures: self.failures,
            why: self.health.why().filter(|_| state == "ejected"),
        }
    }
}
