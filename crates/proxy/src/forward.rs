//! One request: pick a backend, send, try elsewhere where that is safe, pass the response on.

use crate::attempt::{self, Answer, Failure};
use crate::client::Client;
use crate::headers;
use crate::lease::Lease;
use crate::pages::Page;
use crate::plane::Plane;
use crate::preface;
use crate::relay::Outgoing;
use crate::tunnel;
use crate::upload::Upload;
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use muster_balance::{Attempt, Ended, Evidence};
use std::rc::Rc;

/// Answers one request of `client`.
pub(crate) async fn forward(
    plane: &Rc<Plane>,
    client: &Rc<Client>,
    request: Request<Incoming>,
) -> Response<Outgoing> {
    answer(plane, client, request).await.unwrap_or_else(Page::into_response)
}

async fn answer(
    plane: &Rc<Plane>,
    client: &Rc<Client>,
    mut request: Request<Incoming>,
) -> Result<Response<Outgoing>, Page> {
    let upgrade = tunnel::wanted(&mut request);
    let mut request = request.map(Upload::new);
    headers::prepare_request(&mut request, client)?;
    if let Some(upgrade) = &upgrade {
        upgrade.ask(request.headers_mut());
    }
    plane.first_picture().await;

    let safe = is_safe(request.method());
    let (mut lease, answer) = obtain(plane, client, request, safe).await?;
    let Answer { mut response, mut upstream } = answer;
    plane.evidence(lease.key(), Evidence::Answered);
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return match upgrade {
            Some(upgrade) => Ok(upgrade.open(response, lease, Rc::clone(client))),
            None => {
                lease.end(Ended::Failed { safe });
                Err(Page::broken(safe))
            }
        };
    }
    if !headers::has_known_coding(response.headers()) {
        lease.end(Ended::Failed { safe });
        return Err(Page::broken(safe));
    }
    upstream.kept_for = headers::kept_for(response.headers());
    headers::prepare_response(&mut response);
    Ok(response.map(|body| Outgoing::relay(body, lease, upstream, safe)))
}

/// Gets a response head from some backend.
async fn obtain(
    plane: &Rc<Plane>,
    client: &Client,
    mut request: Request<Upload>,
    safe: bool,
) -> Result<(Lease, Answer), Page> {
    let service = &plane.config.service;
    let preface = plane.config.send_proxy_protocol.map(|version| preface::of(client, version));
    let preface = preface.unwrap_or_default();
    let repeatable = safe && request.body().is_empty();
    let mut tried = Vec::new();
    let mut last: Option<(Lease, Page)> = None;
    loop {
        let Some((mut lease, addr)) = plane.pick(&tried) else {
            return Err(match last {
                Some((mut lease, page)) => {
                    // Only what bears repeating comes here.
                    lease.end(Ended::Failed { safe: true });
                    page
                }
                None => Page::nobody_ready(service),
            });
        };
        if let Some((mut lease, _)) = last.take() {
            lease.end(Ended::Retried);
        }
        let failure = match attempt::send(&lease, addr, &preface, request, repeatable).await {
            Ok(answer) => return Ok((lease, answer)),
            Err(failure) => failure,
        };
        tried.push(lease.key());
        let Failure { cause, unsent, request: whole } = failure;
        if let Some(evidence) = cause.evidence() {
            plane.evidence(lease.key(), evidence);
        }
        let page = cause.page(service, safe);
        if cause.is_clients() {
            lease.end(Ended::Abandoned);
            return Err(page);
        }
        let attempt = Attempt {
            safe,
            unsent,
            body_intact: whole.is_some(),
            answered: false,
            attempts: u32::try_from(tried.len()).unwrap_or(u32::MAX),
        };
        match whole {
            Some(whole) if plane.may_retry(lease.key(), attempt) => {
                tracing::debug!(%addr, %cause, "an attempt failed: trying elsewhere");
                request = whole;
                last = Some((lease, page));
            }
            _ => {
                tracing::warn!(%addr, %cause, safe, "a request failed");
                // What was never sent is safe to repeat, whatever its method.
                lease.end(Ended::Failed { safe: safe || unsent });
                return Err(page);
            }
        }
    }
}

/// Safe methods change nothing, so that sending them twice does no harm (RFC 9110, 9.2.1).
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}
