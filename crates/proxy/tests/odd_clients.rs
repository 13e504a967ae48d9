//! What HTTP/1.1 allows and few clients or backends do, and what it does not allow.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use std::time::Duration;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const GET: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

/// Echoes the target, or the body if there is one.
async fn echo() -> Backend {
    Backend::answering(|request| match request.body.is_empty() {
        true => ok(request.start.split(' ').nth(1).unwrap()),
        false => ok(&request.text()),
    })
    .await
}

#[test]
fn requests_sent_ahead_are_answered_in_their_order() {
    local(async {
        let backend = echo().await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        client
            .write(
                "GET /1 HTTP/1.1\r\nHost: test\r\n\r\nPOST /2 HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\ntwo\
                 POST /3 HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthree\r\n0\r\n\r\n\
                 GET /4 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
            )
            .await;
        for wanted in ["/1", "two", "three", "/4"] {
            assert_eq!(client.message().await.unwrap().text(), wanted);
        }
        assert!(client.closes().await);
    });
}

#[test]
fn a_request_that_comes_byte_by_byte_is_one() {
    local(async {
        let backend = echo().await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        client.stream.set_nodelay(true).unwrap();
        let request = "\r\nPOST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n";
        for byte in request.as_bytes() {
            client.write([*byte]).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(client.message().await.unwrap().text(), "abc");
        assert_eq!(backend.seen.requests.borrow()[0].trailers, [("a".to_owned(), "b".to_owned())]);
    });
}

#[test]
fn a_request_that_two_readers_could_read_in_two_ways_reaches_no_backend() {
    local(async {
        let backend = echo().await;
        let (proxy, addr) = proxy(&[backend.addr]);
        backend.is_connected_to().await;
        let shapes = [
            (
                "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
                400,
                "both Content-Length and Transfer-Encoding",
            ),
            ("Content-Length: 4\r\nContent-Length: 4\r\n", 400, "more than one Content-Length"),
            ("Content-Length: +4\r\n", 400, "no number"),
            ("Transfer-Encoding: xchunked\r\n", 501, "understood is: chunked"),
            ("Transfer-Encoding : chunked\r\n", 400, "white space"),
            ("X: y\r\n Transfer-Encoding: chunked\r\n", 400, "white space"),
            ("X: y\nTransfer-Encoding: chunked\r\n", 400, "LF without CR"),
            ("Host: other\r\n", 400, "more than one Host"),
        ];
        for (lines, status, reason) in shapes {
            let mut client = Wire::connect(addr).await;
            let request = format!(
                "POST / HTTP/1.1\r\nHost: test\r\n{lines}\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"
            );
            client.write(request).await;
            let answer = client.message().await.unwrap();
            assert_eq!((answer.status(), answer.field("connection")), (status, Some("close")), "{lines}");
            assert!(answer.text().contains(reason), "{}", answer.text());
            assert!(client.closes().await, "what follows is not believed");
        }
        assert_eq!((backend.seen.count(), proxy.report().requests), (0, 0));
    });
}

#[test]
fn a_body_that_is_none_is_cut_and_its_client_told_why() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            let head = wire.head().await.unwrap();
            seen.requests.borrow_mut().push(head);
            wire.message().await;
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        client.write("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        until("the backend has the head", || backend.seen.count() == 1).await;
        client.write("5\r\nhello\r\n0x5\r\n").await;
        let answer = client.message().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert!(answer.text().contains("size of a chunk"), "{}", answer.text());
        assert!(client.closes().await);
        let report = proxy.report();
        assert_eq!((report.failed, in_flight(&report)), (0, 0), "it was the client's fault");
        let closed = || backend.seen.open.get() < backend.seen.accepted.get();
        until("the backend sees the request cancelled", closed).await;
    });
}

#[test]
fn interim_responses_pass_to_clients_that_know_them() {
    local(async {
        let backend = Backend::answering(|_| {
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nKeep-Alive: x\r\n\r\n\
              HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
                .to_vec()
        })
        .await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        for _ in 0..2 {
            client.write(GET).await;
            let hints = client.head().await.unwrap();
            assert_eq!(
                (hints.status(), hints.field("link"), hints.field("keep-alive")),
                (103, Some("</a.css>"), None)
            );
            assert_eq!(client.message().await.unwrap().text(), "a");
        }
        let old = ask(addr, "GET / HTTP/1.0\r\n\r\n").await;
        assert_eq!((old.status(), old.text().as_str()), (200, "a"));
    });
}

#[test]
fn an_interim_response_reaches_the_client_before_the_one_that_counts() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            while wire.message().await.is_some() {
                wire.write("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n").await;
                seen.go.notified().await;
                wire.write(ok("a")).await;
            }
        })
        .await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        client.write(GET).await;
        assert_eq!(client.head().await.unwrap().status(), 103);
        backend.seen.go.notify_one();
        assert_eq!(client.message().await.unwrap().text(), "a");
    });
}

#[test]
fn a_client_that_only_ends_its_own_side_gets_its_answer() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            while let Some(request) = wire.message().await {
                seen.requests.borrow_mut().push(request);
                seen.go.notified().await;
                wire.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na").await;
                seen.go.notified().await;
                wire.write("b").await;
            }
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        client.write(GET).await;
        client.stream.shutdown().await.unwrap();
        until("the backend has the request", || backend.seen.count() == 1).await;
        // Time for the proxy to see the end.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        backend.seen.go.notify_one();
        let head = client.head().await.unwrap();
        assert_eq!((head.status(), head.field("connection")), (200, Some("close")));
        assert_eq!(client.bytes(1).await.unwrap(), b"a");
        backend.seen.go.notify_one();
        assert_eq!(client.bytes(1).await.unwrap(), b"b");
        assert!(client.closes().await);
        assert_eq!(proxy.report().failed, 0);
    });
}

#[test]
fn a_client_may_upload_and_download_at_once() {
    local(async {
        // Answers at once, then sends back each chunk as it comes.
        let backend = Backend::script(|mut wire, _, seen| async move {
            while let Some(head) = wire.head().await {
                seen.requests.borrow_mut().push(head);
                wire.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
                for _ in 0..100 {
                    let chunk = wire.bytes(6).await.unwrap();
                    wire.write(chunk).await;
                }
                let end = wire.bytes(5).await.unwrap();
                wire.write(end).await;
            }
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        for round in 1..=2 {
            client.write("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            assert_eq!(client.head().await.unwrap().status(), 200);
            for n in 0..100 {
                let chunk = format!("1\r\n{}\r\n", n % 10);
                client.write(&chunk).await;
                assert_eq!(client.bytes(6).await.unwrap(), chunk.as_bytes());
            }
            client.write("0\r\n\r\n").await;
            assert_eq!(client.bytes(5).await.unwrap(), b"0\r\n\r\n");
            until("the request is over", || in_flight(&proxy.report()) == 0).await;
            assert_eq!((backend.seen.count(), proxy.report().failed), (round, 0));
        }
    });
}

#[test]
fn an_early_answer_keeps_the_connections_of_who_sends_the_rest() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            while let Some(head) = wire.head().await {
                seen.requests.borrow_mut().push(head);
                wire.write(ok("early")).await;
                wire.bytes(100_000).await;
            }
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        backend.is_connected_to().await;
        let mut client = Wire::connect(addr).await;
        for _ in 0..3 {
            client.write("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n").await;
            assert_eq!(client.message().await.unwrap().text(), "early");
            assert_eq!(in_flight(&proxy.report()), 0, "it has answered");
            client.write(vec![b'x'; 100_000]).await;
        }
        assert_eq!(backend.seen.accepted.get(), 1);
    });
}

#[test]
fn bytes_that_nobody_asked_for_end_a_backends_connection() {
    local(async {
        let backend = Backend::answering(|_| [ok("a"), ok("b")].concat()).await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        for _ in 0..5 {
            client.write(GET).await;
            assert_eq!(client.message().await.unwrap().text(), "a", "not what was left of the one before");
        }
        assert_eq!(proxy.report().failed, 0);
    });
}

#[test]
fn a_client_of_http_1_0_may_keep_its_connection() {
    local(async {
        let backend = echo().await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        for _ in 0..3 {
            client.write("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
            let answer = client.message().await.unwrap();
            assert_eq!(answer.start, "HTTP/1.0 200 OK");
            assert_eq!((answer.field("connection"), answer.text().as_str()), (Some("keep-alive"), "/x"));
        }
        client.write("GET /x HTTP/1.0\r\n\r\n").await;
        assert_eq!(client.message().await.unwrap().field("connection"), None);
        assert!(client.closes().await);
    });
}

#[test]
fn a_tunnel_takes_over_what_both_sides_sent_ahead() {
    local(async {
        let backend = Backend::script(|mut wire, _, _| async move {
            wire.message().await;
            wire.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nearly")
                .await;
            let heard = wire.bytes(10).await.unwrap();
            wire.write(heard).await;
            wire.stream.shutdown().await.unwrap();
            assert!(wire.closes().await);
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        client.write("GET / HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nahead").await;
        assert_eq!(client.head().await.unwrap().status(), 101);
        assert_eq!(client.bytes(5).await.unwrap(), b"early");
        client.write("later").await;
        assert_eq!(client.bytes(10).await.unwrap(), b"aheadlater");
        assert!(client.closes().await, "the backend's end is passed on");
        client.stream.shutdown().await.unwrap();
        until("the tunnel is over", || in_flight(&proxy.report()) == 0).await;
    });
}

#[test]
fn a_switch_that_nobody_asked_for_becomes_502() {
    local(async {
        let backend =
            Backend::answering(|_| b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n".to_vec()).await;
        let (proxy, addr) = proxy(&[backend.addr]);
        assert_eq!(get(addr).await.status(), 502);
        assert_eq!(in_flight(&proxy.report()), 0);
    });
}

#[test]
fn a_refusal_reaches_a_client_that_still_sends() {
    local(async {
        let backend = echo().await;
        let (proxy, addr) = proxy(&[backend.addr]);
        proxy.apply(&picture(2, &[]));
        let mut client = Wire::connect(addr).await;
        client.write("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n").await;
        client.write(vec![b'x'; 200_000]).await;
        let answer = client.message().await.expect("it is not reset");
        assert_eq!((answer.status(), answer.field("connection")), (503, Some("close")));
        // An end, and no reset: over a network, that could overtake the answer.
        assert_eq!(client.stream.read(&mut [0]).await.unwrap(), 0);
    });
}

#[test]
fn a_head_request_gets_the_head_of_an_answer_of_our_own() {
    local(async {
        let (_proxy, addr) = proxy(&[]);
        let mut client = Wire::connect(addr).await;
        for _ in 0..2 {
            client.write("HEAD / HTTP/1.1\r\nHost: test\r\n\r\n").await;
            assert_eq!(client.head().await.unwrap().status(), 503);
        }
        client.write("CONNECT test:443 HTTP/1.1\r\nHost: test\r\n\r\n").await;
        let answer = client.head().await.unwrap();
        assert!(answer.status() == 405 && answer.field("allow").is_some(), "{answer:?}");
    });
}

#[test]
fn a_slow_reader_gets_all_of_its_answer() {
    local(async {
        const BYTES: usize = 5_000_000;
        let backend = Backend::answering(|_| {
            let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {BYTES}\r\n\r\n").into_bytes();
            answer.resize(answer.len() + BYTES, b'x');
            answer
        })
        .await;
        let mut config = config();
        config.idle_timeout = Duration::from_secs(2);
        let (proxy, addr) = proxy_with(config, &picture(1, &[backend.addr]));
        let mut client = Wire::connect(addr).await;
        client.write(GET).await;
        client.head().await.unwrap();
        let mut left = BYTES;
        while left > 0 {
            let part = left.min(200_000);
            client.bytes(part).await.unwrap();
            left -= part;
            // In all longer than it may take nothing at all.
            tokio::time::sleep(Duration::from_millis(120)).await;
        }
        until("the request is over", || in_flight(&proxy.report()) == 0).await;
        assert_eq!(proxy.report().failed, 0);
    });
}
