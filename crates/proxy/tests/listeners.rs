//! Where clients come, and what is said of them to backends.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use muster_proxy::{Config, Proxy};
use muster_proxy_header::{Header, Read, Version};
use std::net::SocketAddr;
use std::time::Duration;
use support::*;
use tokio::net::UnixStream;

#[test]
fn a_client_on_a_unix_socket_is_served_and_what_it_says_of_others_stands() {
    local(async {
        let backend = Backend::named("a").await;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("web.sock");
        let mut config = config();
        config.listen = vec![format!("unix:{} mode=600", path.display()).parse().unwrap()];
        let proxy = Proxy::start(config).unwrap();
        proxy.apply(&picture(1, &[backend.addr]));
        let mut client = Wire::new(UnixStream::connect(&path).await.unwrap());
        client.write("GET / HTTP/1.0\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Port: 7\r\n\r\n").await;
        assert_eq!(client.message().await.unwrap().text(), "a");
        let seen = backend.seen.requests.borrow()[0].clone();
        assert_eq!(seen.field("x-forwarded-for"), Some("1.2.3.4"));
        assert_eq!(seen.field("x-forwarded-port"), None, "it reached no port");
        assert_eq!(seen.field("host"), Some("localhost"));
        assert_eq!(proxy.stop(Duration::from_secs(20)).await, 0);
        until("its file is gone with it", || !path.exists()).await;
    });
}

/// A proxy whose only listener is `listen`, and its address.
fn listening(listen: &str, backend: &Backend, change: impl FnOnce(&mut Config)) -> (Proxy, SocketAddr) {
    let mut config = config();
    config.listen = vec![listen.parse().unwrap()];
    change(&mut config);
    proxy_with(config, &picture(1, &[backend.addr]))
}

const PROXIED: &str = "127.0.0.1:0 proxy-protocol";
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n";

fn header(version: Version) -> Vec<u8> {
    let (source, destination) = ("192.0.2.1:5".parse().unwrap(), "198.51.100.7:443".parse().unwrap());
    muster_proxy_header::write(version, &Header::From { source, destination })
}

#[test]
fn a_balancer_in_front_says_whose_a_connection_is_however_its_header_is_cut() {
    local(async {
        let backend = Backend::named("a").await;
        let (_proxy, addr) = listening(PROXIED, &backend, |_| {});
        for version in [Version::V1, Version::V2] {
            let all = [header(version), REQUEST.to_vec()].concat();
            for cut in [1, 12, 17, header(version).len(), all.len()] {
                let mut client = Wire::connect(addr).await;
                client.stream.set_nodelay(true).unwrap();
                client.write(&all[..cut]).await;
                tokio::task::yield_now().await;
                client.write(&all[cut..]).await;
                assert_eq!(client.message().await.unwrap().text(), "a");
            }
        }
        for seen in backend.seen.requests.borrow().iter() {
            assert_eq!(seen.field("x-forwarded-for"), Some("192.0.2.1"));
            assert_eq!(seen.field("x-forwarded-port"), Some("443"));
        }
        assert_eq!(backend.seen.count(), 10);
    });
}

#[test]
fn one_that_speaks_for_itself_is_known_by_its_own_address() {
    local(async {
        let backend = Backend::named("a").await;
        let (_proxy, addr) = listening(PROXIED, &backend, |_| {});
        let local = muster_proxy_header::write(Version::V2, &Header::Local);
        ask(addr, [local, REQUEST.to_vec()].concat()).await;
        let seen = backend.seen.requests.borrow()[0].clone();
        assert_eq!(seen.field("x-forwarded-for"), Some("127.0.0.1"));
        assert_eq!(seen.field("x-forwarded-port"), Some(addr.port().to_string().as_str()));
    });
}

#[test]
fn who_is_not_trusted_can_claim_nothing() {
    local(async {
        let backend = Backend::named("a").await;
        let elsewhere =
            |config: &mut Config| config.proxy_protocol_from = vec!["192.0.2.0/24".parse().unwrap()];
        let (_proxy, addr) = listening(PROXIED, &backend, elsewhere);
        let claim = [header(Version::V1), REQUEST.to_vec()].concat();
        assert!(ask(addr, &claim).await.status() >= 400, "the header is no request");
        assert_eq!(get(addr).await.text(), "a", "it is a client like any other");
        assert_eq!(backend.seen.requests.borrow()[0].field("x-forwarded-for"), Some("127.0.0.1"));
        let (_proxy, plain) = listening("127.0.0.1:0", &backend, |_| {});
        assert!(ask(plain, &claim).await.status() >= 400);
        assert_eq!(backend.seen.count(), 1);
    });
}

#[test]
fn without_its_header_or_with_half_of_it_nobody_is_let_in() {
    local(async {
        let backend = Backend::named("a").await;
        let (proxy, addr) =
            listening(PROXIED, &backend, |config| config.handshake_timeout = Duration::from_millis(50));
        for bytes in [REQUEST, b"PROXY TCP4 1.2.3.4 5.6.7.8 1 x\r\n", b"PROXY TCP4 1.2", b""] {
            let mut client = Wire::connect(addr).await;
            client.write(bytes).await;
            assert!(client.closes().await, "{bytes:?}");
        }
        assert_eq!((backend.seen.count(), proxy.report().requests), (0, 0));
    });
}

#[test]
fn a_backend_is_told_whose_each_request_is() {
    for version in [Version::V1, Version::V2] {
        local(async move {
            let backend = Backend::script(move |mut wire, _, seen| async move {
                // Of its own name, when it is tried; then in that of a client.
                let mut header = Vec::new();
                let length = loop {
                    let Some(byte) = wire.bytes(1).await else { return };
                    header.extend(byte);
                    if let Ok(Read::Whole(_, length)) = muster_proxy_header::read(&header) {
                        break length;
                    }
                };
                assert_eq!(length, header.len());
                while let Some(mut request) = wire.message().await {
                    let Ok(Read::Whole(Header::From { source, .. }, _)) = muster_proxy_header::read(&header)
                    else {
                        panic!("a request on a connection that is nobody's");
                    };
                    request.start = source.to_string();
                    seen.requests.borrow_mut().push(request);
                    wire.write(ok("told")).await;
                }
            })
            .await;
            let (_proxy, addr) =
                listening("127.0.0.1:0", &backend, |config| config.send_proxy_protocol = Some(version));
            let (mut one, mut other) = (Wire::connect(addr).await, Wire::connect(addr).await);
            let mut own = Vec::new();
            for client in [&mut one, &mut other] {
                for _ in 0..2 {
                    client.write(REQUEST).await;
                    assert_eq!(client.message().await.unwrap().text(), "told");
                    own.push(client.stream.local_addr().unwrap().to_string());
                }
            }
            let seen: Vec<String> =
                backend.seen.requests.borrow().iter().map(|request| request.start.clone()).collect();
            assert_eq!(seen, own);
        });
    }
}
