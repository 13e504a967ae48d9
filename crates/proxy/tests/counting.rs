//! What is counted of requests and connections, for each who takes part.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use muster_proxy::{Config, Proxy, Tally};
use std::time::Duration;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn gate(proxy: &Proxy) -> Tally {
    proxy.counts().frontends[0].1
}

fn service(proxy: &Proxy) -> Tally {
    proxy.counts().services[0].1
}

fn server(proxy: &Proxy, node: &str) -> Tally {
    let found = proxy.counts().backends.into_iter().find(|(_, name, _)| name == node);
    found.unwrap_or_else(|| panic!("{node} is not counted")).2
}

#[test]
fn a_request_is_counted_once_by_each_with_its_bytes_and_time() {
    local(async {
        let backend = Backend::answering(|request| match request.start.as_str() {
            "GET /none HTTP/1.1" => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
            _ => ok(&"x".repeat(1000)),
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        client.write("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 500\r\n\r\n").await;
        client.write("y".repeat(500)).await;
        assert_eq!(client.message().await.unwrap().status(), 200);
        client.write("GET /none HTTP/1.1\r\nHost: test\r\n\r\n").await;
        assert_eq!(client.message().await.unwrap().status(), 404);
        until("the last one is over", || gate(&proxy).duration.count() == 2).await;
        for tally in [gate(&proxy), service(&proxy), server(&proxy, "n0")] {
            assert_eq!(tally.statuses, [0, 1, 0, 1, 0, 0], "{tally:?}");
            assert_eq!((tally.requests, tally.duration.count()), (2, 2), "{tally:?}");
            assert!((500..1500).contains(&tally.bytes_in), "{tally:?}");
            assert!((1000..1500).contains(&tally.bytes_out), "{tally:?}");
            assert!(
                tally.response_time.value().is_some()
                    && tally.total_time.value() < Some(Duration::from_secs(60))
            );
        }
        assert_eq!((gate(&proxy).sessions_total, gate(&proxy).sessions.current), (1, 1));
        assert_eq!((service(&proxy).sessions_total, service(&proxy).sessions.current), (2, 0));
        let server = server(&proxy, "n0");
        assert_eq!((server.sessions_total, server.sessions.current, server.sessions.max), (2, 0, 1));
        // The first may have come on the connection that a new backend is tried with.
        assert_eq!(server.connections_opened + server.connections_reused, 2);
        assert!(server.connections_reused >= 1);
        drop(client);
        until("its client has gone", || gate(&proxy).sessions.current == 0).await;
    });
}

#[test]
fn what_goes_wrong_is_counted_where_it_went_wrong() {
    local(async {
        let nobody = Nobody::new();
        let well = Backend::named("a").await;
        let (proxy, addr) = proxy(&[nobody.addr]);
        assert_eq!(get(addr).await.status(), 503);
        let n0 = server(&proxy, "n0");
        assert!(
            n0.connect_errors >= 1 && n0.statuses == [0; 6],
            "an answer of our own is not a backend's: {n0:?}"
        );
        assert_eq!((service(&proxy).connect_errors, service(&proxy).statuses), (1, [0, 0, 0, 0, 1, 0]));
        assert_eq!(ask(addr, "nonsense\r\n\r\n").await.status(), 400);
        assert_eq!((gate(&proxy).bad_requests, gate(&proxy).statuses), (1, [0, 0, 0, 1, 1, 0]));
        assert_eq!(service(&proxy).bad_requests, 0, "it came to no service");
        // Now two, of which one dies under its requests.
        let dying = Backend::script(|mut wire, _, _| async move {
            wire.message().await;
        })
        .await;
        proxy.apply(&picture(2, &[dying.addr, well.addr]));
        for _ in 0..4 {
            assert_eq!(get(addr).await.text(), "a");
        }
        let (n0, all) = (server(&proxy, "n0"), service(&proxy));
        assert!(n0.response_errors >= 1 && n0.redispatches >= 1, "{n0:?}");
        assert_eq!((all.retries, all.redispatches), (n0.retries, n0.redispatches));
        assert_eq!(all.response_errors, 0, "no client saw any of it");
    });
}

#[test]
fn who_breaks_off_is_who_is_counted() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            while let Some(request) = wire.message().await {
                let is_cut = request.start.contains("/cut");
                seen.requests.borrow_mut().push(request);
                if is_cut {
                    wire.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await;
                    return;
                }
            }
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        client.write("GET /cut HTTP/1.1\r\nHost: test\r\n\r\n").await;
        assert!(client.message().await.is_none());
        until("it is over", || service(&proxy).server_aborts == 1).await;
        assert_eq!((server(&proxy, "n0").server_aborts, server(&proxy, "n0").statuses[1]), (1, 1));
        let mut client = Wire::connect(addr).await;
        client.write("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
        until("it is in flight", || backend.seen.count() == 2).await;
        assert_eq!(service(&proxy).sessions.current, 1);
        // A reset: an end alone may be a client that still reads.
        socket2::SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        until("it was given up", || service(&proxy).client_aborts == 1).await;
        assert_eq!((server(&proxy, "n0").client_aborts, service(&proxy).sessions.current), (1, 0));
        until("its backend has nothing in progress", || server(&proxy, "n0").sessions.current == 0).await;
    });
}

#[test]
fn a_connection_in_tcp_mode_is_a_session_with_bytes_and_no_request() {
    local(async {
        let backend = Backend::script(|mut wire, _, _| async move {
            let heard = wire.bytes(5).await.unwrap();
            wire.write([heard, b" back".to_vec()].concat()).await;
        })
        .await;
        let config = Config { listen: vec!["127.0.0.1:0 tcp".parse().unwrap()], ..config() };
        let (proxy, addr) = proxy_with(config, &picture(1, &[backend.addr]));
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"hello back");
        drop(stream);
        until("it is over", || gate(&proxy).sessions.current == 0).await;
        for tally in [gate(&proxy), service(&proxy), server(&proxy, "n0")] {
            assert_eq!((tally.bytes_in, tally.bytes_out, tally.requests), (5, 10, 0), "{tally:?}");
            assert_eq!(
                (tally.sessions_total, tally.statuses, tally.duration.count()),
                (1, [0; 6], 1),
                "{tally:?}"
            );
        }
    });
}
