//! A response on its way to the client.
//!
//! The body moves through frame by frame, pulled by the client. Its end is the end of the request: then the backend is
//! relieved and its connection is kept for the next one.

use crate::bounds;
use crate::lease::Lease;
use crate::upstream::Upstream;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use muster_balance::Ended;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// The body of what we answer.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// An answer of our own.
    Page(Full<Bytes>),
    /// A backend's.
    Relay(Box<Relay>),
}

/// A backend's response body.
#[derive(Debug)]
pub(crate) struct Relay {
    body: Incoming,
    lease: Lease,
    upstream: Option<Upstream>,
    /// The request was safe to repeat; a cut response cannot be repeated all the same.
    safe: bool,
}

impl Outgoing {
    /// An answer of our own.
    pub(crate) fn page(text: Bytes) -> Self {
        Self::Page(Full::new(text))
    }

    /// Passes `body` on.
    pub(crate) fn relay(body: Incoming, lease: Lease, upstream: Upstream, safe: bool) -> Self {
        Self::Relay(Box::new(Relay { body, lease, upstream: Some(upstream), safe }))
    }
}

impl Relay {
    /// The response is whole: the request is over and the connection may be used again.
    fn complete(&mut self) {
        self.lease.end(Ended::Well);
        if let Some(upstream) = self.upstream.take() {
            reuse(&self.lease, upstream);
        }
    }
}

/// Keeps a connection whose response is done, once its request is done too.
fn reuse(lease: &Lease, mut upstream: Upstream) {
    let (plane, key) = (Rc::clone(lease.plane()), lease.key());
    if upstream.sender.is_closed() {
        return;
    }
    if upstream.sender.is_ready() {
        plane.keep(key, upstream);
        return;
    }
    // The backend answered before it had the whole request, or the connection's task has yet to notice the end.
    tokio::task::spawn_local(async move {
        match tokio::time::timeout(bounds::LINGER, upstream.sender.ready()).await {
            Ok(Ok(())) => plane.keep(key, upstream),
            Ok(Err(_closed)) => {}
            Err(_late) => upstream.abort(),
        }
    });
}

impl Body for Relay {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(None) => self.complete(),
            Poll::Ready(Some(Err(cause))) => {
                tracing::warn!(%cause, "a backend broke off in the middle of a response");
                let safe = self.safe;
                self.lease.end(Ended::Failed { safe });
                self.upstream = None;
            }
            Poll::Ready(Some(Ok(_))) if self.body.is_end_stream() => self.complete(),
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // hyper does not poll a body that says it has ended, such as that of a HEAD or a 304.
        if self.body.is_end_stream() {
            self.complete();
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut *self {
            Self::Page(page) => Pin::new(page).poll_frame(cx).map_err(|never| match never {}),
            Self::Relay(relay) => Pin::new(relay.as_mut()).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Page(page) => page.is_end_stream(),
            Self::Relay(relay) => relay.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Page(page) => page.size_hint(),
            Self::Relay(relay) => relay.size_hint(),
        }
    }
}
