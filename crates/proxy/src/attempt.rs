//! One attempt: one request to one backend, until its response head is there.
//!
//! On an idle connection if there is one, else on a new one. An idle connection may have been closed by its backend just
//! as we wrote to it; that says little about the backend, so the attempt goes on with a new connection to it where
//! that is safe.

use crate::bounds;
use crate::lease::Lease;
use crate::pages::Page;
use crate::upload::{Progress, Side, Upload};
use crate::upstream::{self, ConnectError, Upstream};
use hyper::body::Incoming;
use hyper::{Request, Response};
use muster_balance::{Attempt, Evidence};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::Instant;

/// A response head, with its connection.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The head; its body is still coming.
    pub(crate) response: Response<Incoming>,
    /// Where it comes from.
    pub(crate) upstream: Upstream,
}

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What happened.
    pub(crate) cause: Cause,
    /// Nothing of the request was written.
    pub(crate) unsent: bool,
    /// The request, if it is whole again.
    pub(crate) request: Option<Request<Upload>>,
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    /// There was no connection.
    #[error("{0}")]
    Connect(#[from] ConnectError),
    /// A connection made for this request ended before the response head.
    #[error("the connection ended before a response: {0}")]
    Died(hyper::Error),
    /// The same of a connection that had been idle.
    #[error("an idle connection ended before a response: {0}")]
    KeptDied(hyper::Error),
    /// What came was not a response we can pass on. It may be the fault of one page rather than of the backend.
    #[error("the response cannot be read: {0}")]
    Garbled(hyper::Error),
    /// The backend had the request and did not answer.
    #[error("no response within {0:?}")]
    Silent(Duration),
    /// The client stopped sending its body.
    #[error("the client sent nothing of its body for {0:?}")]
    ClientStalled(Duration),
    /// The client is gone; nobody waits for an answer.
    #[error("the client broke off: {0}")]
    ClientGone(hyper::Error),
}

impl Cause {
    /// What this says about the backend.
    pub(crate) fn evidence(&self) -> Option<Evidence> {
        match self {
            Self::Connect(ConnectError::Refused(_) | ConnectError::Late(_)) => Some(Evidence::ConnectFailed),
            Self::Died(_) => Some(Evidence::Died),
            Self::Silent(_) => Some(Evidence::Silent),
            // Of an idle connection it was told when it happened.
            Self::KeptDied(_)
            | Self::Connect(ConnectError::Ours(_))
            | Self::Garbled(_)
            | Self::ClientStalled(_)
            | Self::ClientGone(_) => None,
        }
    }

    /// Whether the client failed rather than the backend or we.
    pub(crate) fn is_clients(&self) -> bool {
        matches!(self, Self::ClientStalled(_) | Self::ClientGone(_))
    }

    /// What the client is told when this was the last attempt.
    pub(crate) fn page(&self, service: &str, safe: bool) -> Page {
        match self {
            Self::Connect(_) => Page::nobody_reached(service),
            Self::Died(_) | Self::KeptDied(_) | Self::Garbled(_) => Page::broken(safe),
            Self::Silent(_) => Page::silent(safe),
            Self::ClientStalled(_) | Self::ClientGone(_) => Page::client_stalled(),
        }
    }
}

/// Sends `request` to the backend of `lease`; `preface` is what a new connection begins with. `repeatable`: it may be sent again although it was written.
pub(crate) async fn send(
    lease: &Lease,
    addr: SocketAddr,
    preface: &[u8],
    mut request: Request<Upload>,
    repeatable: bool,
) -> Result<Answer, Failure> {
    let plane = lease.plane();
    let idle_max = if repeatable { Duration::MAX } else { bounds::UNREPEATABLE_REUSE_MAX };
    if let Some(idle) = plane.take(lease.key(), idle_max) {
        match exchange(lease, idle, request, repeatable).await {
            Err(Failure { cause: Cause::Died(cause), unsent, request: whole }) => {
                let cause = Cause::KeptDied(cause);
                if !unsent {
                    plane.evidence(lease.key(), Evidence::KeptDied);
                }
                // Not another attempt by count, but paid for when the backend may have worked on it.
                let attempt = Attempt {
                    safe: repeatable,
                    unsent,
                    body_intact: whole.is_some(),
                    answered: false,
                    attempts: 1,
                };
                match whole {
                    Some(whole) if plane.may_retry(lease.key(), attempt) => {
                        tracing::debug!(%addr, %cause, unsent, "trying a new connection");
                        request = whole;
                    }
                    whole => return Err(Failure { cause, unsent, request: whole }),
                }
            }
            other => return other,
        }
    }
    match upstream::connect(addr, plane.config.connect_timeout, preface).await {
        Ok(upstream) => {
            plane.evidence(lease.key(), Evidence::Connected);
            exchange(lease, upstream, request, repeatable).await
        }
        Err(cause) => Err(Failure { cause: cause.into(), unsent: true, request: Some(request) }),
    }
}

/// Sends `request` on an open connection and waits for the response head.
async fn exchange(
    lease: &Lease,
    mut upstream: Upstream,
    request: Request<Upload>,
    repeatable: bool,
) -> Result<Answer, Failure> {
    let config = &lease.plane().config;
    let progress = request.body().progress();
    if let Some(progress) = &progress {
        progress.restart();
    }
    let copy = repeatable.then(|| copy_of(&request));
    let sent = upstream.sender.try_send_request(request);
    let patience = lease.plane().patience(lease.key(), repeatable);
    let late = stalled(progress.as_deref(), patience, config.idle_timeout);
    // Dropping `sent` makes hyper close the connection, and so cancels the request.
    let failed = tokio::select! {
        biased;
        sent = sent => match sent {
            Ok(response) => return Ok(Answer { response, upstream }),
            Err(failed) => Ok(failed),
        },
        side = late => Err(side),
    };
    match failed {
        Ok(mut failed) => match failed.take_message() {
            Some(whole) => {
                Err(Failure { cause: Cause::Died(failed.into_error()), unsent: true, request: Some(whole) })
            }
            None => {
                let error = failed.into_error();
                let cause = match &progress {
                    Some(progress) if progress.client_gone() => Cause::ClientGone(error),
                    _ if error.is_parse() => Cause::Garbled(error),
                    _ => Cause::Died(error),
                };
                Err(Failure { cause, unsent: false, request: copy })
            }
        },
        Err(Side::Backend) => Err(Failure { cause: Cause::Silent(patience), unsent: false, request: copy }),
        Err(Side::Client) => {
            Err(Failure { cause: Cause::ClientStalled(config.idle_timeout), unsent: false, request: None })
        }
    }
}

/// Ends when one side has had the next move for too long, and tells which.
async fn stalled(progress: Option<&Progress>, backend_max: Duration, client_max: Duration) -> Side {
    let start = Instant::now();
    loop {
        let (side, since) = progress.map_or((Side::Backend, start), Progress::waits);
        let limit = match side {
            Side::Backend => backend_max,
            Side::Client => client_max,
        };
        let now = Instant::now();
        let deadline = since + limit;
        if deadline <= now {
            return side;
        }
        // The turn may pass to the other side at any time, and its limit may be the shorter one: look again soon enough.
        tokio::time::sleep_until(deadline.min(now + backend_max.min(client_max))).await;
    }
}

/// The same request with an empty body, to be sent again.
fn copy_of(request: &Request<Upload>) -> Request<Upload> {
    let mut copy = Request::new(Upload::empty());
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    *copy.version_mut() = request.version();
    copy
}
