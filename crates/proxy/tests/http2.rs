//! Clients that speak HTTP/2 by prior knowledge, by h2's own client: each stream is a request like any other.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use http::{HeaderMap, Method, Request, Response};
use std::net::SocketAddr;
use std::time::Duration;
use support::*;
use tokio::net::TcpStream;

/// A connection; the second is done when it has ended.
async fn connect(addr: SocketAddr) -> (SendRequest<Bytes>, tokio::task::JoinHandle<Result<(), h2::Error>>) {
    let stream = TcpStream::connect(addr).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    (client, tokio::task::spawn_local(connection))
}

fn to(method: Method, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(format!("http://shop.test{path}"))
}

async fn send(
    client: &mut SendRequest<Bytes>,
    request: http::request::Builder,
    ends: bool,
) -> (ResponseFuture, SendStream<Bytes>) {
    std::future::poll_fn(|cx| client.poll_ready(cx)).await.unwrap();
    client.send_request(request.body(()).unwrap(), ends).unwrap()
}

/// The head, the whole body, and its trailers.
async fn whole(response: ResponseFuture) -> Result<(Response<()>, Vec<u8>, Option<HeaderMap>), h2::Error> {
    let (head, mut body) = response.await?.into_parts();
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        bytes.extend_from_slice(&data);
        body.flow_control().release_capacity(data.len())?;
    }
    Ok((Response::from_parts(head, ()), bytes, body.trailers().await?))
}

async fn get(client: &mut SendRequest<Bytes>, path: &str) -> (Response<()>, String) {
    let (response, _) = send(client, to(Method::GET, path), true).await;
    let (head, body, _) = whole(response).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[test]
fn a_request_reaches_a_backend_in_the_words_of_http_1_1() {
    local(async {
        let backend = Backend::answering(|_| {
            b"HTTP/1.1 201 Created\r\nX-A: b\r\nKeep-Alive: timeout=9\r\nContent-Length: 2\r\n\r\nhi".to_vec()
        })
        .await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let (mut client, _ended) = connect(addr).await;
        let request = to(Method::GET, "/a?b=c").header("cookie", "x=1").header("cookie", "y=2");
        let (response, _) = send(&mut client, request.header("x-forwarded-for", "192.0.2.1"), true).await;
        let (head, body, trailers) = whole(response).await.unwrap();
        assert_eq!((head.status().as_u16(), body.as_slice(), trailers), (201, b"hi".as_slice(), None));
        assert_eq!(head.headers()["content-length"], "2");
        assert_eq!(head.headers()["x-a"], "b");
        assert_eq!(head.headers().len(), 2, "{head:?}");
        let seen = backend.seen.requests.borrow().first().unwrap().clone();
        assert_eq!(seen.start, "GET /a?b=c HTTP/1.1");
        assert_eq!(seen.field("host"), Some("shop.test"));
        assert_eq!(seen.field("cookie"), Some("x=1; y=2"));
        assert_eq!(seen.field("x-forwarded-for"), Some("192.0.2.1, 127.0.0.1"));
        assert_eq!(seen.field("x-forwarded-proto"), Some("http"));
        assert_eq!(seen.field("transfer-encoding"), None);
    });
}

#[test]
fn the_preface_may_come_in_any_pieces_and_other_versions_are_still_refused() {
    local(async {
        let backend = Backend::named("a").await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        for cut in [1, 3, 12, 13, 20, 24] {
            let mut wire = Wire::connect(addr).await;
            let preface =
                [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
            for piece in preface.chunks(cut) {
                wire.write(piece).await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(wire.bytes(9).await.unwrap()[3], 4, "settings, when cut at {cut}");
        }
        assert_eq!(ask(addr, "GET / HTTP/2.0\r\n\r\n").await.status(), 505);
        assert_eq!(ask(addr, "PRI * HTTP/1.1\r\nHost: a\r\n\r\n").await.status(), 400);
        let mut wire = Wire::connect(addr).await;
        wire.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(wire.message().await.unwrap().text(), "a");
        wire.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        assert_eq!(wire.message().await.unwrap().status(), 505, "only at the beginning");
    });
}

#[test]
fn bodies_and_trailers_pass_both_ways() {
    local(async {
        let backend = Backend::answering(|request| {
            let body = format!("{:x}\r\n{}\r\n", request.body.len(), request.text());
            format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}0\r\nX-Sum: 7\r\nHost: no\r\n\r\n"
            )
            .into_bytes()
        })
        .await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let (mut client, _ended) = connect(addr).await;
        let (response, mut body) = send(&mut client, to(Method::POST, "/"), false).await;
        body.send_data("hello ".into(), false).unwrap();
        body.send_data("world".into(), false).unwrap();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-md5", "abc".parse().unwrap());
        trailers.insert("content-length", "3".parse().unwrap());
        body.send_trailers(trailers).unwrap();
        let (head, body, trailers) = whole(response).await.unwrap();
        assert_eq!((head.status().as_u16(), body.as_slice()), (200, b"hello world".as_slice()));
        let trailers = trailers.unwrap();
        assert_eq!((trailers.len(), &trailers["x-sum"]), (1, &"7".parse().unwrap()));
        let seen = backend.seen.requests.borrow().first().unwrap().clone();
        assert_eq!(seen.trailers, [("x-md5".to_owned(), "abc".to_owned())]);

        // With a length it stays one.
        let request = to(Method::PUT, "/").header("content-length", "5");
        let (response, mut body) = send(&mut client, request, false).await;
        body.send_data("12345".into(), true).unwrap();
        assert_eq!(whole(response).await.unwrap().1, b"12345");
        let seen = backend.seen.requests.borrow().get(1).unwrap().clone();
        assert_eq!((seen.field("content-length"), seen.field("transfer-encoding")), (Some("5"), None));
    });
}

#[test]
fn heads_without_bodies_end_their_streams() {
    local(async {
        let backend = Backend::answering(|request| {
            let answer = match request.start.split(' ').nth(1).unwrap() {
                "/204" => "HTTP/1.1 204 No Content\r\n\r\n",
                "/304" => "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
                "/early" => "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                _ => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
            };
            answer.as_bytes().to_vec()
        })
        .await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let (mut client, _ended) = connect(addr).await;
        for (method, path, status, length) in [
            (Method::HEAD, "/", 200, Some("9")),
            (Method::GET, "/204", 204, None),
            (Method::GET, "/304", 304, Some("9")),
        ] {
            let (response, _) = send(&mut client, to(method, path), true).await;
            let response = response.await.unwrap();
            assert!(response.body().is_end_stream(), "{path}");
            let said = response.headers().get("content-length").map(|value| value.to_str().unwrap());
            assert_eq!((response.status().as_u16(), said), (status, length));
        }
        let (mut response, _) = send(&mut client, to(Method::GET, "/early"), true).await;
        let hints = std::future::poll_fn(|cx| response.poll_informational(cx)).await.unwrap().unwrap();
        assert_eq!((hints.status().as_u16(), &hints.headers()["link"]), (103, &"</a>".parse().unwrap()));
        assert_eq!(response.await.unwrap().status(), 200);
    });
}

#[test]
fn an_early_answer_ends_the_upload_without_an_error() {
    local(async {
        let backend = Backend::script(|mut wire, _, _| async move {
            if wire.head().await.is_some() {
                wire.write(
                    b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                )
                .await;
            }
        })
        .await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let (mut client, _ended) = connect(addr).await;
        let (response, mut body) = send(&mut client, to(Method::POST, "/"), false).await;
        body.send_data("begin".into(), false).unwrap();
        assert_eq!(response.await.unwrap().status(), 413);
        // Its backend has closed, which the next byte tells.
        let reason = loop {
            let reset = std::future::poll_fn(|cx| body.poll_reset(cx));
            if let Ok(reason) = tokio::time::timeout(Duration::from_millis(10), reset).await {
                break reason.unwrap();
            }
            let _ = body.send_data("more".into(), false);
        };
        assert_eq!(reason, Reason::NO_ERROR);
    });
}

#[test]
fn what_cannot_be_passed_on_is_answered_and_the_connection_stays() {
    local(async {
        let backend = Backend::named("a").await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let (mut client, _ended) = connect(addr).await;
        let request = to(Method::GET, "/").header("host", "other.test");
        let (response, _) = send(&mut client, request, true).await;
        assert_eq!(whole(response).await.unwrap().0.status(), 400);
        let connect = Request::builder().method(Method::CONNECT).uri("elsewhere.test:443");
        let (response, _) = send(&mut client, connect, false).await;
        assert_eq!(whole(response).await.unwrap().0.status(), 405);
        let mut many = to(Method::GET, "/");
        for n in 0..120 {
            many = many.header(format!("x-{n}"), "1");
        }
        let (response, _) = send(&mut client, many, true).await;
        assert_eq!(whole(response).await.unwrap().0.status(), 431);
        let long = to(Method::GET, "/").header("x-long", "x".repeat(100_000));
        let (response, _) = send(&mut client, long, true).await;
        assert_eq!(whole(response).await.unwrap().0.status(), 431);
        assert_eq!(get(&mut client, "/").await.1, "a");
        assert_eq!(backend.seen.count(), 1);
    });
}

#[test]
fn a_body_that_is_cut_short_is_a_reset_and_never_an_end() {
    local(async {
        let backend = Backend::script(|mut wire, _, _| async move {
            if wire.message().await.is_some() {
                wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await;
            }
        })
        .await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let (mut client, _ended) = connect(addr).await;
        let (response, _) = send(&mut client, to(Method::GET, "/"), true).await;
        let cause = whole(response).await.unwrap_err();
        assert_eq!(cause.reason(), Some(Reason::INTERNAL_ERROR));
    });
}

#[test]
fn each_stream_is_its_own_request_with_its_own_retry() {
    local(async {
        let good = Backend::named("good").await;
        let dies = Backend::script(|mut wire, _, _| async move {
            let _ = wire.message().await;
        })
        .await;
        let (_proxy, addr) = proxy(&[dies.addr, good.addr, Nobody::new().addr]);
        let (mut client, _ended) = connect(addr).await;
        let mut answers = Vec::new();
        for _ in 0..50 {
            answers.push(send(&mut client, to(Method::GET, "/"), true).await.0);
        }
        for answer in answers {
            let (head, body, _) = whole(answer).await.unwrap();
            assert_eq!((head.status().as_u16(), body.as_slice()), (200, b"good".as_slice()));
        }
    });
}

#[test]
fn a_slow_reader_holds_its_own_stream_up_and_its_backend_but_no_other_stream() {
    local(async {
        const LARGE: usize = 8_000_000;
        let backend = Backend::script(|mut wire, _, seen| async move {
            while let Some(request) = wire.message().await {
                if request.start.starts_with("GET /large ") {
                    wire.write(format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n")).await;
                    for _ in 0..LARGE / 1000 {
                        wire.write([b'x'; 1000]).await;
                        seen.open.set(seen.open.get() + 1000);
                    }
                } else {
                    wire.write(ok("small")).await;
                }
            }
        })
        .await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let stream = TcpStream::connect(addr).await.unwrap();
        let mut builder = h2::client::Builder::new();
        let handshake = builder.initial_connection_window_size(1 << 24).handshake::<_, Bytes>(stream);
        let (mut client, connection) = handshake.await.unwrap();
        tokio::task::spawn_local(connection);
        let (slow, _) = send(&mut client, to(Method::GET, "/large"), true).await;
        let (head, mut body) = slow.await.unwrap().into_parts();
        assert_eq!(head.status, 200);
        for _ in 0..20 {
            assert_eq!(get(&mut client, "/").await.1, "small");
        }
        let mut sent = backend.seen.open.get();
        // The kernel's buffers between backend and proxy take some, too.
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if backend.seen.open.replace(backend.seen.open.get()) == sent {
                break;
            }
            sent = backend.seen.open.get();
        }
        assert!(sent < LARGE, "all of it was read ahead");
        let mut read = 0;
        while let Some(data) = body.data().await {
            let data = data.unwrap();
            read += data.len();
            body.flow_control().release_capacity(data.len()).unwrap();
        }
        assert_eq!(read, LARGE);
    });
}

#[test]
fn an_upload_is_held_up_by_its_backend() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            let head = wire.head().await.unwrap();
            seen.go.notified().await;
            let body = wire.bytes(head.field("content-length").unwrap().parse().unwrap()).await.unwrap();
            wire.write(ok(&body.len().to_string())).await;
            seen.go.notified().await;
        })
        .await;
        const LARGE: usize = 30_000_000;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let (mut client, _ended) = connect(addr).await;
        let request = to(Method::POST, "/").header("content-length", LARGE);
        let (response, mut body) = send(&mut client, request, false).await;
        let mut sent = 0;
        let mut is_held = false;
        while sent < LARGE {
            body.reserve_capacity(16_384);
            let capacity = std::future::poll_fn(|cx| body.poll_capacity(cx));
            match tokio::time::timeout(Duration::from_millis(300), capacity).await {
                Ok(capacity) => {
                    let count = capacity.unwrap().unwrap().min(LARGE - sent);
                    sent += count;
                    body.send_data(vec![0; count].into(), sent == LARGE).unwrap();
                }
                Err(_) => {
                    is_held = true;
                    backend.seen.go.notify_one();
                }
            }
        }
        assert!(is_held, "all was taken while its backend took nothing");
        assert_eq!(whole(response).await.unwrap().1, LARGE.to_string().as_bytes());
    });
}

#[test]
fn a_client_that_waits_for_continue_is_told_by_us() {
    local(async {
        let backend = Backend::answering(|request| ok(&request.text())).await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let (mut client, _ended) = connect(addr).await;
        let request = to(Method::POST, "/").header("expect", "100-continue").header("content-length", "2");
        let (mut response, mut body) = send(&mut client, request, false).await;
        let interim = std::future::poll_fn(|cx| response.poll_informational(cx)).await.unwrap().unwrap();
        assert_eq!(interim.status(), 100);
        body.send_data("ok".into(), true).unwrap();
        assert_eq!(whole(response).await.unwrap().1, b"ok");
        assert_eq!(backend.seen.requests.borrow()[0].field("expect"), None);
    });
}

#[test]
fn a_request_that_is_taken_back_is_taken_from_its_backend() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            while let Some(request) = wire.message().await {
                seen.requests.borrow_mut().push(request);
            }
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let (mut client, _ended) = connect(addr).await;
        let (response, mut body) = send(&mut client, to(Method::GET, "/"), true).await;
        until("the backend has it", || backend.seen.count() == 1).await;
        body.send_reset(Reason::CANCEL);
        drop(response);
        until("it is over", || in_flight(&proxy.report()) == 0 && backend.seen.open.get() == 0).await;
    });
}

#[test]
fn on_a_stop_streams_finish_and_no_request_fails() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            while let Some(request) = wire.message().await {
                if request.start.starts_with("GET /slow ") {
                    seen.requests.borrow_mut().push(request);
                    seen.go.notified().await;
                }
                wire.write(ok("done")).await;
            }
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let (mut client, ended) = connect(addr).await;
        let (mut idle, idle_ended) = connect(addr).await;
        assert_eq!(get(&mut idle, "/").await.1, "done");
        let (slow, _) = send(&mut client, to(Method::GET, "/slow"), true).await;
        until("the backend has it", || backend.seen.count() == 1).await;
        let stopping = async {
            assert_eq!(proxy.stop(Duration::from_secs(30)).await, 0);
        };
        let asking = async {
            // On their way when the client is told.
            let mut answers = Vec::new();
            for _ in 0..20 {
                answers.push(send(&mut client, to(Method::GET, "/"), true).await.0);
            }
            for answer in answers {
                assert_eq!(whole(answer).await.unwrap().1, b"done");
            }
            idle_ended.await.unwrap().unwrap();
            assert_eq!(
                std::future::poll_fn(|cx| client.poll_ready(cx)).await.unwrap_err().reason(),
                Some(Reason::NO_ERROR)
            );
            backend.seen.go.notify_one();
            assert_eq!(whole(slow).await.unwrap().1, b"done");
            drop(client);
            ended.await.unwrap().unwrap();
        };
        tokio::join!(stopping, asking);
    });
}

#[test]
fn an_idle_connection_is_ended_and_a_busy_one_is_not() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            while wire.message().await.is_some() {
                seen.go.notified().await;
                wire.write(ok("done")).await;
            }
        })
        .await;
        let mut config = config();
        config.idle_timeout = Duration::from_millis(50);
        let (_proxy, addr) = proxy_with(config, &picture(1, &[backend.addr]));
        let (mut busy, _ended) = connect(addr).await;
        let (slow, _) = send(&mut busy, to(Method::GET, "/"), true).await;
        let (_idle, ended) = connect(addr).await;
        ended.await.unwrap().unwrap();
        backend.seen.go.notify_one();
        assert_eq!(whole(slow).await.unwrap().1, b"done");
    });
}

#[test]
fn no_request_fails_while_backends_leave_and_join() {
    local(async {
        let backends = [Backend::named("a").await, Backend::named("b").await, Backend::named("c").await];
        let addrs: Vec<_> = backends.iter().map(|backend| backend.addr).collect();
        let (proxy, addr) = proxy(&addrs);
        let (mut client, _ended) = connect(addr).await;
        for version in 2..40 {
            let mut answers = Vec::new();
            for _ in 0..20 {
                answers.push(send(&mut client, to(Method::GET, "/"), true).await.0);
            }
            let mut there = addrs.clone();
            there.remove(usize::try_from(version % 3).unwrap());
            proxy.apply(&picture(version, &there));
            for answer in answers {
                assert_eq!(whole(answer).await.unwrap().0.status(), 200);
            }
        }
    });
}
