//! One attempt: one request to one backend, until its response head is there.
//!
//! On an idle connection if there is one, else on a new one. An idle connection may have been closed by its backend just
//! as we wrote to it; that says little about the backend, so the attempt goes on with a new connection to it where
//! that is safe.

use crate::alarm::Alarm;
use crate::bounds;
use crate::exchange::{Broken, Exchange, Facts};
use crate::front::{Ask, ClientError, Front};
use crate::lease::Lease;
use crate::pages::Page;
use crate::service::Protocol;
use crate::upload::{Side, Turn};
use crate::upstream::{self, ConnectError, Upstream};
use muster_balance::{Attempt, Evidence};
use muster_http1::Refusal;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::Instant;

/// A response that began, with its connection.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What its head said.
    pub(crate) facts: Facts,
    /// Where it comes from.
    pub(crate) upstream: Upstream,
    /// From the request to this head.
    pub(crate) took: Duration,
    /// The request's head was written whole. When it was not, the rest is of no use.
    pub(crate) is_asked: bool,
}

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What happened.
    pub(crate) cause: Cause,
    /// Nothing of the request was written.
    pub(crate) unsent: bool,
    /// The request can be sent whole again.
    pub(crate) intact: bool,
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    /// There was no connection.
    #[error("{0}")]
    Connect(#[from] ConnectError),
    /// A connection made for this request ended before the response head.
    #[error("the connection ended before a response: {0}")]
    Died(io::Error),
    /// The same of a connection that had been idle.
    #[error("an idle connection ended before a response: {0}")]
    KeptDied(io::Error),
    /// The backend said that it has not acted on the request, and will not.
    #[error("{0}")]
    Unprocessed(io::Error),
    /// What came was not a response we can pass on. It may be the fault of one page rather than of the backend.
    #[error("the response cannot be passed on: {0}")]
    Garbled(Refusal),
    /// The backend had the request and did not answer.
    #[error("no response within {0:?}")]
    Silent(Duration),
    /// The client stopped sending its body.
    #[error("the client sent nothing of its body for {0:?}")]
    ClientStalled(Duration),
    /// The client is gone, or sends what is no body.
    #[error("{0}")]
    Client(ClientError),
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
            | Self::Unprocessed(_)
            | Self::Connect(ConnectError::Ours(_))
            | Self::Garbled(_)
            | Self::ClientStalled(_)
            | Self::Client(_) => None,
        }
    }

    /// Whether the client failed rather than the backend or we.
    pub(crate) fn is_clients(&self) -> bool {
        matches!(self, Self::ClientStalled(_) | Self::Client(_))
    }

    /// What the client is told when this was the last attempt; `None` when nobody is there to be told.
    pub(crate) fn page(&self, service: &str, safe: bool) -> Option<Page> {
        Some(match self {
            Self::Connect(_) | Self::Unprocessed(_) => Page::nobody_reached(service),
            Self::Died(_) | Self::KeptDied(_) | Self::Garbled(_) => Page::broken(safe),
            Self::Silent(_) => Page::silent(safe),
            Self::ClientStalled(_) => Page::client_stalled(),
            Self::Client(ClientError::Refused(refusal)) => Page::refused(*refusal),
            Self::Client(ClientError::Gone(_) | ClientError::Stuck) => return None,
        })
    }
}

/// Sends `ask` to the backend of `lease`. `repeatable`: it may be sent again although it was written.
pub(crate) async fn send<F: Front>(
    lease: &Lease,
    addr: SocketAddr,
    ask: &Ask,
    front: &mut F,
    alarm: &mut Alarm,
    repeatable: bool,
) -> Result<Answer, Failure> {
    if ask.service.protocol == Protocol::H2c {
        return send_shared(lease, addr, ask, front, alarm, repeatable).await;
    }
    let plane = lease.plane();
    let idle_max = if repeatable { Duration::MAX } else { bounds::UNREPEATABLE_REUSE_MAX };
    if let Some(idle) = plane.take(lease.key(), idle_max) {
        ask.story.connected(false);
        match exchange(lease, idle, ask, front, alarm, repeatable).await {
            Err(Failure { cause: Cause::Died(cause), unsent, intact }) => {
                let cause = Cause::KeptDied(cause);
                if !unsent {
                    plane.evidence(lease.key(), Evidence::KeptDied);
                }
                let failure = Failure { cause, unsent, intact };
                if !may_go_anew(lease, &failure, repeatable) {
                    return Err(failure);
                }
                let Failure { cause, unsent, .. } = failure;
                tracing::debug!(%addr, %cause, unsent, "trying a new connection");
            }
            other => return other,
        }
    }
    let connecting = upstream::connect(addr, ask.service.connect_timeout, &ask.preface);
    match unless_gone(front, ask, connecting).await? {
        Ok(upstream) => {
            ask.story.connected(true);
            plane.evidence(lease.key(), Evidence::Connected);
            exchange(lease, upstream, ask, front, alarm, repeatable).await
        }
        Err(cause) => Err(Failure { cause: cause.into(), unsent: true, intact: true }),
    }
}

/// The same to a backend that speaks HTTP/2, on a connection that it may be about to end: then on a new one, where that is safe.
async fn send_shared<F: Front>(
    lease: &Lease,
    addr: SocketAddr,
    ask: &Ask,
    front: &mut F,
    alarm: &mut Alarm,
    repeatable: bool,
) -> Result<Answer, Failure> {
    let plane = lease.plane();
    let timeout = ask.service.connect_timeout;
    let mut again = bounds::REFUSALS_MAX;
    loop {
        let connecting = plane.shared.connect(lease.key(), addr, timeout, &ask.preface);
        let (upstream, is_new) = match unless_gone(front, ask, connecting).await? {
            Ok(connected) => connected,
            Err(cause) => return Err(Failure { cause: cause.into(), unsent: true, intact: true }),
        };
        ask.story.connected(is_new);
        if is_new {
            plane.evidence(lease.key(), Evidence::Connected);
        }
        let mut failure = match exchange(lease, upstream, ask, front, alarm, repeatable).await {
            Err(failure) if again > 0 => failure,
            other => return other,
        };
        match failure.cause {
            Cause::Unprocessed(_) if failure.intact => {}
            Cause::Died(cause) if !is_new => {
                plane.evidence(lease.key(), Evidence::KeptDied);
                failure.cause = Cause::KeptDied(cause);
                if !may_go_anew(lease, &failure, repeatable) {
                    return Err(failure);
                }
            }
            _ => return Err(failure),
        }
        tracing::debug!(%addr, cause = %failure.cause, "trying another connection");
        again -= 1;
    }
}

/// Waits for a connection, or until the client is gone. Of one that still sends nothing is known until somebody takes what it sends.
async fn unless_gone<F: Front, T>(
    front: &mut F,
    ask: &Ask,
    connecting: impl Future<Output = T>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        connected = connecting => Ok(connected),
        gone = poll_fn(|cx| front.poll_gone(cx)), if !ask.has_body => {
            Err(Failure { cause: Cause::Client(gone), unsent: true, intact: false })
        }
    }
}

/// Whether a request goes again to the same backend, whose kept connection had ended: not another attempt by count, but paid for when the
/// backend may have worked on it.
fn may_go_anew(lease: &Lease, failure: &Failure, repeatable: bool) -> bool {
    let Failure { unsent, intact, .. } = *failure;
    let attempt = Attempt { safe: repeatable, unsent, body_intact: intact, answered: false, attempts: 1 };
    intact && lease.plane().may_retry(lease.key(), attempt)
}

/// Sends `ask` on an open connection and waits for the response head. The connection is closed when none comes, which cancels the
/// request.
async fn exchange<F: Front>(
    lease: &Lease,
    mut upstream: Upstream,
    ask: &Ask,
    front: &mut F,
    alarm: &mut Alarm,
    repeatable: bool,
) -> Result<Answer, Failure> {
    let plane = lease.plane();
    let (patience, client_max) =
        (plane.patience(&ask.service, lease.key(), repeatable), plane.config.idle_timeout);
    let began = Instant::now();
    let mut turn = Turn::new(patience, client_max);
    let mut exchange = Exchange::new(front, ask, &mut upstream);
    let answered = poll_fn(|cx| exchange.poll_answer(cx, &mut turn, alarm)).await;
    let (unsent, is_asked) = (exchange.is_unsent(), exchange.is_asked());
    let intact = exchange.is_intact() && (unsent || repeatable);
    let (cause, unsent, intact) = match answered {
        Ok(facts) => return Ok(Answer { facts, upstream, took: began.elapsed(), is_asked }),
        Err(Broken::Died(cause)) if upstream::is_unprocessed(&cause) => {
            (Cause::Unprocessed(cause), true, exchange.is_intact() || exchange.rewind())
        }
        Err(Broken::Died(cause)) => (Cause::Died(cause), unsent, intact),
        Err(Broken::Garbled(refusal)) => (Cause::Garbled(refusal), false, repeatable),
        Err(Broken::Late(Side::Backend)) => (Cause::Silent(patience), false, repeatable),
        Err(Broken::Late(Side::Client)) => (Cause::ClientStalled(client_max), false, false),
        Err(Broken::Client(cause)) => (Cause::Client(cause), false, false),
    };
    Err(Failure { cause, unsent, intact })
}
