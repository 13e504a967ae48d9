//! Who may start now, and who may stop. Dependencies point to services earlier in the list, so there is no circle.

use crate::life::Life;
use crate::service::{Condition, Dependency, Service, ServiceId};
use crate::table::State;

/// Whether a dependency holds its service back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It does not.
    Met,
    /// It does, for now.
    NotYet,
    /// It does, and nothing that happens by itself will change that.
    Hopeless,
}

/// What a dependency says, where `begun` tells whose start was ever asked for.
pub(crate) fn verdict(dependency: Dependency, lives: &[Life], begun: &[Start]) -> Verdict {
    let ServiceId(on) = dependency.on;
    let (life, start) = (&lives[on], begun[on]);
    let has_failed = life.state == State::Failed || matches!(start, Start::Unwanted | Start::Hopeless);
    let met = match dependency.until {
        // Not `Starting`: its process may still turn out not to exist.
        Condition::Started => life.state == State::Ready || life.starts > 0 && !has_failed,
        Condition::Ready => life.state == State::Ready,
        Condition::Completed => life.completed,
        Condition::Settled => {
            has_failed || life.late || life.completed || matches!(life.state, State::Ready | State::Waiting)
        }
    };
    match met {
        true => Verdict::Met,
        false if has_failed || life.late => Verdict::Hopeless,
        false if start == Start::Begun && life.state == State::Down => Verdict::Hopeless,
        false => Verdict::NotYet,
    }
}

/// What became of a service's start with the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// Not to be started with the container.
    Unwanted,
    /// To be started when its dependencies are met.
    Pending,
    /// Not started, since a dependency failed. (Should that one recover, it is started after all.)
    Hopeless,
    /// Started.
    Begun,
}

/// What follows for a service that is not begun.
pub(crate) fn may_start(service: &Service, lives: &[Life], begun: &[Start]) -> Verdict {
    let mut worst = Verdict::Met;
    for dependency in &service.after {
        match verdict(*dependency, lives, begun) {
            Verdict::Met => {}
            Verdict::Hopeless => return Verdict::Hopeless,
            Verdict::NotYet => worst = Verdict::NotYet,
        }
    }
    worst
}

/// Whether nobody needs a service any more: all that wait for it at their start are at rest.
pub(crate) fn may_stop(id: ServiceId, services: &[Service], lives: &[Life]) -> bool {
    services
        .iter()
        .zip(lives)
        .all(|(other, life)| life.is_at_rest() || other.after.iter().all(|dependency| dependency.on != id))
}
