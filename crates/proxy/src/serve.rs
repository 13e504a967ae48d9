//! One client's connection.

use crate::alarm::Alarm;
use crate::bounds;
use crate::client::Client;
use crate::end::End;
use crate::forward::{Outcome, forward};
use crate::front::http1::{Http1, Next};
use crate::front::http2;
use crate::front::{Ask, Front};
use crate::pages::Page;
use crate::plane::Plane;
use crate::preface;
use crate::redirect;
use crate::route;
use crate::stats;
use crate::story::Story;
use crate::tunnel;
use muster_http1::{Hop, Refusal};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

/// Serves requests that come on `stream` until either side closes. When `stop` becomes true, a request in flight is answered with
/// `Connection: close` and an idle connection is closed. One that is new gets a moment for its first request, which may be on its
/// way: clients send it again after the end of a connection that they had used, and fail when they had not.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    plane: Rc<Plane>,
    stream: S,
    client: Rc<Client>,
    stop: watch::Receiver<bool>,
) {
    let mut stopped = stop.clone();
    let mut stopped = pin!(stopped.wait_for(|stop| *stop));
    let is_secure = client.tls.is_some();
    let mut front = Http1::new(stream, hop(&client), plane.config.idle_timeout, stop.clone());
    let mut ask = ask(&plane, &client);
    let mut alarm = Alarm::default();
    let mut waits = Waits::default();
    let mut is_new = true;
    loop {
        front.await_next();
        match waits.next(&mut front, &mut ask, stopped.as_mut()).await {
            Next::Request => {
                is_new = false;
                ask.story.begin(ask.head.len(), Some(front.head_took()));
            }
            // Costs nobody else a look. Over TLS it is agreed on before (RFC 9113, 3.3).
            Next::Refused(Refusal::Version) if is_new && !is_secure && front.is_http2() => {
                let (stream, _, held) = front.into_tunnel();
                return Box::pin(http2::serve(plane, held, stream, client, stop)).await;
            }
            Next::Refused(refusal) => {
                tracing::debug!(peer = ?client.peer, cause = %refusal, "a request was refused");
                let page = Page::refused(refusal);
                front.page(&page);
                ask.story.begin(0, None);
                ask.story.page(&page, End::BadRequest);
                if poll_fn(|cx| front.poll_flush(cx)).await.is_ok() {
                    ask.story.finish();
                    front.close().await;
                }
                return;
            }
            Next::Closed => {
                let (bytes, is_late) = front.left();
                // A connection that served is closed like this in the end.
                if bytes > 0 || !waits.had_request && !waits.is_stopping {
                    let end = if is_late { End::ClientStalled } else { End::ClientGone };
                    ask.story.nothing_came(bytes, end);
                }
                return;
            }
        }
        // Held until the answer is out.
        let (outcome, _turn) = answer(&plane, &client, &mut ask, &mut front, &mut alarm).await;
        match outcome {
            Outcome::Answered => {}
            Outcome::Tunnel(lease, upstream) => {
                return tunnel::run(front.into_tunnel(), lease, upstream, &ask.story).await;
            }
            Outcome::Lost => return,
        }
        alarm.clear();
        if let Err(cause) = poll_fn(|cx| front.poll_flush(cx)).await {
            tracing::debug!(peer = ?client.peer, %cause, "a client's connection ended");
            ask.story.fail(End::from(&cause));
            return;
        }
        ask.story.finish();
        if !front.keeps() {
            return front.close().await;
        }
    }
}

/// What backends are told of `client` in each of its requests.
pub(crate) fn hop(client: &Client) -> Hop {
    let is_secure = client.tls.is_some();
    match &client.entry.routes().routing {
        Some(routing) if !routing.tells_of_clients => Hop::silent(client.local, is_secure),
        _ => Hop::new(client.peer.map(|peer| peer.ip()), client.local, is_secure),
    }
}

/// What is the same in all requests of `client`.
pub(crate) fn ask(plane: &Rc<Plane>, client: &Rc<Client>) -> Ask {
    let preface = plane.config.send_proxy_protocol.map(|version| preface::of(client, version));
    let service = Rc::clone(&client.entry.routes().service);
    let story = Story::new(plane, client);
    Ask { service, hint: client.hint(), preface: preface.unwrap_or_default(), story, ..Ask::default() }
}

/// Answers one request whose head is in `ask`, whatever its client speaks. The second is to be held until the answer is out.
pub(crate) async fn answer<F: Front>(
    plane: &Rc<Plane>,
    client: &Client,
    ask: &mut Ask,
    front: &mut F,
    alarm: &mut Alarm,
) -> (Outcome, Option<stats::page::Turn>) {
    let mut turn = None;
    let listen = client.entry.spec();
    let decided = match listen.redirect_https.is_none() && listen.page.is_none() {
        true => route::decide(client, ask, front.edits()),
        false => None,
    };
    let is_left_over = decided.as_ref().is_none_or(|(page, _)| page.is_no_service());
    let answered = match listen.redirect_https {
        None if let Some(settings) = stats::page::of(plane, client, ask, is_left_over) => {
            let (page, taken) = stats::page::answer(plane, settings, ask, front).await;
            turn = taken;
            Some((page, End::Local))
        }
        None => decided,
        Some(port) => Some((redirect::to_https(&ask.head, port), End::Local)),
    };
    let outcome = match answered {
        None => forward(plane, ask, front, alarm).await,
        Some((page, end)) => {
            front.page(&page);
            ask.story.page(&page, end);
            Outcome::Answered
        }
    };
    (outcome, turn)
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
                self.had_request |= matches!(next, Next::Request);
                return Poll::Ready(next);
            }
            if !self.is_stopping && stopped.as_mut().poll(cx).is_ready() {
                self.is_stopping = true;
                self.first.start(bounds::FIRST_REQUEST_WAIT);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Access;
    use crate::config::Config;
    use crate::routes::Entry;
    use muster_fleet::{Gossip, Phase, Picture, Terms};
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Semaphore;

    fn config() -> Config {
        let seconds = Duration::from_secs;
        Config {
            listen: Vec::new(),
            proxy_protocol_from: Vec::new(),
            send_proxy_protocol: None,
            handshake_timeout: seconds(30),
            tls: crate::tls::Tls::default(),
            tcp_idle_timeout: seconds(60),
            policy: muster_balance::Policy::default(),
            service: "web".into(),
            routing: None,
            socket: "/nonexistent".into(),
            upstream_protocol: crate::service::Protocol::Http1,
            connect_timeout: seconds(5),
            response_timeout: seconds(30),
            stall_timeout: seconds(30),
            idle_timeout: seconds(60),
            idle_max: 16,
            drain_timeout: seconds(10),
            access_logs: Vec::new(),
            plaintext: false,
            rules: muster_fleet::Rules::new(),
            stats: None,
        }
    }

    #[tokio::test]
    async fn a_client_may_come_over_any_stream() {
        let plane = Rc::new(Plane::new(config(), &[], None, Access::default(), 1));
        plane.apply(&Picture {
            epoch: 1,
            version: 1,
            phase: Phase::Live,
            services: [].into(),
            terms: Terms { gossip: Gossip::Sealed, ..Terms::default() },
            refusals: Vec::new(),
        });
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let addr = Some(([127, 0, 0, 1], 80).into());
        let (mut client, stream) = tokio::io::duplex(64);
        let entry = Rc::new(Entry::new("127.0.0.1:80".parse().unwrap(), plane.routes()));
        let served = serve(
            plane,
            stream,
            Rc::new(Client::new(addr, addr, entry, place)),
            watch::Sender::new(false).subscribe(),
        );
        let asks = async {
            client.write_all(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            assert!(
                answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("Try again in a moment.\n"),
                "{answer}"
            );
        };
        tokio::join!(served, asks);
    }
}
