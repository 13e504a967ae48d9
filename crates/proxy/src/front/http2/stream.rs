//! One request of a client that speaks HTTP/2, and its answer.

use super::Arrived;
use crate::alarm::Alarm;
use crate::bounds;
use crate::buffer::Buffer;
use crate::edit::edit;
use crate::front::{Ask, ClientError, Front, PassError, Passed};
use crate::http2::body::{Framed, Unframed};
use crate::http2::head;
use crate::pages::Page;
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::Response as Head;
use muster_http1::{Asked, Body, Hop, Refusal, Request, Response, Slots, ToClient, Version};
use muster_http1::{write_request, write_response};
use muster_routes::Edits;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// One stream.
#[derive(Debug)]
pub(super) struct Http2 {
    respond: SendResponse<Bytes>,
    /// Once the answer's head is out.
    send: Option<SendStream<Bytes>>,
    receive: RecvStream,
    is_head: bool,
    expects: bool,
    upload: Framed,
    download: Unframed,
    /// Bytes of data at the front of the backend's buffer, or of `rest`, that may go on.
    passing: usize,
    /// The end of an answer whose backend has done its part.
    rest: Buffer,
    is_ended: bool,
    stuck_max: Duration,
    /// For an answer that is not taken.
    alarm: Alarm,
    edits: Edits,
}

impl Http2 {
    /// A request that has come; its head is put into `ask`, or there is a reason why it cannot be passed on.
    pub(super) fn new(
        (request, respond): Arrived,
        hop: &Hop,
        idle_max: Duration,
        ask: &mut Ask,
    ) -> (Self, Option<Refusal>) {
        let (parts, receive) = request.into_parts();
        let mut front = Self {
            respond,
            send: None,
            receive,
            is_head: parts.method == http::Method::HEAD,
            expects: false,
            upload: Framed::new(Body::None),
            download: Unframed::new(Body::None, true),
            passing: 0,
            rest: Buffer::default(),
            is_ended: false,
            stuck_max: idle_max.max(bounds::STUCK_MIN),
            alarm: Alarm::default(),
            edits: Edits::new(),
        };
        let refused = front.read(&parts, hop, ask).err();
        (front, refused)
    }

    fn read(&mut self, parts: &http::request::Parts, hop: &Hop, ask: &mut Ask) -> Result<(), Refusal> {
        let mut text = Vec::new();
        head::request_text(parts, !self.receive.is_end_stream(), &mut text)?;
        let mut slots = Slots::new();
        let request = Request::parse(&text, &mut slots)?.ok_or(Refusal::HeadTooLong)?;
        if ask.story.is_logged() {
            ask.story.hear(&as_it_came(&text), request.host(), request.fields());
        }
        write_request(&request, hop, &mut ask.head)?;
        ask.asked = Asked { head: self.is_head, connect: false, upgrade: false };
        ask.safe = matches!(request.method, "GET" | "HEAD" | "OPTIONS" | "TRACE");
        ask.has_body = request.body != Body::None;
        self.expects = request.expects_continue();
        self.upload = Framed::new(request.body);
        Ok(())
    }

    /// Brings out the rest of the answer. What is written then is the connection's.
    ///
    /// # Errors
    /// [`ClientError`]; it does not have it all.
    pub(super) async fn finish(mut self) -> Result<(), ClientError> {
        let finished = poll_fn(|cx| self.poll_out(cx)).await;
        if finished.is_err() {
            self.reset(Reason::CANCEL);
        }
        finished
    }

    /// The client must not take what it has for an answer.
    pub(super) fn reset(mut self, reason: Reason) {
        match &mut self.send {
            Some(send) => send.send_reset(reason),
            None => self.respond.send_reset(reason),
        }
    }

    fn put_head(&mut self, head: Head<()>, is_all: bool) {
        self.is_ended = is_all;
        // It fails when the stream is gone, which whoever waits for it next is told.
        self.send = self.respond.send_response(head, is_all).ok();
    }

    /// Gives so many of `bytes` to the connection as it takes now.
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, ClientError>> {
        let Some(send) = &mut self.send else { return Poll::Ready(Err(reset())) };
        loop {
            if send.capacity() < bytes.len() {
                send.reserve_capacity(bytes.len());
            }
            let count = send.capacity().min(bytes.len());
            if count > 0 {
                self.alarm.clear();
                let data = Bytes::copy_from_slice(&bytes[..count]);
                return Poll::Ready(send.send_data(data, false).map(|()| count).map_err(gone));
            }
            match send.poll_capacity(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(cause))) => return Poll::Ready(Err(gone(cause))),
                Poll::Ready(None) => return Poll::Ready(Err(reset())),
                Poll::Pending => {
                    if !self.alarm.is_set() {
                        self.alarm.start(self.stuck_max);
                    }
                    return self.alarm.poll(cx).map(|()| Err(ClientError::Stuck));
                }
            }
        }
    }

    /// Sends what is left of an answer.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        while !self.rest.is_empty() {
            let mut rest = std::mem::take(&mut self.rest);
            let sent = self.poll_send(cx, &rest.bytes()[..self.passing]);
            if let Poll::Ready(Ok(count)) = sent {
                rest.take(count);
                self.passing -= count;
            }
            self.rest = rest;
            ready!(sent)?;
        }
        if self.send.is_some() && self.passing == 0 && self.download.is_done() {
            self.end()?;
        }
        Poll::Ready(Ok(()))
    }

    fn end(&mut self) -> Result<(), ClientError> {
        if std::mem::replace(&mut self.is_ended, true) {
            return Ok(());
        }
        let Some(send) = &mut self.send else { return Err(reset()) };
        match self.download.trailers.take() {
            Some(trailers) => send.send_trailers(trailers),
            None => send.send_data(Bytes::new(), true),
        }
        .map_err(gone)
    }
}

fn gone(cause: h2::Error) -> ClientError {
    ClientError::Gone(io::Error::other(cause))
}

fn reset() -> ClientError {
    ClientError::Gone(io::ErrorKind::ConnectionReset.into())
}

/// A request in HTTP/1.1's words, with the version that its client spoke, for the log.
fn as_it_came(text: &[u8]) -> Vec<u8> {
    let mut said = text.to_vec();
    let line = said.iter().position(|byte| *byte == b'\r').unwrap_or(said.len());
    if let Some(version) = said[..line].last_chunk_mut::<8>() {
        *version = *b"HTTP/2.0";
    }
    said
}

impl Front for Http2 {
    fn edits(&mut self) -> &mut Edits {
        &mut self.edits
    }

    fn ready(&self) -> &[u8] {
        self.upload.bytes()
    }

    fn taken(&mut self, count: usize) {
        let done_with = self.upload.take(count);
        // It fails when the stream is gone, which the next look tells.
        let _ = self.receive.flow_control().release_capacity(done_with);
    }

    fn is_uploaded(&self) -> bool {
        self.upload.is_over() && self.upload.bytes().is_empty()
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        if std::mem::take(&mut self.expects) && self.send.is_none() && !self.receive.is_end_stream() {
            let mut head = Head::new(());
            *head.status_mut() = http::StatusCode::CONTINUE;
            let _ = self.respond.send_informational(head);
        }
        if let Poll::Ready(Err(cause)) = self.poll_out(cx) {
            return Poll::Ready(Err(cause));
        }
        while !self.upload.is_over() && self.upload.bytes().len() < bounds::UPLOAD_BYTES {
            match self.receive.poll_data(cx) {
                Poll::Ready(Some(Ok(data))) => self.upload.data(&data),
                Poll::Ready(Some(Err(cause))) => return Poll::Ready(Err(gone(cause))),
                Poll::Ready(None) => {
                    let trailers = match self.receive.poll_trailers(cx) {
                        Poll::Ready(trailers) => trailers.map_err(gone)?,
                        Poll::Pending => break,
                    };
                    self.upload.end(trailers.as_ref()).map_err(ClientError::Refused)?;
                }
                Poll::Pending => break,
            }
        }
        match self.upload.bytes().is_empty() && !self.upload.is_over() {
            true => Poll::Pending,
            false => Poll::Ready(Ok(())),
        }
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<ClientError> {
        if let Poll::Ready(Err(cause)) = self.poll_out(cx) {
            return Poll::Ready(cause);
        }
        let polled = match &mut self.send {
            Some(send) => send.poll_reset(cx),
            None => self.respond.poll_reset(cx),
        };
        polled.map(|cause| match cause {
            Ok(reason) => ClientError::Gone(io::Error::other(format!("it took the request back: {reason}"))),
            Err(cause) => gone(cause),
        })
    }

    fn interim(&mut self, response: &Response<'_, '_>) {
        let to = ToClient { version: Version::V11, keeps: true, body: Body::None };
        let mut text = Vec::new();
        write_response(response, to, &mut text);
        let _ = self.respond.send_informational(head::response(response.status, &text));
    }

    fn head(&mut self, response: &Response<'_, '_>) {
        // Its own framing is left out: frames say where it ends.
        let body = if response.body == Body::Chunked { Body::UntilClose } else { response.body };
        let to = ToClient { version: Version::V11, keeps: true, body };
        let mut text = Vec::new();
        write_response(response, to, &mut text);
        if self.edits.response().next().is_some() {
            edit(&mut text, 0, None, &self.edits.response());
        }
        self.download = Unframed::new(response.body, true);
        self.put_head(head::response(response.status, &text), response.body == Body::None);
    }

    fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Buffer,
        ended: bool,
    ) -> Poll<Result<Passed, PassError>> {
        loop {
            if self.passing == 0 && !self.download.is_done() {
                let moved = self.download.advance(from.bytes()).map_err(PassError::Garbled)?;
                from.take(moved.skip);
                self.passing = moved.pass;
                if ended && moved.skip + moved.pass == 0 {
                    self.download.finish().map_err(|_| PassError::CutShort)?;
                }
            }
            if self.passing == 0 {
                if !self.download.is_done() {
                    return Poll::Ready(Ok(Passed::All));
                }
                self.end()?;
                return Poll::Ready(Ok(Passed::Whole));
            }
            match self.poll_send(cx, &from.bytes()[..self.passing])? {
                Poll::Ready(count) => {
                    from.take(count);
                    self.passing -= count;
                }
                // The client is slow, and the backend need not wait for it: its part is done.
                Poll::Pending if self.download.is_done() && from.bytes().len() == self.passing => {
                    self.rest = std::mem::take(from);
                    return Poll::Ready(Ok(Passed::Whole));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn page(&mut self, page: &Page) {
        let mut text = Vec::new();
        page.write(1, true, self.is_head, &mut text);
        let end = text.windows(4).position(|four| four == b"\r\n\r\n").map_or(text.len(), |at| at + 4);
        let body = Bytes::from(text.split_off(end));
        self.put_head(head::response(page.status(), &text), body.is_empty());
        if let Some(send) = self.send.as_mut().filter(|_| !body.is_empty()) {
            // Pages are short, or somebody wrote them down: they wait in the connection for a client that is slow.
            let _ = send.send_data(body, true);
            self.is_ended = true;
        }
    }
}
