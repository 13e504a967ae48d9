//! The pools and who is next.

use crate::{Evidence, Instant};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use muster_fleet::{Picture, Report};

/// Names one backend for as long as it is in the picture or has requests in flight; small and `Copy`, for the hot path.
/// A backend that comes back at another address gets another key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key(pub u64);

/// Where to send a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Choice {
    /// The backend.
    pub key: Key,
    /// Its address.
    pub addr: SocketAddr,
}

/// What the data plane must do after a new picture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A backend appeared: connect to it once and report the outcome, so that it is proven before it is preferred.
    Appeared(Choice),
    /// A backend is withdrawn or gone: close its idle connections now; requests in flight go on.
    Withdrawn(Key),
    /// A withdrawn backend came back: its connections may be kept again.
    Returned(Key),
}

/// How a request on a backend ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Its response was passed on whole.
    Well,
    /// The attempt failed; the request went elsewhere.
    Retried,
    /// The client gave up or was at fault.
    Abandoned,
    /// The request failed for the client.
    Failed {
        /// It was safe to repeat: such failures should not exist while the service has a live backend.
        safe: bool,
    },
}

/// The balancer's whole knowledge.
#[derive(Debug)]
pub struct Balancer {}

impl Balancer {
    /// A balancer without a picture; `seed` spreads the first choice.
    pub fn new(seed: u64) -> Self {
        let _ = seed;
        Self {}
    }

    /// Takes a new picture over (already merged, see [`Picture::succeeded_by`]). Evidence about backends that stay is
    /// kept.
    pub fn apply(&mut self, now: Instant, picture: &Picture) -> Vec<Change> {
        let _ = (now, picture);
        todo!()
    }

    /// The next backend for `service`, never one in `tried`; counts as in flight until [`Balancer::finish`]. `None` when
    /// nothing is left to try.
    pub fn pick(&mut self, now: Instant, service: &str, tried: &[Key]) -> Option<Choice> {
        let _ = (now, service, tried);
        todo!()
    }

    /// A picked request is over.
    pub fn finish(&mut self, key: Key, ended: Ended) {
        let _ = (key, ended);
        todo!()
    }

    /// Something was seen of a backend. True when it is now ejected and was not before: close its idle connections.
    pub fn evidence(&mut self, now: Instant, key: Key, evidence: Evidence) -> bool {
        let _ = (now, key, evidence);
        todo!()
    }

    /// Ejected or new backends that should be tried with one connection now; each is returned once per due try.
    pub fn due_trials(&mut self, now: Instant) -> Vec<Choice> {
        let _ = now;
        todo!()
    }

    /// When [`Balancer::due_trials`] has something to say.
    pub fn next_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// Whether connections to this backend may be kept idle.
    pub fn keeps(&self, key: Key) -> bool {
        let _ = key;
        todo!()
    }

    /// Requests in flight on withdrawn backends, all services together.
    pub fn draining(&self) -> u32 {
        todo!()
    }

    /// The whole account, for the agent.
    pub fn report(&self, sink: &str) -> Report {
        let _: String = sink.into();
        todo!()
    }
}
