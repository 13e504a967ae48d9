//! What passes through, and how it looks on the other side.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use muster_proxy::{Config, Policy, Stickiness};
use std::rc::Rc;
use std::time::Duration;
use support::*;
use tokio::io::AsyncWriteExt;

#[test]
fn requests_go_round_the_backends_on_connections_that_are_kept() {
    local(async {
        let (a, b, c) = (Backend::named("a").await, Backend::named("b").await, Backend::named("c").await);
        let (_proxy, addr) = proxy(&[a.addr, b.addr, c.addr]);
        // Each is connected to once, before there is any request.
        for backend in [&a, &b, &c] {
            backend.is_connected_to().await;
        }
        let mut client = Wire::connect(addr).await;
        let mut answers = Vec::new();
        for _ in 0..9 {
            client.write("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
            answers.push(client.message().await.unwrap().text());
        }
        for round in answers.chunks(3) {
            let mut round = round.to_vec();
            round.sort();
            assert_eq!(round, ["a", "b", "c"], "in {answers:?}");
        }
        for backend in [&a, &b, &c] {
            assert_eq!(backend.seen.count(), 3);
            assert_eq!(backend.seen.accepted.get(), 1, "its first connection served all its requests");
        }
    });
}

#[test]
fn a_backend_sees_the_clients_request_with_our_fields_added() {
    local(async {
        let backend = Backend::named("a").await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        ask(
            addr,
            "GET /a%20b?c=d HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 1.2.3.4\r\nCookie: a=b\r\n\
             Connection: close, x-hop\r\nX-Hop: 1\r\n\r\n",
        )
        .await;
        let seen = backend.seen.requests.borrow()[0].clone();
        assert_eq!(seen.start, "GET /a%20b?c=d HTTP/1.1");
        assert_eq!(seen.field("host"), Some("shop.example"));
        assert_eq!(seen.field("cookie"), Some("a=b"));
        assert_eq!(seen.field("x-forwarded-for"), Some("1.2.3.4, 127.0.0.1"));
        assert_eq!(seen.field("x-forwarded-proto"), Some("http"));
        assert_eq!(seen.field("x-forwarded-port"), Some(addr.port().to_string().as_str()));
        assert_eq!(seen.field("connection"), None);
        assert_eq!(seen.field("x-hop"), None);
    });
}

#[test]
fn a_body_of_known_length_and_a_chunked_one_arrive_whole() {
    local(async {
        let echo = Backend::answering(|request| ok(&request.text())).await;
        let (_proxy, addr) = proxy(&[echo.addr]);
        assert_eq!(post(addr, "hello").await.text(), "hello");
        for method in ["POST", "GET"] {
            let chunked = format!(
                "{method} / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
            );
            assert_eq!(ask(addr, chunked).await.text(), "abcde");
        }
        assert_eq!(echo.seen.requests.borrow()[2].field("transfer-encoding"), Some("chunked"));
    });
}

#[test]
fn chunked_and_close_delimited_responses_arrive_whole() {
    local(async {
        let chunked = Backend::answering(|_| {
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".to_vec()
        })
        .await;
        let (_proxy, addr) = proxy(&[chunked.addr]);
        let answer = get(addr).await;
        assert_eq!((answer.text().as_str(), answer.field("transfer-encoding")), ("abcde", Some("chunked")));

        let old = Backend::script(|mut wire, _, _| async move {
            wire.message().await;
            let _ = wire.stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nold but whole").await;
        })
        .await;
        let (_proxy, addr) = proxy(&[old.addr]);
        for _ in 0..3 {
            let answer = get(addr).await;
            assert_eq!((answer.start.as_str(), answer.text().as_str()), ("HTTP/1.1 200 OK", "old but whole"));
        }
    });
}

#[test]
fn answers_without_a_body_keep_the_connection() {
    local(async {
        let backend = Backend::answering(|request| match request.start.split(' ').nth(1) {
            Some("/204") => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
            Some("/304") => b"HTTP/1.1 304 Not Modified\r\nEtag: \"x\"\r\n\r\n".to_vec(),
            _ => b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".to_vec(),
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        backend.is_connected_to().await;
        let mut client = Wire::connect(addr).await;
        for (request, status) in [("GET /204", 204), ("GET /304", 304), ("HEAD /", 200), ("GET /204", 204)] {
            client.write(format!("{request} HTTP/1.1\r\nHost: test\r\n\r\n")).await;
            let head = client.head().await.unwrap();
            assert_eq!(head.status(), status);
            if request.starts_with("HEAD") {
                assert_eq!(head.field("content-length"), Some("1000"));
            }
        }
        assert_eq!(backend.seen.accepted.get(), 1);
        until("all requests are over", || in_flight(&proxy.report()) == 0).await;
        assert_eq!(proxy.report().failed, 0);
    });
}

#[test]
fn an_http_1_0_client_gets_an_answer_it_understands() {
    local(async {
        let chunked = Backend::answering(|_| {
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_vec()
        })
        .await;
        let (_proxy, addr) = proxy(&[chunked.addr]);
        let answer = ask(addr, "GET / HTTP/1.0\r\n\r\n").await;
        assert_eq!((answer.start.as_str(), answer.text().as_str()), ("HTTP/1.0 200 OK", "abc"));
        assert_eq!(answer.field("transfer-encoding"), None);
        assert_eq!(chunked.seen.requests.borrow()[0].field("host"), Some(addr.to_string().as_str()));
    });
}

#[test]
fn an_absolute_target_reaches_the_backend_as_a_path() {
    local(async {
        let backend = Backend::named("a").await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        ask(addr, "GET http://right.example/x?y HTTP/1.1\r\nHost: wrong.example\r\n\r\n").await;
        let seen = backend.seen.requests.borrow()[0].clone();
        assert_eq!((seen.start.as_str(), seen.field("host")), ("GET /x?y HTTP/1.1", Some("right.example")));
    });
}

#[test]
fn trailers_pass_both_ways() {
    local(async {
        let backend = Backend::answering(|_| {
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n1\r\na\r\n0\r\nx-sum: 7\r\n\r\n".to_vec()
        })
        .await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let answer = ask(
            addr,
            "POST / HTTP/1.1\r\nHost: test\r\nTE: trailers\r\nTrailer: x-in\r\nTransfer-Encoding: chunked\r\n\r\n\
             1\r\nb\r\n0\r\nx-in: 8\r\n\r\n",
        )
        .await;
        assert_eq!(answer.trailers, [("x-sum".to_owned(), "7".to_owned())]);
        assert_eq!(backend.seen.requests.borrow()[0].trailers, [("x-in".to_owned(), "8".to_owned())]);
    });
}

#[test]
fn a_client_that_expects_100_is_told_to_continue_once_a_backend_is_there() {
    local(async {
        let echo = Backend::answering(|request| ok(&request.text())).await;
        let (proxy, addr) = proxy(&[echo.addr]);
        let head = "POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
        let mut client = Wire::connect(addr).await;
        client.write(head).await;
        assert_eq!(client.head().await.unwrap().status(), 100);
        client.write("hello").await;
        assert_eq!(client.message().await.unwrap().text(), "hello");

        proxy.apply(&picture(2, &[]));
        let mut client = Wire::connect(addr).await;
        client.write(head).await;
        assert_eq!(client.head().await.unwrap().status(), 503, "without a backend it keeps its body");
    });
}

/// Pseudo-random bytes and their sum, so that a lost, doubled or moved block shows.
fn block(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(65536);
    for _ in 0..8192 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes
}

fn sum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn large_bodies_stream_both_ways_unharmed() {
    local(async {
        const BLOCKS: u64 = 96; // 6 MiB: more than all buffers on the way hold
        let whole: Vec<u8> = (0..BLOCKS).flat_map(block).collect();
        let expected = sum(&whole);
        let length = whole.len();
        let response = Rc::new(whole.clone());
        let backend = Backend::script(move |mut wire, _, seen| {
            let response = Rc::clone(&response);
            async move {
                while let Some(request) = wire.message().await {
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nX-Sum: {}\r\nContent-Length: {}\r\n\r\n",
                        sum(&request.body),
                        response.len()
                    );
                    seen.requests.borrow_mut().push(Message { body: Vec::new(), ..request });
                    wire.write(head).await;
                    wire.write(&*response).await;
                }
            }
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        client.write(format!("PUT / HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n")).await;
        client.write(&whole).await;
        let answer = client.message().await.unwrap();
        assert_eq!(answer.field("x-sum"), Some(expected.to_string().as_str()));
        assert_eq!((answer.body.len(), sum(&answer.body)), (length, expected));
        until("the request is over", || in_flight(&proxy.report()) == 0).await;
    });
}

#[test]
fn a_slow_client_holds_the_backend_back() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            wire.message().await;
            let _ = wire.stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await;
            let block = block(1);
            // A gigabyte, unless somebody holds it back.
            for _ in 0..16384 {
                if wire.stream.write_all(&block).await.is_err() {
                    return;
                }
                seen.requests.borrow_mut().push(Message::default());
            }
        })
        .await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        client.write("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
        client.head().await.unwrap();
        // The client reads no further. Once nothing has moved for a while, the buffers are full.
        let (mut written, mut still) = (0, 0);
        while still < 20 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            still = if backend.seen.count() == written { still + 1 } else { 0 };
            written = backend.seen.count();
        }
        assert!(written < 16384 / 4, "{written} blocks of 64 KiB went out unread");
    });
}

#[test]
fn an_early_answer_reaches_a_client_that_still_sends() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            let head = wire.head().await.unwrap();
            seen.requests.borrow_mut().push(head);
            wire.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig").await;
            seen.go.notified().await;
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        client.write("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\npart").await;
        let answer = client.message().await.unwrap();
        assert_eq!((answer.status(), answer.text().as_str()), (413, "big"));
        assert_eq!(in_flight(&proxy.report()), 0);
        backend.seen.go.notify_one();
    });
}

#[test]
fn a_backend_that_closes_after_each_answer_is_connected_to_again() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            let request = wire.message().await;
            if let Some(request) = request {
                seen.requests.borrow_mut().push(request);
                wire.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx").await;
            }
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        for _ in 0..5 {
            client.write("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n").await;
            let answer = client.message().await.unwrap();
            assert_eq!(
                (answer.status(), answer.field("connection")),
                (200, None),
                "the client's connection stays"
            );
        }
        assert_eq!((proxy.report().failed, backend.seen.count()), (0, 5));
    });
}

#[test]
fn a_web_socket_passes_bytes_both_ways_until_it_is_closed() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            let Some(request) = wire.message().await else { return };
            seen.requests.borrow_mut().push(request);
            wire.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: y\r\n\r\nhi").await;
            let heard = wire.bytes(5).await.unwrap();
            wire.write(heard).await;
            wire.closes().await;
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        client
            .write("GET /ws HTTP/1.1\r\nHost: test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n")
            .await;
        let head = client.head().await.unwrap();
        assert_eq!((head.status(), head.field("upgrade")), (101, Some("websocket")));
        assert_eq!(head.field("sec-websocket-accept"), Some("y"));
        assert_eq!(client.bytes(2).await.unwrap(), b"hi");
        client.write("hello").await;
        assert_eq!(client.bytes(5).await.unwrap(), b"hello");
        assert_eq!(backend.seen.requests.borrow()[0].field("upgrade"), Some("websocket"));
        assert_eq!(in_flight(&proxy.report()), 1, "an open tunnel is a request in flight");
        drop(client);
        until("the tunnel is over", || in_flight(&proxy.report()) == 0).await;
    });
}

#[test]
fn an_upgrade_to_http_2_is_answered_as_an_ordinary_request() {
    local(async {
        let backend = Backend::named("a").await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let answer = ask(
            addr,
            "GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
        )
        .await;
        assert_eq!(answer.status(), 200);
        let seen = backend.seen.requests.borrow()[0].clone();
        assert_eq!((seen.field("upgrade"), seen.field("http2-settings")), (None, None));
    });
}

#[test]
fn an_upgrade_to_http_2_is_seen_beside_bytes_that_are_no_text() {
    local(async {
        let backend = Backend::named("a").await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let request =
            b"GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade, X-Own, \xff\r\nX-Own: 1\r\nUpgrade: h2c, \xff\r\n\r\n";
        assert_eq!(ask(addr, request).await.status(), 200);
        let seen = backend.seen.requests.borrow()[0].clone();
        assert_eq!((seen.field("upgrade"), seen.field("x-own")), (None, None));
    });
}

#[test]
fn a_length_beside_chunks_cannot_smuggle_a_response() {
    local(async {
        let backend = Backend::answering(|_| {
            b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_vec()
        })
        .await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let answer = get(addr).await;
        assert_eq!((answer.field("content-length"), answer.text().as_str()), (None, "abc"));
    });
}

#[test]
fn a_client_keeps_its_backend_where_its_address_decides() {
    local(async {
        let backends = [Backend::named("a").await, Backend::named("b").await, Backend::named("c").await];
        let config =
            Config { policy: Policy { sticky: Stickiness::Source, ..Policy::default() }, ..config() };
        let (_proxy, addr) =
            proxy_with(config, &picture(1, &backends.each_ref().map(|backend| backend.addr)));
        for backend in &backends {
            backend.is_connected_to().await;
        }
        let mut answers = std::collections::BTreeSet::new();
        for _ in 0..12 {
            answers.insert(ask(addr, "GET / HTTP/1.1\r\nHost: test\r\n\r\n").await.text());
        }
        assert_eq!(answers.len(), 1, "{answers:?}");
    });
}
