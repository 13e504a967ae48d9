//! Bodies of an HTTP/1.1 client's request and of its answer.

use super::Http1;
use crate::bounds;
use crate::buffer::Buffer;
use crate::edit::edit;
use crate::front::{ClientError, Front, PassError, Passed};
use crate::pages::Page;
use muster_http1::{Body, Response, ToClient, Transfer, Version, write_response};
use muster_routes::Edits;
use std::io;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite};

impl<S: AsyncRead + AsyncWrite + Unpin> Front for Http1<S> {
    fn edits(&mut self) -> &mut Edits {
        &mut self.edits
    }

    fn ready(&self) -> &[u8] {
        if self.lead.is_empty() { &self.held.bytes()[..self.cleared] } else { &self.lead }
    }

    fn taken(&mut self, count: usize) {
        if self.lead.is_empty() {
            self.held.take(count);
            self.cleared -= count;
        } else {
            // Only trailers go through here.
            self.lead.drain(..count);
        }
    }

    fn is_uploaded(&self) -> bool {
        self.upload.is_done() && self.cleared == 0 && self.lead.is_empty()
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        if std::mem::take(&mut self.expects) && self.held.is_empty() {
            self.out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        // That it does not read is no reason to stop: it is its answer that it does not take.
        if let Poll::Ready(Err(cause)) = self.poll_out(cx) {
            return Poll::Ready(Err(cause));
        }
        loop {
            if !self.ready().is_empty() || self.upload.is_done() {
                return Poll::Ready(Ok(()));
            }
            let moved =
                self.upload.advance(self.held.bytes(), &mut self.lead).map_err(ClientError::Refused)?;
            self.held.take(moved.skip);
            self.cleared = moved.pass;
            if moved.skip + moved.pass > 0 {
                continue;
            }
            match ready!(self.held.poll_fill(cx, &mut self.stream)) {
                Ok(0) => {
                    let cause = io::ErrorKind::UnexpectedEof.into();
                    return Poll::Ready(Err(ClientError::Gone(cause)));
                }
                Ok(_) => {}
                Err(cause) => return Poll::Ready(Err(ClientError::Gone(cause))),
            }
        }
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<ClientError> {
        if let Poll::Ready(Err(cause)) = self.poll_out(cx) {
            return Poll::Ready(cause);
        }
        // Its next request, if there is one already, is all that is read ahead.
        while !self.has_ended && self.held.is_empty() {
            match self.held.poll_fill(cx, &mut self.stream) {
                Poll::Ready(Ok(0)) => {
                    self.has_ended = true;
                    self.grace.start(bounds::HALF_CLOSED);
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(cause)) => return Poll::Ready(ClientError::Gone(cause)),
                Poll::Pending => break,
            }
        }
        match self.has_ended {
            true => self.grace.poll(cx).map(|()| ClientError::Gone(io::ErrorKind::UnexpectedEof.into())),
            false => Poll::Pending,
        }
    }

    fn interim(&mut self, response: &Response<'_, '_>) {
        // HTTP/1.0 knows none (RFC 9110, 15.2).
        if self.version == Version::V11 {
            let to = ToClient { version: self.version, keeps: true, body: Body::None };
            write_response(response, to, &mut self.out);
        }
    }

    fn head(&mut self, response: &Response<'_, '_>) {
        let keeps = self.keeps && !self.has_ended && !*self.stop.borrow();
        let to = ToClient::new(response, self.version, keeps);
        self.keeps = to.keeps;
        self.download = Transfer::of_response(response.body, to.body);
        let start = self.out.len();
        self.answer_at = Some(start);
        write_response(response, to, &mut self.out);
        if self.edits.response().next().is_some() {
            edit(&mut self.out, start, None, &self.edits.response());
        }
    }

    fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Buffer,
        ended: bool,
    ) -> Poll<Result<Passed, PassError>> {
        loop {
            if self.passing == 0 && !self.download.is_done() {
                let moved = self.download.advance(from.bytes(), &mut self.out).map_err(PassError::Garbled)?;
                from.take(moved.skip);
                self.passing = moved.pass;
                if ended && moved.skip + moved.pass == 0 {
                    self.download.finish(&mut self.out).map_err(|_| PassError::CutShort)?;
                }
            }
            if self.passing == 0 && self.out.is_empty() {
                // If it cannot be settled now, that is told to the task; more may come meanwhile.
                if let Poll::Ready(settled) = self.poll_settle(cx) {
                    settled?;
                }
                let all = if self.download.is_done() { Passed::Whole } else { Passed::All };
                return Poll::Ready(Ok(all));
            }
            match self.poll_write(cx, &from.bytes()[..self.passing])? {
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

    fn take_back(&mut self) -> bool {
        let Some(start) = self.answer_at.take() else { return false };
        self.out.truncate(start);
        self.passing = 0;
        self.download = Transfer::of_request(Body::None);
        true
    }

    fn page(&mut self, page: &Page) {
        self.put_page(page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_http1::{Asked, Hop, Slots};
    use std::future::poll_fn;
    use std::time::Duration;
    use tokio::io::AsyncReadExt;
    use tokio::sync::watch;

    fn front<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> (Http1<S>, watch::Sender<bool>) {
        let addr = ([127, 0, 0, 1], 80).into();
        let hop = Hop::new(Some([127, 0, 0, 1].into()), Some(addr), false);
        let stop = watch::Sender::new(false);
        (Http1::new(stream, hop, Duration::from_secs(60), stop.subscribe()), stop)
    }

    #[tokio::test]
    async fn what_a_stream_keeps_back_is_not_left_there_while_a_backend_pauses() {
        let (mut client, stream) = tokio::io::duplex(4096);
        let (mut front, _stop) = front(tokio::io::BufStream::new(stream));
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
        let mut slots = Slots::new();
        front.head(&Response::parse(head, Asked::default(), &mut slots).unwrap().unwrap());
        let mut from = Buffer::default();
        poll_fn(|cx| from.poll_fill(cx, &mut b"hello".as_slice())).await.unwrap();
        let passed = poll_fn(|cx| front.poll_pass(cx, &mut from, false)).await.unwrap();
        assert_eq!(passed, Passed::All);
        let mut read = Vec::new();
        while !read.ends_with(b"hello") {
            assert!(client.read_buf(&mut read).await.unwrap() > 0);
        }
    }

    #[tokio::test]
    async fn a_backend_is_done_when_all_of_its_answer_has_come_however_slow_the_client_is() {
        let (mut client, stream) = tokio::io::duplex(16);
        let (mut front, _stop) = front(stream);
        let body = [b'x'; 10_000];
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n";
        let mut slots = Slots::new();
        front.head(&Response::parse(head, Asked::default(), &mut slots).unwrap().unwrap());
        let mut from = Buffer::default();
        poll_fn(|cx| from.poll_fill(cx, &mut body.as_slice())).await.unwrap();
        let passed = poll_fn(|cx| front.poll_pass(cx, &mut from, false)).await.unwrap();
        assert_eq!((passed, from.is_empty()), (Passed::Whole, true), "nothing was read by then");
        let mut read = Vec::new();
        let reading = async {
            poll_fn(|cx| front.poll_flush(cx)).await.unwrap();
            drop(front);
        };
        let (all, ()) = tokio::join!(client.read_to_end(&mut read), reading);
        all.unwrap();
        assert!(read.starts_with(b"HTTP/1.1 200 OK\r\n") && read.ends_with(&body));
    }
}
