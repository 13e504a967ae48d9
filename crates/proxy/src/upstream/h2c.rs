//! One request to a backend that speaks HTTP/2, written and read as HTTP/1.1: so an exchange is the same for both.
//!
//! ```text
//! bytes written: head --> HEADERS, body --> DATA, trailers         (http2::head, http2::body)
//! bytes read:    HEADERS --> head, DATA --> chunks or a length
//! ```

use crate::bounds;
use crate::http2::body::{Framed, Unframed};
use crate::http2::head;
use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::Response as Head;
use http::header::{CONTENT_LENGTH, TRAILER};
use muster_http1::{Body, Request, Slots};
use std::cell::Cell;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::ReadBuf;

/// The backend has not acted on the request and never will: it refused the stream, or went away before it (RFC 9113, 8.7).
#[derive(Debug, thiserror::Error)]
#[error("the backend refused it unread: {0}")]
struct Unprocessed(h2::Error);

/// Whether `cause` says that nobody has acted on the request.
pub(crate) fn is_unprocessed(cause: &io::Error) -> bool {
    let Some(cause) = cause.get_ref() else { return false };
    cause.is::<Unprocessed>()
}

fn failure(cause: h2::Error) -> io::Error {
    let is_refused = cause.is_reset() && cause.reason() == Some(Reason::REFUSED_STREAM);
    // Streams that the backend may have acted on end with its connection, not with its word.
    let is_beyond = cause.is_go_away();
    if cause.is_remote() && (is_refused || is_beyond) {
        return io::Error::other(Unprocessed(cause));
    }
    io::Error::other(cause)
}

/// One of a connection's requests in flight.
#[derive(Debug)]
pub(super) struct Open(Rc<Cell<usize>>);

impl Open {
    pub(super) fn new(count: &Rc<Cell<usize>>) -> Self {
        count.set(count.get() + 1);
        Self(Rc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Translated {
    sender: SendRequest<Bytes>,
    _open: Open,
    /// Of the request's head, or of its trailers, until all of it is there.
    partial: Vec<u8>,
    upload: Unframed,
    send: Option<SendStream<Bytes>>,
    is_sent: bool,
    is_broken: bool,
    is_head: bool,
    response: Option<ResponseFuture>,
    receive: Option<RecvStream>,
    /// The response's head, then its body.
    head: Vec<u8>,
    download: Framed,
}

impl Translated {
    pub(super) fn new(sender: SendRequest<Bytes>, open: Open) -> Self {
        Self {
            sender,
            _open: open,
            partial: Vec::new(),
            upload: Unframed::new(Body::None, false),
            send: None,
            is_sent: false,
            is_broken: false,
            is_head: false,
            response: None,
            receive: None,
            head: Vec::new(),
            download: Framed::new(Body::None),
        }
    }

    /// Takes some of the request.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.poll_take(cx, buf);
        self.is_broken |= matches!(written, Poll::Ready(Err(_)));
        written
    }

    fn poll_take(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.response.is_none() && self.receive.is_none() {
            // Nothing is taken before it can go: what was not taken is known to be unsent.
            ready!(self.sender.poll_ready(cx)).map_err(|cause| io::Error::other(Unprocessed(cause)))?;
            return Poll::Ready(self.ask(buf));
        }
        if !self.partial.is_empty() {
            self.partial.extend_from_slice(buf);
            let partial = std::mem::take(&mut self.partial);
            let moved = self.upload.advance(&partial).map_err(io::Error::other)?;
            if moved.skip + moved.pass == 0 {
                self.partial = partial;
            }
            self.end()?;
            return Poll::Ready(Ok(buf.len()));
        }
        let Some(send) = &mut self.send else { return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())) };
        if send.capacity() < buf.len() {
            send.reserve_capacity(buf.len());
        }
        // Some capacity first: what is unframed must go.
        if send.capacity() == 0 {
            match send.poll_capacity(cx) {
                _ if send.capacity() > 0 => {}
                Poll::Ready(Some(Ok(_))) => {
                    // It was given and taken back; whoever has some to give wakes us.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(Some(Err(cause))) => return Poll::Ready(Err(failure(cause))),
                Poll::Ready(None) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                Poll::Pending => return Poll::Pending,
            }
        }
        let room = send.capacity();
        let mut used = 0;
        let mut sent = 0;
        while used < buf.len() && sent < room && !self.upload.is_done() {
            // No more than there is room for, so that what is data here is gone afterwards.
            let end = buf.len().min(used + room - sent);
            let moved = self.upload.advance(&buf[used..end]).map_err(io::Error::other)?;
            let data = &buf[used + moved.skip..used + moved.skip + moved.pass];
            if !data.is_empty() {
                send.send_data(Bytes::copy_from_slice(data), false).map_err(failure)?;
            }
            used += moved.skip + moved.pass;
            sent += moved.pass;
            if moved.skip + moved.pass == 0 {
                // Trailers, of which the rest is to come.
                self.partial.extend_from_slice(&buf[used..]);
                let partial = std::mem::take(&mut self.partial);
                if self.upload.advance(&partial).map_err(io::Error::other)?.skip == 0 {
                    self.partial = partial;
                }
                used = buf.len();
            }
        }
        self.end()?;
        Poll::Ready(Ok(used))
    }

    /// Sends the head once it is whole.
    fn ask(&mut self, buf: &[u8]) -> io::Result<usize> {
        let before = self.partial.len();
        self.partial.extend_from_slice(buf);
        let text = std::mem::take(&mut self.partial);
        let mut slots = Slots::new();
        let Some(request) = Request::parse(&text, &mut slots).map_err(io::Error::other)? else {
            self.partial = text;
            return Ok(buf.len());
        };
        let (length, is_head) = (request.length, request.method == "HEAD");
        self.upload = Unframed::new(request.body, false);
        let asked = head::request(&request).map_err(io::Error::other)?;
        let is_all = self.upload.is_done();
        let (response, send) = self.sender.send_request(asked, is_all).map_err(|cause| {
            // No stream was made.
            io::Error::other(Unprocessed(cause))
        })?;
        (self.response, self.send, self.is_sent, self.is_head) =
            (Some(response), Some(send), is_all, is_head);
        Ok(length - before)
    }

    fn end(&mut self) -> io::Result<()> {
        if !self.upload.is_done() || std::mem::replace(&mut self.is_sent, true) {
            return Ok(());
        }
        let Some(send) = &mut self.send else { return Ok(()) };
        match self.upload.trailers.take() {
            Some(trailers) => send.send_trailers(trailers),
            None => send.send_data(Bytes::new(), true),
        }
        .map_err(failure)
    }

    /// Gives some of the response. It has no end of its own: its head says where that is.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(response) = &mut self.response {
            if self.head.is_empty() {
                if let Poll::Ready(Some(interim)) = response.poll_informational(cx) {
                    head::response_text(&interim.map_err(failure)?, "", &mut self.head);
                } else {
                    let (parts, body) = ready!(Pin::new(response).poll(cx)).map_err(failure)?.into_parts();
                    self.begin(&Head::from_parts(parts, ()), body);
                }
            }
        } else if self.receive.is_none() {
            // Nothing was asked yet, and when that failed, nothing ever is. Else whoever writes reads again.
            return if self.is_broken { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
        if !self.head.is_empty() {
            let count = self.head.len().min(buf.remaining());
            buf.put_slice(&self.head[..count]);
            self.head.drain(..count);
            return Poll::Ready(Ok(()));
        }
        let Some(receive) = &mut self.receive else { return Poll::Pending };
        while self.download.bytes().is_empty() && !self.download.is_over() {
            match ready!(receive.poll_data(cx)) {
                Some(data) => self.download.data(&data.map_err(failure)?),
                None => {
                    let trailers = ready!(receive.poll_trailers(cx)).map_err(failure)?;
                    self.download.end(trailers.as_ref()).map_err(io::Error::other)?;
                }
            }
        }
        if self.download.bytes().is_empty() {
            return Poll::Pending;
        }
        let count = self.download.bytes().len().min(buf.remaining());
        buf.put_slice(&self.download.bytes()[..count]);
        let done_with = self.download.take(count);
        // It fails when the stream is gone, which the next look tells.
        let _ = receive.flow_control().release_capacity(done_with);
        Poll::Ready(Ok(()))
    }

    fn begin(&mut self, response: &Head<()>, body: RecvStream) {
        let (fields, status) = (response.headers(), response.status().as_u16());
        let has_body = !self.is_head && !matches!(status, 204 | 304);
        let length = fields.get(CONTENT_LENGTH).filter(|_| !fields.contains_key(TRAILER) || !has_body);
        let said: Option<u64> = length.and_then(|length| length.to_str().ok()?.parse().ok());
        // Of one whose stream is over already that is the length; of others it was checked where frames are read.
        let (framing, line) = match said {
            _ if !has_body => (Body::None, ""),
            Some(0) => (Body::None, ""),
            Some(length) => (Body::Length(length), ""),
            None if body.is_end_stream() => (Body::None, "Content-Length: 0\r\n"),
            None => (Body::Chunked, "Transfer-Encoding: chunked\r\n"),
        };
        head::response_text(response, line, &mut self.head);
        self.download = Framed::new(framing);
        (self.response, self.receive) = (None, Some(body));
    }
}

/// How connections to such backends are begun.
pub(super) fn builder() -> h2::client::Builder {
    let mut builder = h2::client::Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(bounds::STREAM_WINDOW)
        .initial_connection_window_size(bounds::BACKEND_WINDOW)
        .max_send_buffer_size(bounds::STREAM_SEND_BYTES)
        .max_header_list_size(u32::try_from(bounds::HEAD_BYTES_MAX).unwrap_or(u32::MAX));
    builder
}
