//! Backends come, are withdrawn and come back; the proxy starts and stops.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use muster_fleet::{Phase, Standing};
use muster_proxy::{Error, Proxy};
use std::time::Duration;
use support::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

/// A backend that answers when the test says so.
async fn held() -> Backend {
    Backend::script(|mut wire, _, seen| async move {
        while let Some(request) = wire.message().await {
            seen.requests.borrow_mut().push(request);
            seen.go.notified().await;
            wire.write(ok("held")).await;
        }
    })
    .await
}

#[test]
fn a_withdrawn_backend_finishes_its_request_and_gets_no_other() {
    local(async {
        let (old, new) = (held().await, Backend::named("new").await);
        let (proxy, addr) = proxy(&[old.addr]);
        let mut slow = Wire::connect(addr).await;
        slow.write(GET).await;
        until("the request is on its backend", || old.seen.count() == 1).await;

        let withdrawn = [(old.addr, Standing::Withdrawn), (new.addr, Standing::Ready)];
        proxy.apply(&picture_of(2, &withdrawn));
        for _ in 0..10 {
            assert_eq!(get(addr).await.text(), "new");
        }
        assert_eq!(in_flight(&proxy.report()), 1, "the old request goes on");
        old.seen.go.notify_one();
        assert_eq!(slow.message().await.unwrap().text(), "held");
        assert_eq!(in_flight(&proxy.report()), 0);
        until("its connection is not kept", || old.seen.open.get() == 0).await;
        assert_eq!(old.seen.count(), 1);
        assert_eq!(proxy.report().failed, 0);
    });
}

#[test]
fn idle_connections_to_a_withdrawn_backend_are_closed_at_once() {
    local(async {
        let backend = Backend::named("a").await;
        let (proxy, addr) = proxy(&[backend.addr]);
        backend.is_connected_to().await;
        get(addr).await;
        assert_eq!(backend.seen.open.get(), 1, "one is kept");
        proxy.apply(&picture_of(2, &[(backend.addr, Standing::Withdrawn)]));
        until("they are closed", || backend.seen.open.get() == 0).await;
        proxy.apply(&picture(3, &[backend.addr]));
        assert_eq!(get(addr).await.text(), "a");
    });
}

#[test]
fn a_backend_that_left_the_picture_finishes_its_request() {
    local(async {
        let old = held().await;
        let (proxy, addr) = proxy(&[old.addr]);
        let mut slow = Wire::connect(addr).await;
        slow.write(GET).await;
        until("the request is on its backend", || old.seen.count() == 1).await;
        proxy.apply(&picture(2, &[]));
        assert_eq!(get(addr).await.status(), 503);
        old.seen.go.notify_one();
        assert_eq!(slow.message().await.unwrap().text(), "held");
        until("its connection is not kept", || old.seen.open.get() == 0).await;
    });
}

#[test]
fn an_empty_service_answers_503_and_recovers_by_itself() {
    local(async {
        let backend = Backend::named("a").await;
        let (proxy, addr) = proxy(&[]);
        let mut client = Wire::connect(addr).await;
        client.write(GET).await;
        let answer = client.message().await.unwrap();
        assert_eq!((answer.status(), answer.field("retry-after")), (503, Some("1")));
        assert!(answer.text().contains("No backend of service web is ready"), "{}", answer.text());
        proxy.apply(&picture(2, &[backend.addr]));
        client.write(GET).await;
        assert_eq!(client.message().await.unwrap().text(), "a");
    });
}

#[test]
fn requests_wait_a_moment_for_the_first_picture() {
    local(async {
        let backend = Backend::named("a").await;
        let proxy = Proxy::start(config()).unwrap();
        let addr = proxy.addrs()[0];
        let mut early = Wire::connect(addr).await;
        early.write(GET).await;
        // A picture that is still warming and knows nobody is not worth an answer either.
        let mut warming = picture(1, &[]);
        warming.phase = Phase::Warming;
        tokio::time::sleep(Duration::from_millis(20)).await;
        proxy.apply(&warming);
        tokio::time::sleep(Duration::from_millis(20)).await;
        proxy.apply(&picture(2, &[backend.addr]));
        assert_eq!(early.message().await.unwrap().text(), "a");
    });
}

#[test]
fn without_any_picture_requests_end_with_503() {
    local(async {
        let proxy = Proxy::start(config()).unwrap();
        assert_eq!(get(proxy.addrs()[0]).await.status(), 503);
    });
}

#[test]
fn a_backend_that_is_our_own_listener_is_left_out() {
    local(async {
        let (proxy, addr) = proxy(&[]);
        proxy.apply(&picture(2, &[addr]));
        assert_eq!(get(addr).await.status(), 503);
        assert!(proxy.report().backends.is_empty());
    });
}

#[test]
fn idle_connections_to_a_backend_are_closed_after_the_idle_timeout() {
    local(async {
        let backend = Backend::named("a").await;
        let mut config = config();
        config.idle_timeout = Duration::from_millis(100);
        let (_proxy, addr) = proxy_with(config, &picture(1, &[backend.addr]));
        get(addr).await;
        until("it is closed", || backend.seen.open.get() == 0).await;
    });
}

#[test]
fn a_client_that_is_idle_or_dawdles_over_its_head_is_closed_after_the_idle_timeout() {
    local(async {
        let backend = Backend::named("a").await;
        let mut config = config();
        config.idle_timeout = Duration::from_millis(100);
        let (_proxy, addr) = proxy_with(config, &picture(1, &[backend.addr]));
        let mut idle = Wire::connect(addr).await;
        idle.write(GET).await;
        assert_eq!(idle.message().await.unwrap().text(), "a");
        assert!(idle.closes().await);
        let mut slow = Wire::connect(addr).await;
        slow.write("GET / HTTP/1.1\r\nHost: te").await;
        assert!(slow.closes().await);
    });
}

#[test]
fn no_more_idle_connections_are_kept_than_configured() {
    local(async {
        let backend = held().await;
        let mut config = config();
        config.idle_max = 2;
        let (proxy, addr) = proxy_with(config, &picture(1, &[backend.addr]));
        let mut clients = Vec::new();
        for n in 1..=5 {
            let mut client = Wire::connect(addr).await;
            client.write(GET).await;
            until("the request is on its backend", || backend.seen.count() == n).await;
            clients.push(client);
        }
        assert_eq!(backend.seen.open.get(), 5);
        for client in &mut clients {
            backend.seen.go.notify_one();
            // Answers come in the order in which the backend's connections waited.
            assert_eq!(client.message().await.unwrap().status(), 200);
        }
        until("only two are left", || backend.seen.open.get() == 2).await;
        assert_eq!(in_flight(&proxy.report()), 0);
    });
}

#[test]
fn stopping_answers_what_is_in_flight_and_closes_what_is_idle() {
    local(async {
        let backend = held().await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut idle = Wire::connect(addr).await;
        let mut busy = Wire::connect(addr).await;
        busy.write(GET).await;
        until("the request is on its backend", || backend.seen.count() == 1).await;

        let stop = proxy.stop(Duration::from_secs(30));
        let client = async {
            assert!(idle.closes().await, "an idle client is closed");
            until("nobody listens", || std::net::TcpStream::connect(addr).is_err()).await;
            backend.seen.go.notify_one();
            let answer = busy.message().await.unwrap();
            assert_eq!((answer.text().as_str(), answer.field("connection")), ("held", Some("close")));
            assert!(busy.closes().await);
        };
        let (left, ()) = tokio::join!(stop, client);
        assert_eq!(left, 0);
    });
}

#[test]
fn stopping_does_not_wait_for_ever() {
    local(async {
        let backend = held().await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut busy = Wire::connect(addr).await;
        busy.write(GET).await;
        until("the request is on its backend", || backend.seen.count() == 1).await;
        assert_eq!(proxy.stop(Duration::from_millis(50)).await, 1);
    });
}

#[test]
fn a_port_in_use_is_said_in_words() {
    local(async {
        let (_proxy, addr) = proxy(&[]);
        let mut second = config();
        second.listen = vec![addr.into()];
        let error = Proxy::start(second).unwrap_err();
        assert!(matches!(error, Error::Listen { .. }));
        let text = error.to_string();
        assert!(text.contains(&format!("another program listens on port {}", addr.port())), "{text}");
    });
}

#[test]
fn backends_of_other_services_are_left_alone() {
    local(async {
        let (web, other) = (Backend::named("web").await, Backend::named("other").await);
        let mut picture = picture(1, &[web.addr]);
        let mut database = picture.services["web"].clone();
        database.backends.get_mut("n0").unwrap().addr = other.addr;
        picture.services.insert("database".into(), database);
        let (proxy, addr) = proxy_with(config(), &picture);
        web.is_connected_to().await;
        assert_eq!(get(addr).await.text(), "web");
        assert_eq!(other.seen.accepted.get(), 0, "a database counts connections that say nothing as attacks");
        let report = proxy.report();
        assert!(report.backends.iter().all(|backend| backend.service == "web"), "{report:?}");
    });
}

#[test]
fn a_new_connection_has_a_moment_for_its_first_request_when_the_proxy_stops() {
    local(async {
        let backend = Backend::named("a").await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut new = Wire::connect(addr).await;
        // Who came later was served, so the new one is accepted.
        assert_eq!(get(addr).await.text(), "a");
        let late = async {
            until("nobody is accepted any more", || std::net::TcpStream::connect(addr).is_err()).await;
            new.write(GET).await;
            let answer = new.message().await.expect("it is not cut");
            assert_eq!((answer.text().as_str(), answer.field("connection")), ("a", Some("close")));
            assert!(new.closes().await);
        };
        let (left, ()) = tokio::join!(proxy.stop(Duration::from_secs(30)), late);
        assert_eq!(left, 0);
    });
}
