//! One client's connection.

use crate::alarm::Alarm;
use crate::bounds;
use crate::client::Client;
use crate::end::End;
use crate::forward::{Outcome, forward};
use crate::front::http1::{Http1, Next};
use crate::front::{Ask, Front};
use crate::pages::Page;
use crate::plane::Plane;
use crate::preface;
use crate::redirect;
use crate::route;
use crate::story::Story;
use crate::tunnel;
use muster_http1::Hop;
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
    let is_secure = client.tls.is_some();
    let routes = client.entry.routes();
    let hop = match &routes.routing {
        Some(routing) if !routing.tells_of_clients => Hop::silent(client.local, is_secure),
        _ => Hop::new(client.peer.map(|peer| peer.ip()), client.local, is_secure),
    };
    let mut stopped = stop.clone();
    let mut stopped = pin!(stopped.wait_for(|stop| *stop));
    let mut front = Http1::new(stream, hop, plane.config.idle_timeout, stop);
    let preface = plane.config.send_proxy_protocol.map(|version| preface::of(&client, version));
    let hint = client.hint();
    let service = Rc::clone(&routes.service);
    // From here on each request asks for those of its time.
    drop(routes);
    let story = Story::new(&plane, &client);
    let mut ask = Ask { service, hint, preface: preface.unwrap_or_default(), story, ..Ask::default() };
    let mut alarm = Alarm::default();
    let mut waits = Waits::default();
    loop {
        front.await_next();
        match waits.next(&mut front, &mut ask, stopped.as_mut()).await {
            Next::Request => ask.story.begin(ask.head.len()),
            Next::Refused(refusal) => {
                tracing::debug!(peer = ?client.peer, cause = %refusal, "a request was refused");
                let page = Page::refused(refusal);
                front.page(&page);
                ask.story.begin(0);
                ask.story.page(&page, End::BadRequest);
                if poll_fn(|cx| front.poll_flush(cx)).await.is_ok() {
                    ask.story.finish();
                    front.close().await;
                }
                return;
            }
            Next::Closed => return,
        }
        let outcome = match client.entry.spec().redirect_https {
            None => match route::decide(&client, &mut ask, front.edits()) {
                None => forward(&plane, &ask, &mut front, &mut alarm).await,
                Some((page, end)) => {
                    front.page(&page);
                    ask.story.page(&page, end);
                    Outcome::Answered
                }
            },
            Some(port) => {
                let page = redirect::to_https(&ask.head, port);
                front.page(&page);
                ask.story.page(&page, End::Local);
                Outcome::Answered
            }
        };
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
            connect_timeout: seconds(5),
            response_timeout: seconds(30),
            idle_timeout: seconds(60),
            idle_max: 16,
            drain_timeout: seconds(10),
            plaintext: false,
            rules: muster_fleet::Rules::new(),
        }
    }

    #[tokio::test]
    async fn a_client_may_come_over_any_stream() {
        let plane = Rc::new(Plane::new(config(), &[], None, 1));
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
