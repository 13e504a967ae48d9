//! One client's connection.

use crate::alarm::Alarm;
use crate::bounds;
use crate::client::Client;
use crate::forward::{Outcome, forward};
use crate::front::http1::{Http1, Next};
use crate::front::{Ask, Front};
use crate::pages::Page;
use crate::plane::Plane;
use crate::preface;
use crate::redirect;
use crate::tunnel;
use muster_http1::Hop;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::Instant;

/// Serves requests that come on `stream` until either side closes. When `stop` becomes true, a request in flight is answered with
/// `Connection: close` and an idle connection is closed. One that is new gets a moment for its first request, which may be on its
/// way: clients send it again after the end of a connection that they had used, and fail when they had not.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    plane: Rc<Plane>,
    stream: S,
    client: Rc<Client>,
    stop: watch::Receiver<bool>,
) {
    let hop = Hop::new(client.peer.map(|peer| peer.ip()), client.local, client.tls.is_some());
    let mut stopped = stop.clone();
    let mut stopped = pin!(stopped.wait_for(|stop| *stop));
    let mut front = Http1::new(stream, hop, plane.config.idle_timeout, stop);
    let preface = plane.config.send_proxy_protocol.map(|version| preface::of(&client, version));
    let mut ask = Ask { preface: preface.unwrap_or_default(), ..Ask::default() };
    let mut alarm = Alarm::default();
    let mut waits = Waits::default();
    loop {
        front.await_next();
        match waits.next(&mut front, &mut ask, stopped.as_mut()).await {
            Next::Request => {}
            Next::Refused(refusal) => {
                tracing::debug!(peer = ?client.peer, cause = %refusal, "a request was refused");
                front.page(&Page::refused(refusal));
                if poll_fn(|cx| front.poll_flush(cx)).await.is_ok() {
                    front.close().await;
                }
                return;
            }
            Next::Closed => return,
        }
        let outcome = match client.redirect_https {
            None => forward(&plane, &ask, &mut front, &mut alarm).await,
            Some(port) => {
                front.page(&redirect::to_https(&ask.head, port));
                Outcome::Answered
            }
        };
        match outcome {
            Outcome::Answered => {}
            Outcome::Tunnel(lease, upstream) => {
                return tunnel::run(front.into_tunnel(), lease, upstream).await;
            }
            Outcome::Lost => return,
        }
        alarm.clear();
        if let Err(cause) = poll_fn(|cx| front.poll_flush(cx)).await {
            tracing::debug!(peer = ?client.peer, %cause, "a client's connection ended");
            return;
        }
        if !front.keeps() {
            return front.close().await;
        }
    }
}

/// What waiting for requests remembers from one to the next.
#[derive(Debug, Default)]
struct Waits {
    had_request: bool,
    is_stopping: bool,
    /// How long after a stop the first request may take.
    first: Alarm,
}

impl Waits {
    /// The next request, while there is to be one.
    async fn next<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        front: &mut Http1<S>,
        ask: &mut Ask,
        mut stopped: Pin<&mut impl Future>,
    ) -> Next {
        poll_fn(|cx| {
            if let Poll::Ready(next) = front.poll_next(cx, ask) {
                self.had_request = true;
                return Poll::Ready(next);
            }
            if !self.is_stopping && stopped.as_mut().poll(cx).is_ready() {
                self.is_stopping = true;
                self.first.set(Instant::now() + bounds::FIRST_REQUEST_WAIT);
            }
            let may_come = !self.had_request && self.first.poll(cx).is_pending();
            match self.is_stopping && front.is_idle() && !may_come {
                true => Poll::Ready(Next::Closed),
                false => Poll::Pending,
            }
        })
        .await
    }
}
