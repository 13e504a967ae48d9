//! A request's body on its way to a backend.
//!
//! It moves through as it comes, and notes whom it waits for: a backend is silent only when it has the whole request, or
//! does not take what there is; while the client is slow, nobody accuses the backend.

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::time::Instant;

/// The body of one request.
#[derive(Debug)]
pub(crate) struct Upload(Option<Streaming>);

#[derive(Debug)]
struct Streaming {
    body: Incoming,
    progress: Rc<Progress>,
}

/// How far an upload is, for the one who waits for the response.
#[derive(Debug)]
pub(crate) struct Progress {
    waits_for: Cell<Side>,
    since: Cell<Instant>,
    client_gone: Cell<bool>,
}

/// Who has to move next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    /// The next bytes must come from the client.
    Client,
    /// The backend must take bytes, or answer.
    Backend,
}

impl Upload {
    /// No body.
    pub(crate) fn empty() -> Self {
        Self(None)
    }

    /// The client's body, moved through.
    pub(crate) fn new(body: Incoming) -> Self {
        if body.is_end_stream() {
            return Self::empty();
        }
        let progress = Rc::new(Progress {
            waits_for: Cell::new(Side::Backend),
            since: Cell::new(Instant::now()),
            client_gone: Cell::new(false),
        });
        Self(Some(Streaming { body, progress }))
    }

    /// Whether there is nothing to send.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Watches this upload; `None` when it is empty.
    pub(crate) fn progress(&self) -> Option<Rc<Progress>> {
        self.0.as_ref().map(|streaming| Rc::clone(&streaming.progress))
    }
}

impl Progress {
    /// Who has to move, and since when.
    pub(crate) fn waits(&self) -> (Side, Instant) {
        (self.waits_for.get(), self.since.get())
    }

    /// The client broke off in the middle.
    pub(crate) fn client_gone(&self) -> bool {
        self.client_gone.get()
    }

    /// Now it is a backend's move: what was waited for before, such as another backend's connection, is not its fault.
    pub(crate) fn restart(&self) {
        self.set(Side::Backend);
    }

    fn set(&self, side: Side) {
        self.waits_for.set(side);
        self.since.set(Instant::now());
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(Streaming { body, progress }) = &mut self.0 else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        match &polled {
            Poll::Pending if progress.waits_for.get() == Side::Backend => progress.set(Side::Client),
            Poll::Pending => {}
            Poll::Ready(Some(Err(_))) => progress.client_gone.set(true),
            Poll::Ready(_) => progress.set(Side::Backend),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|streaming| streaming.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |streaming| streaming.body.size_hint())
    }
}
