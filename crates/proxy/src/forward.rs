//! One request: pick a backend, send, try elsewhere where that is safe, pass the response on.

use crate::alarm::Alarm;
use crate::attempt::{self, Answer, Failure};
use crate::end::End;
use crate::front::{Ask, Front};
use crate::lease::Lease;
use crate::pages::Page;
use crate::plane::Plane;
use crate::relay::relay;
use crate::upstream::Upstream;
use muster_balance::{Attempt, Ended};
use std::rc::Rc;

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It has its answer; what is left of that is in the front.
    Answered,
    /// The client's connection speaks to the backend's from here on.
    Tunnel(Lease, Upstream),
    /// Its client is gone, or must not take what it has for an answer.
    Lost,
}

/// Answers one request of the client behind `front`.
pub(crate) async fn forward<F: Front>(
    plane: &Rc<Plane>,
    ask: &Ask,
    front: &mut F,
    alarm: &mut Alarm,
) -> Outcome {
    ask.story.is_for(&ask.service);
    plane.first_picture().await;
    match obtain(plane, ask, front, alarm).await {
        Ok((lease, answer)) => {
            let Answer { facts, took, .. } = answer;
            ask.story.answered(facts.status);
            plane.answered(lease.key(), muster_balance::Answer { status: facts.status, took });
            match facts.is_tunnel {
                true => Outcome::Tunnel(lease, answer.upstream),
                false => relay(ask, front, lease, answer).await,
            }
        }
        Err((Some(page), end)) => {
            front.page(&page);
            ask.story.page(&page, end);
            Outcome::Answered
        }
        Err((None, end)) => {
            ask.story.fail(end);
            Outcome::Lost
        }
    }
}

/// Gets a response head from some backend, or what the client is told instead, and why.
async fn obtain<F: Front>(
    plane: &Rc<Plane>,
    ask: &Ask,
    front: &mut F,
    alarm: &mut Alarm,
) -> Result<(Lease, Answer), (Option<Page>, End)> {
    let service = ask.service.name.as_str();
    let safe = ask.safe;
    let repeatable = safe && !ask.has_body;
    let mut tried = Vec::new();
    let mut last: Option<(Lease, Option<Page>, End)> = None;
    loop {
        let Some((mut lease, addr)) = plane.pick(&ask.service, ask.hint, &tried) else {
            return Err(match last {
                Some((mut lease, page, end)) => {
                    // Only what bears repeating comes here.
                    lease.end(Ended::Failed { safe: true });
                    (page, end)
                }
                None => (Some(Page::nobody_ready(service)), End::Nobody),
            });
        };
        if let Some((mut lease, ..)) = last.take() {
            lease.end(Ended::Retried);
        }
        ask.story.picked(lease.server());
        let failure = match attempt::send(&lease, addr, ask, front, alarm, repeatable).await {
            Ok(answer) => return Ok((lease, answer)),
            Err(failure) => failure,
        };
        tried.push(lease.key());
        let Failure { cause, unsent, intact } = failure;
        if let Some(evidence) = cause.evidence() {
            plane.evidence(lease.key(), evidence);
        }
        let (page, end) = (cause.page(service, safe), End::from(&cause));
        ask.story.attempt_failed(end);
        if cause.is_clients() {
            tracing::debug!(%addr, %cause, "a request was given up");
            lease.end(Ended::Abandoned);
            return Err((page, end));
        }
        let attempt = Attempt {
            safe,
            unsent,
            body_intact: intact,
            answered: false,
            attempts: u32::try_from(tried.len()).unwrap_or(u32::MAX),
        };
        if intact && plane.may_retry(lease.key(), attempt) {
            tracing::debug!(%addr, %cause, "an attempt failed: trying elsewhere");
            last = Some((lease, page, end));
        } else {
            tracing::warn!(%addr, %cause, safe, "a request failed");
            // What was never sent is safe to repeat, whatever its method.
            lease.end(Ended::Failed { safe: safe || unsent });
            return Err((page, end));
        }
    }
}
