//! A client that speaks HTTP/2, over any stream of bytes. Frames and their rules are `h2`'s; here are a connection's life and what a
//! client may ask of it.
//!
//! Each stream is a request of its own, in a task of its own: its backend, its retries, its end. The connection's task reads and writes
//! for all of them, and outlives them only until their last bytes are out.

mod lead;
mod meter;
mod stream;

use self::lead::Lead;
use self::meter::{Meter, PREFACE};
use self::stream::Http2;
use crate::alarm::Alarm;
use crate::bounds;
use crate::buffer::Buffer;
use crate::client::Client;
use crate::end::End;
use crate::forward::Outcome;
use crate::front::{Ask, Front};
use crate::pages::Page;
use crate::plane::Plane;
use crate::serve::{answer, ask, hop};
use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::Request;
use muster_http1::Hop;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, timeout};

type Arrived = (Request<RecvStream>, SendResponse<Bytes>);

/// Whether a connection that begins with `bytes` speaks HTTP/2, as far as can be said: its first line is like no other's.
pub(crate) fn is_preface(bytes: &[u8]) -> bool {
    let count = bytes.len().min(PREFACE.len());
    count > 0 && bytes[..count] == PREFACE[..count]
}

/// Serves requests that come on `stream` behind `held` until either side closes. When `stop` becomes true, the client is told to make no
/// new requests here (GOAWAY); those on their way are answered. One that is new gets a moment for its first.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    plane: Rc<Plane>,
    held: Buffer,
    stream: S,
    client: Rc<Client>,
    mut stop: watch::Receiver<bool>,
) {
    let meter = Rc::new(RefCell::new(Meter::new(Instant::now())));
    let shaking = builder().handshake(Lead::new(held, stream, Rc::clone(&meter)));
    let connection = match timeout(plane.config.handshake_timeout, shaking).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(cause)) => {
            return tracing::debug!(peer = ?client.peer, %cause, "a client does not speak HTTP/2");
        }
        Err(_late) => return tracing::debug!(peer = ?client.peer, "a client was too slow to begin"),
    };
    let hop = Rc::new(hop(&client));
    let mut life = Life {
        connection,
        meter,
        idle_max: plane.config.idle_timeout,
        had_request: false,
        is_ending: false,
        is_stopping: false,
        first: Alarm::default(),
        alarm: Alarm::default(),
    };
    let mut stopped = pin!(stop.wait_for(|stop| *stop));
    while let Some(arrived) = poll_fn(|cx| life.poll_next(cx, stopped.as_mut())).await {
        match arrived {
            Ok(arrived) => {
                let is_alone = Rc::strong_count(&hop) == 1;
                let (plane, client, hop) = (Rc::clone(&plane), Rc::clone(&client), Rc::clone(&hop));
                tokio::task::spawn_local(request(plane, client, hop, arrived, is_alone));
            }
            Err(cause) => {
                tracing::debug!(peer = ?client.peer, %cause, "a client's connection ended");
                return;
            }
        }
    }
    if life.meter.borrow().is_over() {
        tracing::info!(peer = ?client.peer, "a client takes back requests or asks for answers faster than is of use: closed");
        life.connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
        let ending = poll_fn(|cx| life.connection.poll_closed(cx));
        let _ = timeout(bounds::LINGER, ending).await;
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(bounds::STREAMS_PER_CLIENT)
        .initial_window_size(bounds::STREAM_WINDOW)
        .initial_connection_window_size(bounds::CONNECTION_WINDOW)
        .max_send_buffer_size(bounds::STREAM_SEND_BYTES)
        .max_header_list_size(u32::try_from(bounds::HEAD_BYTES_MAX).unwrap_or(u32::MAX));
    builder
}

/// How long a connection lives.
struct Life<S: AsyncRead + AsyncWrite + Unpin> {
    connection: Connection<Lead<S>, Bytes>,
    meter: Rc<RefCell<Meter>>,
    idle_max: Duration,
    had_request: bool,
    /// The client was told to make no new requests.
    is_ending: bool,
    is_stopping: bool,
    /// How long after a stop the first request may take.
    first: Alarm,
    /// Without requests: how long until the end is begun, or waited for.
    alarm: Alarm,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Life<S> {
    /// The next request; `None` when there is to be none.
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        stopped: Pin<&mut impl Future>,
    ) -> Poll<Option<Result<Arrived, h2::Error>>> {
        // What the client asks for is answered here, too.
        if let Poll::Ready(arrived) = self.connection.poll_accept(cx) {
            self.had_request = true;
            self.alarm.clear();
            return Poll::Ready(arrived);
        }
        if self.meter.borrow().is_over() {
            return Poll::Ready(None);
        }
        if !self.is_stopping && stopped.poll(cx).is_ready() {
            self.is_stopping = true;
            self.first.start(bounds::FIRST_REQUEST_WAIT);
        }
        if self.is_stopping && (self.had_request || self.first.poll(cx).is_ready()) {
            self.end(cx);
        }
        if self.connection.has_streams() {
            self.alarm.clear();
            return Poll::Pending;
        }
        if !self.alarm.is_set() {
            self.alarm.start(if self.is_ending { bounds::LINGER } else { self.idle_max });
        }
        if self.alarm.poll(cx).is_pending() {
            return Poll::Pending;
        }
        if self.is_ending {
            // It was told, and does not close.
            return Poll::Ready(None);
        }
        self.end(cx);
        Poll::Pending
    }

    /// Two GOAWAY with a round trip in between (RFC 9113, 6.8): no request that is on its way is refused.
    fn end(&mut self, cx: &mut Context<'_>) {
        if !std::mem::replace(&mut self.is_ending, true) {
            self.connection.graceful_shutdown();
            self.alarm.clear();
            cx.waker().wake_by_ref();
        }
    }
}

/// Answers one request. `is_alone`: its client has no other in flight.
async fn request(plane: Rc<Plane>, client: Rc<Client>, hop: Rc<Hop>, arrived: Arrived, is_alone: bool) {
    let mut asks = ask(&plane, &client);
    let (mut front, refused) = Http2::new(arrived, &hop, plane.config.idle_timeout, &mut asks);
    // What came is no request, or one whose head the connection's task has read at once.
    asks.story.begin(asks.head.len(), refused.is_none().then_some(Duration::ZERO));
    // Held until all of the answer is out.
    let ((outcome, _turn), _place) = match refused {
        Some(refusal) => {
            tracing::debug!(peer = ?client.peer, cause = %refusal, "a request was refused");
            let page = Page::refused(refusal);
            front.page(&page);
            asks.story.page(&page, End::BadRequest);
            ((Outcome::Answered, None), None)
        }
        None => {
            let Some(place) = place(&plane, is_alone, &mut front, &asks).await else {
                asks.story.fail(End::Ours);
                // Nobody has acted on it, and the client may know (RFC 9113, 8.7).
                return front.reset(Reason::REFUSED_STREAM);
            };
            (answer(&plane, &client, &mut asks, &mut front, &mut Alarm::default()).await, place)
        }
    };
    match outcome {
        Outcome::Answered => match front.finish().await {
            Ok(()) => asks.story.finish(),
            Err(cause) => asks.story.fail(End::from(&cause)),
        },
        // The one is never asked for, and the other was or cannot be told.
        Outcome::Tunnel(..) | Outcome::Lost => front.reset(Reason::INTERNAL_ERROR),
    }
}

/// A place among the requests beyond the first of each client; `None`: there was none for too long, or the client is gone.
async fn place(
    plane: &Plane,
    is_alone: bool,
    front: &mut Http2,
    ask: &Ask,
) -> Option<Option<OwnedSemaphorePermit>> {
    if is_alone {
        return Some(None);
    }
    let places = Arc::clone(&plane.streams);
    if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
        return Some(Some(place));
    }
    tokio::select! {
        place = timeout(bounds::STREAM_PLACE_WAIT, places.acquire_owned()) => Some(Some(place.ok()?.ok()?)),
        _ = poll_fn(|cx| front.poll_gone(cx)), if !ask.has_body => None,
    }
}
