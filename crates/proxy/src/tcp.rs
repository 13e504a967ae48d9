//! TCP mode: a client's bytes go to a backend as they are, and the backend's come back.
//!
//! The backend is chosen once, when the client comes. Until a connection to one is made nothing of the client was read, so that any
//! other will do as well; from then on the two belong together: pictures that come later change nothing for them, and a backend that
//! is withdrawn has this one in flight until its end.
//!
//! All that is known of such a backend is its connection. One that ends before it has said anything, while its client was still
//! there, is taken for dead, as is that of a process behind a forwarder that accepts for it; one that holds for a moment, or says
//! something, is taken for an answer.

mod duct;
mod splice;

use crate::bounds;
use crate::client::Client;
use crate::end::End;
use crate::lease::Lease;
use crate::plane::{Picked, Plane};
use crate::preface;
use crate::route;
use crate::service::Service;
use crate::story::Story;
use crate::stream::Stream;
use crate::upstream::{self, ConnectError};
use crate::wait::Called;
use duct::{Broken, Duct};
use muster_balance::{Attempt, Ended, Evidence};
use std::future::poll_fn;
use std::rc::Rc;
use tokio::net::TcpStream;

/// Relays between a client and a backend, until both have ended or nothing moves any more.
pub(crate) async fn relay(plane: Rc<Plane>, stream: Stream, client: Rc<Client>) {
    let story = Story::of_connection(&plane, &client);
    plane.first_picture().await;
    let Some(service) = route::of_connection(&client) else {
        story.fail(End::Denied);
        return;
    };
    story.is_for(&service);
    let (mut lease, upstream) = match connect(&plane, &service, &client, &story).await {
        Ok(connected) => connected,
        Err(end) => {
            story.fail(end);
            return;
        }
    };
    let mut duct = Duct::new(stream, upstream, plane.config.tcp_idle_timeout);
    let ended = tokio::select! {
        ended = poll_fn(|cx| duct.poll_first(cx)) => ended,
        () = tokio::time::sleep(bounds::FIRST_ANSWER_MAX) => Ok(()),
    };
    let ended = match ended {
        Ok(()) => {
            plane.evidence(lease.key(), Evidence::Answered);
            poll_fn(|cx| duct.poll(cx)).await
        }
        Err(broken) => {
            if matches!(broken, Broken::Backend(_)) {
                plane.evidence(lease.key(), Evidence::Died);
            }
            Err(broken)
        }
    };
    let (came, went) = duct.moved();
    story.moved_in(came);
    story.moved_out(went);
    let (ended, end) = match ended {
        Ok(()) => (Ended::Well, None),
        Err(Broken::Idle) => (Ended::Well, Some(End::Idle)),
        Err(Broken::Client(_)) => (Ended::Abandoned, Some(End::ClientGone)),
        Err(Broken::Backend(_)) => (Ended::Failed { safe: false }, Some(End::CutShort)),
    };
    if let Some(end) = end {
        story.fail(end);
    }
    tracing::debug!(peer = ?client.peer, ?ended, "a connection ended");
    lease.end(ended);
    story.finish();
}

/// A connection to some backend.
///
/// # Errors
/// There is none to be had.
async fn connect(
    plane: &Rc<Plane>,
    service: &Service,
    client: &Client,
    story: &Story,
) -> Result<(Lease, TcpStream), End> {
    let preface = plane.config.send_proxy_protocol.map(|version| preface::of(client, version));
    let preface = preface.unwrap_or_default();
    let mut tried = Vec::new();
    let mut last: Option<(Lease, End)> = None;
    loop {
        let mut picked = plane.pick(service, client.hint(), &tried);
        if let Picked::Wait(wait) = picked {
            let before = last.take().map(|(mut lease, end)| {
                lease.end(Ended::Retried);
                end
            });
            let _queued = story.queued();
            // A client that goes meanwhile is noticed when it is called.
            picked = match wait.end().await {
                Called::Go(lease, addr) => Picked::Go(lease, addr),
                Called::Late => return Err(End::Waited),
                Called::Nobody => return Err(before.unwrap_or(End::Nobody)),
            };
        }
        let (lease, addr) = match picked {
            Picked::Go(lease, addr) => (lease, addr),
            none => {
                let end = if matches!(none, Picked::Full) { End::Full } else { End::Nobody };
                return Err(last.map_or(end, |(mut lease, end)| {
                    lease.end(Ended::Failed { safe: true });
                    end
                }));
            }
        };
        if let Some((mut lease, _)) = last.take() {
            lease.end(Ended::Retried);
        }
        story.picked(lease.server());
        let cause = match upstream::dial(addr, service.connect_timeout, &preface).await {
            Ok(upstream) => {
                plane.evidence(lease.key(), Evidence::Connected);
                story.connected(true);
                return Ok((lease, upstream));
            }
            Err(cause) => cause,
        };
        let end = End::from(&cause);
        story.attempt_failed(end);
        tried.push(lease.key());
        if !matches!(cause, ConnectError::Ours(_)) {
            plane.evidence(lease.key(), Evidence::ConnectFailed);
        }
        let attempts = u32::try_from(tried.len()).unwrap_or(u32::MAX);
        let attempt = Attempt { safe: true, unsent: true, body_intact: true, answered: false, attempts };
        if plane.may_retry(lease.key(), attempt) {
            tracing::debug!(%addr, %cause, "an attempt failed: trying elsewhere");
            last = Some((lease, end));
        } else {
            tracing::warn!(%addr, %cause, "a connection failed");
            let mut lease = lease;
            lease.end(Ended::Failed { safe: true });
            return Err(end);
        }
    }
}
