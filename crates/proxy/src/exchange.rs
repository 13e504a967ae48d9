//! One request and its response on one backend's connection, both directions at once.
//!
//! The request's body goes up while there is some, whether or not the response has begun: so an early answer reaches a
//! client that still sends, and who uploads and downloads at once is not held up.

use crate::alarm::Alarm;
use crate::attempt::Answer;
use crate::front::{Ask, ClientError, Front, PassError, Passed};
use crate::upload::{Side, Turn};
use crate::upstream::Upstream;
use muster_http1::{Body, Refusal, Response, Slots};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::AsyncWrite;

/// Interim responses before the one that counts. Nobody honest sends more than a few.
const INTERIM_MAX: u32 = 64;

/// What remains of a response's head once the client's was made of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// Status code.
    pub(crate) status: u16,
    /// The connection speaks something else from here on.
    pub(crate) is_tunnel: bool,
    /// The backend keeps the connection behind this response.
    pub(crate) keeps: bool,
    /// For so long.
    pub(crate) kept_for: Option<Duration>,
}

/// Why no response began.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The connection ended.
    Died(io::Error),
    /// What came is no response.
    Garbled(Refusal),
    /// One side had the next move for too long.
    Late(Side),
    /// The client is gone.
    Client(ClientError),
}

/// An exchange.
#[derive(Debug)]
pub(crate) struct Exchange<'e, F> {
    front: &'e mut F,
    ask: &'e Ask,
    upstream: &'e mut Upstream,
    /// How much of the request's head is written.
    sent: usize,
    /// How much of its body.
    body_sent: u64,
    /// The backend takes no more of the request; it may have answered before.
    broken: Option<io::Error>,
    interims: u32,
    ended: bool,
}

impl<'e, F: Front> Exchange<'e, F> {
    /// Of `ask` on `upstream`, from its beginning.
    pub(crate) fn new(front: &'e mut F, ask: &'e Ask, upstream: &'e mut Upstream) -> Self {
        Self { front, ask, upstream, sent: 0, body_sent: 0, broken: None, interims: 0, ended: false }
    }

    /// The same one after its response began.
    pub(crate) fn resume(front: &'e mut F, ask: &'e Ask, answer: &'e mut Answer) -> Self {
        let broken = (!answer.is_asked).then(|| io::ErrorKind::BrokenPipe.into());
        let sent = ask.head.len();
        Self { sent, broken, ..Self::new(front, ask, &mut answer.upstream) }
    }

    /// The request's head was written whole, and the backend takes what follows.
    pub(crate) fn is_asked(&self) -> bool {
        self.broken.is_none() && self.sent == self.ask.head.len()
    }

    /// All of the request is written.
    pub(crate) fn is_request_over(&self) -> bool {
        self.is_asked() && self.front.is_uploaded()
    }

    /// Nothing of the request was written.
    pub(crate) fn is_unsent(&self) -> bool {
        self.sent == 0
    }

    /// The body is still whole.
    pub(crate) fn is_intact(&self) -> bool {
        self.body_sent == 0
    }

    /// Writes what there is of the request. Tells who has the next move, and whether anything moved.
    fn poll_request(&mut self, cx: &mut Context<'_>) -> Result<(Side, bool), ClientError> {
        let mut moved = false;
        while self.broken.is_none() {
            let mut side = Side::Backend;
            if self.front.ready().is_empty() && !self.front.is_uploaded() {
                match self.front.poll_more(cx) {
                    Poll::Ready(more) => more?,
                    Poll::Pending => side = Side::Client,
                }
            }
            let head = &self.ask.head[self.sent..];
            let body = self.front.ready();
            let stream = Pin::new(&mut self.upstream.stream);
            let written = match (head.is_empty(), body.is_empty()) {
                (true, true) if self.front.is_uploaded() || side == Side::Client => return Ok((side, moved)),
                (true, true) => continue,
                (true, false) => stream.poll_write(cx, body),
                (false, true) => stream.poll_write(cx, head),
                (false, false) => stream.poll_write_vectored(cx, &[IoSlice::new(head), IoSlice::new(body)]),
            };
            match written {
                Poll::Ready(Ok(0)) => self.broken = Some(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    let of_head = count.min(head.len());
                    self.sent += of_head;
                    self.body_sent += (count - of_head) as u64;
                    self.front.taken(count - of_head);
                    self.ask.story.moved_in((count - of_head) as u64);
                    moved = true;
                }
                Poll::Ready(Err(cause)) => self.broken = Some(cause),
                Poll::Pending => return Ok((Side::Backend, moved)),
            }
        }
        Ok((Side::Backend, moved))
    }

    /// Sends the request until a response begins; its head is then on its way to the client.
    pub(crate) fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        turn: &mut Turn,
        alarm: &mut Alarm,
    ) -> Poll<Result<Facts, Broken>> {
        let (side, mut moved) = self.poll_request(cx).map_err(Broken::Client)?;
        loop {
            if !self.upstream.held.is_empty()
                && let Some(facts) = self.read_head(&mut moved).map_err(Broken::Garbled)?
            {
                return Poll::Ready(Ok(facts));
            }
            match self.upstream.held.poll_fill(cx, &mut self.upstream.stream) {
                Poll::Ready(Ok(0)) => {
                    let cause = self.broken.take();
                    let cause = cause.unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
                    return Poll::Ready(Err(Broken::Died(cause)));
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(cause)) => return Poll::Ready(Err(Broken::Died(cause))),
                Poll::Pending => break,
            }
        }
        if self.front.is_uploaded()
            && let Poll::Ready(cause) = self.front.poll_gone(cx)
        {
            return Poll::Ready(Err(Broken::Client(cause)));
        }
        turn.give(side, moved);
        alarm.set(turn.deadline());
        alarm.poll(cx).map(|()| Err(Broken::Late(turn.side())))
    }

    /// Takes heads off what came, until there is one that counts.
    fn read_head(&mut self, moved: &mut bool) -> Result<Option<Facts>, Refusal> {
        loop {
            let mut slots = Slots::new();
            let held = self.upstream.held.bytes();
            let Some(response) = Response::parse(held, self.ask.asked, &mut slots)? else { return Ok(None) };
            let length = response.length;
            if response.is_interim() {
                *moved = true;
                self.interims += 1;
                if self.interims > INTERIM_MAX {
                    return Err(Refusal::Interims);
                }
                // The client was told to continue by us; a second time would be an answer that it does not expect.
                if response.status != 100 {
                    self.front.interim(&response);
                }
                self.upstream.held.take(length);
                continue;
            }
            let facts = Facts {
                status: response.status,
                is_tunnel: response.body == Body::Tunnel,
                keeps: response.keeps(),
                kept_for: response.kept_for(),
            };
            self.ask.story.moved_out(length as u64);
            self.front.head(&response);
            self.upstream.held.take(length);
            return Ok(Some(facts));
        }
    }

    /// Moves the response's body to the client until all of it has come.
    ///
    /// # Errors
    /// [`PassError`]; what the client has must not look whole.
    pub(crate) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PassError>> {
        loop {
            let before = self.upstream.held.bytes().len();
            let passed = self.front.poll_pass(cx, &mut self.upstream.held, self.ended);
            self.ask.story.moved_out((before - self.upstream.held.bytes().len()) as u64);
            match passed? {
                Poll::Ready(Passed::Whole) => return Poll::Ready(Ok(())),
                Poll::Ready(Passed::All) => {}
                Poll::Pending => break,
            }
            match self.upstream.held.poll_fill(cx, &mut self.upstream.stream) {
                Poll::Ready(Ok(0)) => self.ended = true,
                Poll::Ready(Ok(_)) => {}
                // A reset is no end of a body, whoever it is delimited by.
                Poll::Ready(Err(_)) => return Poll::Ready(Err(PassError::CutShort)),
                Poll::Pending => break,
            }
        }
        if !self.front.is_uploaded() {
            self.poll_request(cx).map_err(PassError::Client)?;
        } else if let Poll::Ready(cause) = self.front.poll_gone(cx) {
            return Poll::Ready(Err(cause.into()));
        }
        Poll::Pending
    }

    /// The response is over; whether the request is, too. Ready with false when it never will be.
    pub(crate) fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        match self.poll_request(cx) {
            Err(_) => Poll::Ready(false),
            Ok(_) if self.broken.is_some() => Poll::Ready(false),
            Ok(_) if self.is_request_over() => Poll::Ready(true),
            Ok(_) => Poll::Pending,
        }
    }

    /// Whether the connection has said nothing beyond the response.
    pub(crate) fn is_clean(&self) -> bool {
        !self.ended && self.broken.is_none() && self.upstream.held.is_empty()
    }
}
