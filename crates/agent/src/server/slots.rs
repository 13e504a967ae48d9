//! How many streams there may be, so that a command always finds a free connection.

use super::Served;
use super::refusal::Refusal;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Streams of people and scripts: events, log, queries, keys.
const STREAMS_MAX: usize = 64;
/// Balancers of this node that follow the picture; apart, so that no script keeps one from it.
const FOLLOWERS_MAX: usize = 32;
/// Connections that are left for commands while all streams are taken.
pub(super) const RESERVED_FROM_STREAMS: usize = STREAMS_MAX + FOLLOWERS_MAX;

/// The free places. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    streams: Arc<Semaphore>,
    followers: Arc<Semaphore>,
}

impl Default for Slots {
    fn default() -> Self {
        let free = |count| Arc::new(Semaphore::new(count));
        Self { streams: free(STREAMS_MAX), followers: free(FOLLOWERS_MAX) }
    }
}

/// A stream's place, for as long as it is held.
#[derive(Debug)]
pub(super) struct StreamSlot(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

/// A follower's place, for as long as it is held.
#[derive(Debug)]
pub(super) struct FollowerSlot(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

fn take(free: &Arc<Semaphore>, most: usize, what: &str) -> Result<OwnedSemaphorePermit, Refusal> {
    Arc::clone(free).try_acquire_owned().map_err(|_| {
        let words = format!("{most} {what} are open already; end one first");
        Refusal::new(503, "too many streams", words)
    })
}

impl FromRequestParts<Served> for StreamSlot {
    type Rejection = Refusal;

    async fn from_request_parts(_: &mut Parts, served: &Served) -> Result<Self, Refusal> {
        take(&served.slots.streams, STREAMS_MAX, "streams").map(Self)
    }
}

impl FromRequestParts<Served> for FollowerSlot {
    type Rejection = Refusal;

    async fn from_request_parts(_: &mut Parts, served: &Served) -> Result<Self, Refusal> {
        take(&served.slots.followers, FOLLOWERS_MAX, "followers").map(Self)
    }
}
