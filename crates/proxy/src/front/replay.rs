//! A front that can give the beginning of its request's body again: to a backend that refuses a request of HTTP/2 unread, the first
//! of it has been sent already.

use super::{ClientError, Front, PassError, Passed};
use crate::bounds;
use crate::buffer::Buffer;
use crate::pages::Page;
use muster_http1::Response;
use muster_routes::Edits;
use std::task::{Context, Poll};

/// A front, and what was taken of its body.
#[derive(Debug)]
pub(crate) struct Replay<'f, F> {
    front: &'f mut F,
    kept: Vec<u8>,
    /// How much of that was given again.
    given: usize,
    /// All that was taken is kept.
    is_whole: bool,
}

impl<'f, F: Front> Replay<'f, F> {
    /// Of `front`, before its body.
    pub(crate) fn new(front: &'f mut F) -> Self {
        Self { front, kept: Vec::new(), given: 0, is_whole: true }
    }

    fn forget(&mut self) {
        // What is left to be given again stays until it is.
        self.is_whole = false;
        if self.given == self.kept.len() {
            (self.kept, self.given) = (Vec::new(), 0);
        }
    }
}

impl<F: Front> Front for Replay<'_, F> {
    fn edits(&mut self) -> &mut Edits {
        self.front.edits()
    }

    fn ready(&self) -> &[u8] {
        match self.kept.get(self.given..) {
            Some(kept) if !kept.is_empty() => kept,
            _ => self.front.ready(),
        }
    }

    fn taken(&mut self, count: usize) {
        if self.given < self.kept.len() {
            self.given += count;
        } else {
            if self.is_whole && self.kept.len() + count <= bounds::REPLAY_BYTES {
                self.kept.extend_from_slice(&self.front.ready()[..count]);
                self.given = self.kept.len();
            } else {
                self.forget();
            }
            self.front.taken(count);
        }
        if !self.is_whole {
            self.forget();
        }
    }

    fn rewind(&mut self) -> bool {
        if self.is_whole {
            self.given = 0;
        }
        self.is_whole
    }

    fn is_uploaded(&self) -> bool {
        self.given == self.kept.len() && self.front.is_uploaded()
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        if self.given < self.kept.len() { Poll::Ready(Ok(())) } else { self.front.poll_more(cx) }
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<ClientError> {
        self.front.poll_gone(cx)
    }

    fn interim(&mut self, response: &Response<'_, '_>) {
        self.front.interim(response);
    }

    fn head(&mut self, response: &Response<'_, '_>) {
        self.forget();
        self.front.head(response);
    }

    fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Buffer,
        ended: bool,
    ) -> Poll<Result<Passed, PassError>> {
        self.front.poll_pass(cx, from, ended)
    }

    fn page(&mut self, page: &Page) {
        self.front.page(page);
    }
}
