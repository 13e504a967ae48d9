//! A response on its way to the client.
//!
//! Its end is the end of the request: then the backend is relieved and its connection is kept for the next one.

use crate::attempt::Answer;
use crate::bounds;
use crate::end::End;
use crate::exchange::Exchange;
use crate::forward::Outcome;
use crate::front::{Ask, Front, PassError};
use crate::lease::Lease;
use muster_balance::Ended;
use std::future::poll_fn;

/// Passes on what follows the head of `answer`.
pub(crate) async fn relay<F: Front>(
    ask: &Ask,
    front: &mut F,
    mut lease: Lease,
    mut answer: Answer,
) -> Outcome {
    answer.upstream.kept_for = answer.facts.kept_for;
    let mut exchange = Exchange::resume(front, ask, &mut answer);
    match poll_fn(|cx| exchange.poll_body(cx)).await {
        Ok(()) => {}
        Err(PassError::Client(cause)) => {
            ask.story.fail(End::from(&cause));
            tracing::debug!(%cause, "a client did not take its answer");
            lease.end(Ended::Abandoned);
            return Outcome::Lost;
        }
        Err(cause @ (PassError::Garbled(_) | PassError::CutShort)) => {
            ask.story.fail(End::from(&cause));
            tracing::warn!(%cause, "a backend broke off in the middle of a response");
            lease.end(Ended::Failed { safe: ask.safe });
            return Outcome::Lost;
        }
    }
    lease.end(Ended::Well);
    // The backend answered before it had the whole request: it may read the rest for a while.
    let is_asked = match exchange.is_request_over() {
        true => true,
        false => tokio::time::timeout(bounds::LINGER, poll_fn(|cx| exchange.poll_rest(cx))).await == Ok(true),
    };
    if is_asked && exchange.is_clean() && answer.facts.keeps {
        lease.plane().keep(lease.key(), answer.upstream);
    }
    Outcome::Answered
}
