//! Backends that speak HTTP/2, by h2's own server: shared connections that end, refuse and break, and nobody notices who need not.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response};
use muster_fleet::Picture;
use muster_proxy::{Protocol, Proxy};
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use support::*;
use tokio::net::TcpStream;

type Asked = Request<RecvStream>;
type Respond = SendResponse<Bytes>;

/// A backend that answers each request by `answer`, which gets its number on its connection from 0.
async fn speaks<F: Future<Output = ()> + 'static>(
    answer: impl Fn(Asked, Respond, usize, Rc<Seen>) -> F + 'static,
) -> Backend {
    let answer = Rc::new(answer);
    Backend::script(move |wire, _, seen| {
        let answer = Rc::clone(&answer);
        async move {
            let Ok(mut connection) = h2::server::handshake(wire.stream).await else { return };
            let mut number = 0;
            while let Some(Ok((request, respond))) = connection.accept().await {
                tokio::task::spawn_local(answer(request, respond, number, Rc::clone(&seen)));
                number += 1;
            }
        }
    })
    .await
}

/// The whole body and its trailers.
async fn read(body: &mut RecvStream) -> (Vec<u8>, Option<HeaderMap>) {
    let mut all = Vec::new();
    while let Some(Ok(data)) = body.data().await {
        all.extend_from_slice(&data);
        let _ = body.flow_control().release_capacity(data.len());
    }
    (all, body.trailers().await.unwrap_or_default())
}

/// Answers with what was asked, with its body and its trailers; and notes it.
async fn echo(request: Asked, mut respond: Respond, seen: Rc<Seen>) {
    let (head, mut body) = request.into_parts();
    let (body, trailers) = read(&mut body).await;
    let fields = head.headers.iter();
    let fields = fields.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let start = format!("{} {}", head.method, head.uri);
    seen.requests.borrow_mut().push(Message { start, fields, body: body.clone(), trailers: Vec::new() });
    let Ok(mut send) = respond.send_response(Response::new(()), false) else { return };
    let _ = send.send_data(body.into(), trailers.is_none());
    if let Some(trailers) = trailers {
        let _ = send.send_trailers(trailers);
    }
}

async fn echoes() -> Backend {
    speaks(|request, respond, _, seen| echo(request, respond, seen)).await
}

fn proxy_of(picture: &Picture) -> (Proxy, SocketAddr) {
    let mut config = config();
    config.upstream_protocol = Protocol::H2c;
    config.listen.push("127.0.0.1:0".parse().unwrap());
    proxy_with(config, picture)
}

async fn post_text(addr: SocketAddr, body: &str) -> (u16, String) {
    let answer = post(addr, body).await;
    (answer.status(), answer.text())
}

#[test]
fn a_client_of_http_1_1_is_answered_by_a_backend_of_http_2() {
    local(async {
        let backend = echoes().await;
        let (_proxy, addr) = proxy_of(&picture(1, &[backend.addr]));
        let answer = ask(
            addr,
            "POST /a?b HTTP/1.1\r\nHost: shop.test\r\nTE: trailers\r\nConnection: te\r\nCookie: a=1\r\n\
             Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n",
        )
        .await;
        assert_eq!((answer.status(), answer.text().as_str()), (200, "hello"));
        assert_eq!(answer.trailers, [("x-sum".to_owned(), "7".to_owned())]);
        let seen = backend.seen.requests.borrow()[0].clone();
        assert_eq!(seen.start, "POST http://shop.test/a?b");
        assert_eq!((seen.field("te"), seen.field("cookie")), (Some("trailers"), Some("a=1")));
        assert_eq!(seen.field("x-forwarded-for"), Some("127.0.0.1"));
        assert_eq!(
            (seen.field("host"), seen.field("transfer-encoding"), seen.field("connection")),
            (None, None, None)
        );

        // One connection of the client's, of all kinds of answers.
        let mut wire = Wire::connect(addr).await;
        for _ in 0..2 {
            wire.write("GET /<odd>?` HTTP/1.1\r\nHost: a\r\n\r\n").await;
            let answer = wire.message().await.unwrap();
            assert_eq!((answer.status(), answer.text().as_str()), (200, ""));
        }
        wire.write("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(wire.head().await.unwrap().status(), 200);
        wire.write("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc").await;
        assert_eq!(wire.message().await.unwrap().text(), "abc");
        assert_eq!(backend.seen.requests.borrow()[1].start, "GET http://a/%3Codd%3E?%60");
        assert_eq!(backend.seen.requests.borrow().last().unwrap().field("content-length"), Some("3"));
    });
}

#[test]
fn many_requests_share_few_connections() {
    local(async {
        let backend = speaks(|request, respond, _, seen| async move {
            seen.go.notified().await;
            seen.go.notify_one();
            echo(request, respond, seen).await;
        })
        .await;
        let (proxy, addr) = proxy_of(&picture(1, &[backend.addr]));
        let mut answers = tokio::task::JoinSet::new();
        for n in 0..150 {
            answers.spawn_local(async move { (post_text(addr, &n.to_string()).await, n) });
        }
        until("all are at the backend", || in_flight(&proxy.report()) == 150).await;
        backend.seen.go.notify_one();
        while let Some(answer) = answers.join_next().await {
            let (answer, n) = answer.unwrap();
            assert_eq!(answer, (200, n.to_string()));
        }
        // A hundred each; and one that the trial of a new backend made.
        assert!(backend.seen.accepted.get() <= 3, "{}", backend.seen.accepted.get());
    });
}

#[test]
fn both_sides_of_a_stream_go_on_at_once() {
    local(async {
        let backend = speaks(|request, mut respond, _, _| async move {
            let mut body = request.into_body();
            let mut send = respond.send_response(Response::new(()), false).unwrap();
            while let Some(Ok(data)) = body.data().await {
                let _ = body.flow_control().release_capacity(data.len());
                send.send_data(data, false).unwrap();
            }
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            send.send_trailers(trailers).unwrap();
        })
        .await;
        let (_proxy, addr) = proxy_of(&picture(1, &[backend.addr]));
        let stream = TcpStream::connect(addr).await.unwrap();
        let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::task::spawn_local(connection);
        let request = Request::post("http://a/b").body(()).unwrap();
        let (response, mut send) = client.send_request(request, false).unwrap();
        let mut body = response.await.unwrap().into_body();
        for n in 0..100 {
            let ping = Bytes::from(format!("ping {n}"));
            send.send_data(ping.clone(), false).unwrap();
            // Where frames are cut is nobody's promise.
            let mut pong = Vec::new();
            while pong.len() < ping.len() {
                pong.extend_from_slice(&body.data().await.unwrap().unwrap());
            }
            assert_eq!(pong, ping);
            body.flow_control().release_capacity(ping.len()).unwrap();
        }
        send.send_data(Bytes::new(), true).unwrap();
        assert!(body.data().await.is_none());
        assert_eq!(body.trailers().await.unwrap().unwrap()["grpc-status"], "0");
    });
}

/// Ends each connection after `each` requests, by GOAWAY, as gRPC's servers do with old ones.
async fn ends_often(each: usize) -> Backend {
    Backend::script(move |wire, _, seen| async move {
        let Ok(mut connection) = h2::server::handshake(wire.stream).await else { return };
        let mut number = 0;
        while let Some(Ok((request, respond))) = connection.accept().await {
            number += 1;
            tokio::task::spawn_local(echo(request, respond, Rc::clone(&seen)));
            if number == each {
                connection.graceful_shutdown();
            }
        }
    })
    .await
}

#[test]
fn a_connection_that_its_backend_ends_is_noticed_by_nobody() {
    local(async {
        for each in [1, 3, 20] {
            let backend = ends_often(each).await;
            let (_proxy, addr) = proxy_of(&picture(1, &[backend.addr]));
            for round in 0..10 {
                let mut answers = tokio::task::JoinSet::new();
                for n in 0..20 {
                    let body = format!("{round} {n}");
                    answers.spawn_local(async move { (post_text(addr, &body).await, body) });
                }
                while let Some(answer) = answers.join_next().await {
                    let (answer, body) = answer.unwrap();
                    assert_eq!(answer, (200, body), "after {each}");
                }
            }
            assert_eq!(backend.seen.count(), 200, "each once");
        }
    });
}

#[test]
fn what_is_refused_unread_is_sent_again_with_its_body_and_what_was_read_is_not() {
    local(async {
        let refuses = speaks(|_, mut respond, _, seen| async move {
            seen.open.set(seen.open.get() + 1000);
            respond.send_reset(Reason::REFUSED_STREAM);
        })
        .await;
        let good = echoes().await;
        let (_proxy, addr) = proxy_of(&picture(1, &[refuses.addr, good.addr]));
        for n in 0..10 {
            let body = n.to_string().repeat(10_000);
            assert_eq!(post_text(addr, &body).await, (200, body));
        }
        assert!(refuses.seen.open.get() >= 1000, "it was asked");
        // Longer than what is kept: it may be refused, and is never cut.
        let long = "x".repeat(300_000);
        let (status, text) = post_text(addr, &long).await;
        assert!(status == 200 && text == long || status == 503, "{status}");

        let breaks = speaks(|_, mut respond, _, seen| async move {
            seen.requests.borrow_mut().push(Message::default());
            respond.send_reset(Reason::INTERNAL_ERROR);
        })
        .await;
        let (_proxy, addr) = proxy_of(&picture(1, &[breaks.addr]));
        assert_eq!(post_text(addr, "a").await.0, 502);
        assert_eq!(breaks.seen.count(), 1, "it may have been acted on");
    });
}

#[test]
fn a_connection_that_breaks_fails_nothing_that_is_safe_to_repeat() {
    local(async {
        // Each second request on a connection breaks it, with all that are on it.
        let backend = Backend::script(|wire, _, seen| async move {
            let Ok(mut connection) = h2::server::handshake(wire.stream).await else { return };
            for n in 0..2 {
                let Some(Ok((request, respond))) = connection.accept().await else { return };
                if n == 0 {
                    tokio::task::spawn_local(echo(request, respond, Rc::clone(&seen)));
                } else {
                    seen.requests.borrow_mut().push(Message::default());
                }
            }
        })
        .await;
        let (_proxy, addr) = proxy_of(&picture(1, &[backend.addr]));
        for n in 0..20 {
            assert_eq!(get(addr).await.status(), 200, "{n}");
        }
    });
}

#[test]
fn no_request_fails_while_backends_leave() {
    local(async {
        let backends = [echoes().await, ends_often(7).await, echoes().await];
        let addrs: Vec<_> = backends.iter().map(|backend| backend.addr).collect();
        let (proxy, addr) = proxy_of(&picture(1, &addrs));
        for version in 2..30 {
            let mut answers = tokio::task::JoinSet::new();
            for n in 0..20 {
                answers.spawn_local(async move { (post_text(addr, &n.to_string()).await, n) });
            }
            tokio::task::yield_now().await;
            let mut there = addrs.clone();
            there.remove(usize::try_from(version % 3).unwrap());
            proxy.apply(&picture(version, &there));
            while let Some(answer) = answers.join_next().await {
                let (answer, n) = answer.unwrap();
                assert_eq!(answer, (200, n.to_string()));
            }
        }
        // One that is gone for good keeps no connection.
        let last = &backends[0];
        proxy.apply(&picture(99, &addrs[1..]));
        until("its connections end", || last.seen.open.get() == 0).await;
    });
}

#[test]
fn a_backend_that_speaks_something_else_is_told_of() {
    local(async {
        let backend = Backend::named("old").await;
        let (_proxy, addr) = proxy_of(&picture(1, &[backend.addr]));
        let answer = tokio::time::timeout(Duration::from_secs(20), get(addr)).await.unwrap();
        assert!([502, 503].contains(&answer.status()), "{}", answer.start);
    });
}
