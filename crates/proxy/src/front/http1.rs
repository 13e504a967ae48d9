//! A client that speaks HTTP/1.1, over any stream of bytes.
//!
//! One request after the other: [`Http1::poll_next`] reads a head, then the request's exchange moves bodies through the
//! [`Front`](super::Front), then [`Http1::poll_flush`] brings the answer's end out.

mod bodies;

use super::{Ask, ClientError, Front};
use crate::alarm::Alarm;
use crate::bounds;
use crate::buffer::Buffer;
use crate::pages::Page;
use muster_http1::{Asked, Body, Hop, Refusal, Request, Slots, Transfer, Version, write_request};
use muster_routes::Edits;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::Instant;

/// Heads are small; memory that a large one took is given back behind it.
const SPARE_BYTES_MAX: usize = 4096;

/// Longest part of a body that is copied behind what goes before it.
const COPIED_BYTES_MAX: usize = 4096;

/// The next thing of a client that has none going on.
#[derive(Debug)]
pub(crate) enum Next {
    /// A request; its head was put into the `Ask`.
    Request,
    /// What came is none. After the answer the connection must be closed.
    Refused(Refusal),
    /// It closed, or had nothing to say for too long.
    Closed,
}

/// One client's connection.
#[derive(Debug)]
pub(crate) struct Http1<S> {
    stream: S,
    held: Buffer,
    /// How far `held` was searched for a head in vain.
    searched: usize,
    /// What goes to the client before all else, and how much of it has gone.
    out: Vec<u8>,
    out_gone: usize,
    /// Where in `out` the answer begins, while nothing of it has gone.
    answer_at: Option<usize>,
    /// Nothing was written since the stream was flushed.
    is_settled: bool,
    hop: Hop,
    /// Whether connections are to be closed behind their answers.
    stop: watch::Receiver<bool>,
    idle_max: Duration,
    stuck_max: Duration,
    /// When the first bytes came of a head that was not whole then.
    first: Option<Instant>,
    /// The client was silent for too long.
    is_late: bool,
    /// For a head that does not come, or an answer that is not taken.
    alarm: Alarm,
    /// The client has said that nothing follows; it may still read.
    has_ended: bool,
    grace: Alarm,

    // Of the request that goes on.
    version: Version,
    keeps: bool,
    asked_to_close: bool,
    is_head: bool,
    expects: bool,
    upload: Transfer,
    /// Body bytes at the front of `held` that may go on, behind `lead`.
    cleared: usize,
    lead: Vec<u8>,
    download: Transfer,
    /// Body bytes at the front of the backend's buffer, or of `rest`, that may go on, behind `out`.
    passing: usize,
    /// The end of an answer whose backend has done its part.
    rest: Buffer,
    /// What rules change in the request and in its answer.
    edits: Edits,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Http1<S> {
    /// A new connection. `idle_max`: how long it may have no whole head for us. When `stop` becomes true, answers say that it is closed
    /// behind them.
    pub(crate) fn new(stream: S, hop: Hop, idle_max: Duration, stop: watch::Receiver<bool>) -> Self {
        Self {
            stream,
            held: Buffer::default(),
            searched: 0,
            out: Vec::new(),
            out_gone: 0,
            answer_at: None,
            is_settled: true,
            hop,
            stop,
            idle_max,
            stuck_max: idle_max.max(bounds::STUCK_MIN),
            first: None,
            is_late: false,
            alarm: Alarm::default(),
            has_ended: false,
            grace: Alarm::default(),
            version: Version::V11,
            keeps: false,
            asked_to_close: false,
            is_head: false,
            expects: false,
            upload: Transfer::of_request(Body::None),
            cleared: 0,
            lead: Vec::new(),
            download: Transfer::of_request(Body::None),
            passing: 0,
            rest: Buffer::default(),
            edits: Edits::new(),
        }
    }

    /// Whether what has come is the beginning of HTTP/2 by prior knowledge, and nothing was said before it.
    pub(crate) fn is_http2(&self) -> bool {
        super::http2::is_preface(self.held.bytes()) && self.out.is_empty()
    }

    /// From here on the client's time for its next head runs.
    pub(crate) fn await_next(&mut self) {
        self.alarm.start(self.idle_max);
        for spare in [&mut self.out, &mut self.lead] {
            if spare.capacity() > SPARE_BYTES_MAX {
                *spare = Vec::new();
            }
        }
    }

    /// Nothing of a next request has come.
    pub(crate) fn is_idle(&self) -> bool {
        self.held.is_empty()
    }

    /// How long the head took that was read last, since its first byte.
    pub(crate) fn head_took(&mut self) -> Duration {
        self.first.take().map_or(Duration::ZERO, |first| first.elapsed())
    }

    /// Bytes of a head that is not whole, and whether its client was silent for too long.
    pub(crate) fn left(&self) -> (usize, bool) {
        (self.held.bytes().len(), self.is_late)
    }

    /// Reads the next request's head into `ask`.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>, ask: &mut Ask) -> Poll<Next> {
        loop {
            match self.read_head(ask) {
                Ok(true) => {
                    self.alarm.clear();
                    return Poll::Ready(Next::Request);
                }
                Ok(false) if self.first.is_none() && !self.held.is_empty() => {
                    self.first = Some(Instant::now());
                }
                Ok(false) => {}
                Err(refusal) => {
                    self.version = Version::V11;
                    (self.keeps, self.asked_to_close, self.is_head) = (false, false, false);
                    return Poll::Ready(Next::Refused(refusal));
                }
            }
            if self.has_ended {
                return Poll::Ready(Next::Closed);
            }
            match self.held.poll_fill(cx, &mut self.stream) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Next::Closed),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => {
                    return self.alarm.poll(cx).map(|()| {
                        self.is_late = true;
                        Next::Closed
                    });
                }
            }
        }
    }

    /// Takes a head off what came, if there is a whole one.
    fn read_head(&mut self, ask: &mut Ask) -> Result<bool, Refusal> {
        // Empty lines before a request (RFC 9112, 2.2): some clients send one behind a body.
        while self.held.bytes().starts_with(b"\r\n") {
            self.held.take(2);
            self.searched = 0;
        }
        let bytes = self.held.bytes();
        // A client that sends byte by byte costs one look for each line, not for each byte.
        let new = &bytes[self.searched.min(bytes.len())..];
        if new.is_empty()
            || self.searched > 0 && bytes.len() < bounds::HEAD_BYTES_MAX && !new.contains(&b'\n')
        {
            return Ok(false);
        }
        let mut slots = Slots::new();
        let Some(request) = Request::parse(bytes, &mut slots)? else {
            self.searched = bytes.len();
            return Ok(false);
        };
        ask.head.clear();
        if ask.head.capacity() > SPARE_BYTES_MAX {
            ask.head = Vec::new();
        }
        if ask.story.is_logged() {
            ask.story.hear(bytes, request.host(), request.fields());
        }
        write_request(&request, &self.hop, &mut ask.head)?;
        self.is_head = request.method == "HEAD";
        ask.asked = Asked { head: self.is_head, connect: false, upgrade: request.upgrade().is_some() };
        ask.safe = matches!(request.method, "GET" | "HEAD" | "OPTIONS" | "TRACE");
        ask.has_body = request.body != Body::None;
        self.version = request.version;
        self.keeps = request.keeps();
        self.asked_to_close = !self.keeps;
        self.expects = request.expects_continue();
        self.upload = Transfer::of_request(request.body);
        let length = request.length;
        self.held.take(length);
        self.searched = 0;
        Ok(true)
    }

    /// Whether the connection can take another request, once all of the answer is out.
    pub(crate) fn keeps(&self) -> bool {
        self.keeps && self.is_uploaded()
    }

    /// Brings out all that is left to be written.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        self.poll_out(cx)
    }

    /// Sees to it that what was written goes out: a stream that seals bytes may have kept some.
    fn poll_settle(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        if self.is_settled {
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut self.stream).poll_flush(cx)).map_err(ClientError::Gone)?;
        self.is_settled = true;
        Poll::Ready(Ok(()))
    }

    /// Writes what is left of answers.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        while self.out_gone < self.out.len() || !self.rest.is_empty() {
            let mut rest = std::mem::take(&mut self.rest);
            let written = self.poll_write(cx, rest.bytes());
            if let Poll::Ready(Ok(count)) = written {
                rest.take(count);
                self.passing -= count;
            }
            self.rest = rest;
            ready!(written)?;
        }
        self.poll_settle(cx)
    }

    /// Writes once: what goes before, and `body` behind it. Returns how much of `body` was taken.
    fn poll_write(&mut self, cx: &mut Context<'_>, body: &[u8]) -> Poll<Result<usize, ClientError>> {
        // One write of both: small bodies are copied for it, which costs less than telling the kernel of two places.
        let is_copied = !self.out.is_empty() && body.len() <= COPIED_BYTES_MAX;
        if is_copied {
            self.out.extend_from_slice(body);
        }
        let before = &self.out[self.out_gone..];
        let stream = Pin::new(&mut self.stream);
        let written = match (before.is_empty(), is_copied) {
            (true, _) => stream.poll_write(cx, body),
            (_, true) => stream.poll_write(cx, before),
            _ => stream.poll_write_vectored(cx, &[IoSlice::new(before), IoSlice::new(body)]),
        };
        match written {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(ClientError::Gone(io::ErrorKind::WriteZero.into()))),
            Poll::Ready(Ok(count)) => {
                let of_before = count.min(before.len());
                self.answer_at = None;
                self.out_gone += of_before;
                if self.out_gone == self.out.len() {
                    self.out.clear();
                    self.out_gone = 0;
                }
                self.is_settled = false;
                self.alarm.clear();
                if self.has_ended {
                    // It reads, or the network would have told by now.
                    self.grace.start(bounds::HALF_CLOSED);
                }
                Poll::Ready(Ok(if is_copied { body.len() } else { count - of_before }))
            }
            Poll::Ready(Err(cause)) => Poll::Ready(Err(ClientError::Gone(cause))),
            Poll::Pending => {
                if !self.alarm.is_set() {
                    self.alarm.start(self.stuck_max);
                }
                match self.alarm.poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Err(ClientError::Stuck)),
                    Poll::Pending if is_copied && !body.is_empty() => Poll::Ready(Ok(body.len())),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    /// Writes `page` behind what is to be written, and decides whether the connection stays: not when a body may follow.
    fn put_page(&mut self, page: &Page) {
        self.held.take(std::mem::take(&mut self.cleared));
        self.lead.clear();
        while !self.upload.is_done() {
            match self.upload.advance(self.held.bytes(), &mut self.lead) {
                Ok(step) if step.skip + step.pass > 0 => self.held.take(step.skip + step.pass),
                Ok(_) | Err(_) => break,
            }
        }
        self.lead.clear();
        self.keeps &= self.upload.is_done() && !self.has_ended && !*self.stop.borrow();
        let minor = if self.version == Version::V11 { 1 } else { 0 };
        page.write(minor, self.keeps, self.is_head, &mut self.out);
    }

    /// Ends the connection so that the client can read all of its answer: a close with bytes unread would reset it, and with
    /// it what the client has not read yet (RFC 9112, 9.6).
    pub(crate) async fn close(mut self) {
        // Who asked for the close sends nothing behind its request.
        let is_silent = self.has_ended || self.asked_to_close && self.held.is_empty() && self.is_uploaded();
        let lingering = std::future::poll_fn(|cx| {
            if ready!(Pin::new(&mut self.stream).poll_shutdown(cx)).is_err() || is_silent {
                return Poll::Ready(());
            }
            loop {
                let held = self.held.bytes().len();
                self.held.take(held);
                match ready!(self.held.poll_fill(cx, &mut self.stream)) {
                    Ok(0) | Err(_) => return Poll::Ready(()),
                    Ok(_) => {}
                }
            }
        });
        let _ = tokio::time::timeout(bounds::LINGER, lingering).await;
    }

    /// The stream, what goes into it first, and what came from it last.
    pub(crate) fn into_tunnel(mut self) -> (S, Vec<u8>, Buffer) {
        self.out.drain(..self.out_gone);
        (self.stream, self.out, self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test]
    async fn a_client_that_takes_nothing_of_its_answer_is_noticed_on_any_stream() {
        let addr = ([127, 0, 0, 1], 80).into();
        let hop = Hop::new(Some([127, 0, 0, 1].into()), Some(addr), false);
        let (_client, stream) = tokio::io::duplex(16);
        let stop = watch::Sender::new(false);
        let mut front = Http1::new(stream, hop, Duration::ZERO, stop.subscribe());
        front.page(&Page::nobody_ready("web"));
        let flushed = poll_fn(|cx| front.poll_flush(cx)).await;
        assert!(matches!(flushed, Err(ClientError::Stuck)), "{flushed:?}");
    }
}
