//! Backends that break, each in its own way, and what the client sees of it.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use muster_proxy::Proxy;
use std::time::Duration;
use support::*;
use tokio::io::AsyncWriteExt;

const GET: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

/// A backend that reads a request and closes without a word.
async fn dying() -> Backend {
    Backend::script(|mut wire, _, seen| async move {
        if let Some(request) = wire.message().await {
            seen.requests.borrow_mut().push(request);
        }
    })
    .await
}

/// A backend that reads requests and never answers.
async fn silent() -> Backend {
    Backend::script(|mut wire, _, seen| async move {
        while let Some(request) = wire.message().await {
            seen.requests.borrow_mut().push(request);
        }
    })
    .await
}

#[test]
fn a_kept_connection_that_dies_under_a_request_is_replaced_by_a_new_one() {
    local(async {
        let backend = answering_once().await;
        let (proxy, addr) = proxy(&[backend.addr]);
        for _ in 0..4 {
            assert_eq!(get(addr).await.text(), "a");
        }
        let report = proxy.report();
        assert_eq!((report.failed, report.retried), (0, 0), "an idle connection that ended accuses nobody");
    });
}

/// A backend whose connections answer once, and die under their second request.
async fn answering_once() -> Backend {
    Backend::script(|mut wire, _, seen| async move {
        for answer in [Some(ok("a")), None] {
            let Some(request) = wire.message().await else { return };
            seen.requests.borrow_mut().push(request);
            if let Some(answer) = answer {
                wire.write(answer).await;
            }
        }
    })
    .await
}

#[test]
fn an_empty_post_is_not_repeated_when_its_kept_connection_dies() {
    local(async {
        let backend = answering_once().await;
        let (proxy, addr) = proxy(&[backend.addr]);
        backend.is_connected_to().await;
        assert_eq!(get(addr).await.text(), "a");
        assert_eq!(post(addr, "").await.status(), 502);
        assert_eq!(backend.seen.count(), 2, "the POST was seen once");
        assert_eq!(proxy.report().failed_unsafe, 1);
    });
}

#[test]
fn a_post_is_not_risked_on_a_connection_that_was_idle_for_a_second() {
    local(async {
        let backend = answering_once().await;
        let (proxy, addr) = proxy(&[backend.addr]);
        backend.is_connected_to().await;
        assert_eq!(get(addr).await.text(), "a");
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert_eq!(post(addr, "x").await.text(), "a");
        assert_eq!(proxy.report().failed, 0);
    });
}

#[test]
fn a_kept_connection_closed_by_its_backend_is_not_used_for_a_post() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            let Some(request) = wire.message().await else { return };
            seen.requests.borrow_mut().push(request);
            wire.write(ok("a")).await;
            // Closes at once although the answer did not say so.
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        for n in 1..=20 {
            assert_eq!(post(addr, "x").await.status(), 200);
            assert_eq!(backend.seen.count(), n);
            // Connections that were made ahead and have served nothing yet stay.
            let unused = || backend.seen.accepted.get() - n;
            until("the backend closed", || backend.seen.open.get() == unused()).await;
            // The close is a segment on the wire like any other; let the proxy's loop read it.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(proxy.report().failed, 0);
    });
}

#[test]
fn a_backend_that_refuses_costs_no_request() {
    local(async {
        let (good, gone) = (Backend::named("good").await, Nobody::new());
        let (proxy, addr) = proxy(&[gone.addr, good.addr]);
        for n in 0..6 {
            let answer = if n % 2 == 0 { get(addr).await } else { post(addr, "body").await };
            assert_eq!(answer.text(), "good");
        }
        assert_eq!(proxy.report().failed, 0);
    });
}

#[test]
fn a_post_is_sent_elsewhere_when_nobody_took_the_connection() {
    local(async {
        let (good, gone) = (Backend::named("good").await, Nobody::new());
        // Only `gone` is known at first, so that the first attempt must be there.
        let mut config = config();
        config.connect_timeout = Duration::from_secs(5);
        let (proxy, addr) = proxy_with(config, &picture(1, &[gone.addr]));
        assert_eq!(post(addr, "body").await.status(), 503);
        let report = proxy.report();
        assert_eq!((report.failed, report.failed_unsafe), (1, 0), "nothing was sent, so no harm was done");
        proxy.apply(&picture(2, &[gone.addr, good.addr]));
        for _ in 0..4 {
            assert_eq!(post(addr, "body").await.text(), "good");
        }
        assert!(good.seen.requests.borrow().iter().all(|request| request.text() == "body"));
    });
}

#[test]
fn a_get_is_repeated_elsewhere_when_its_backend_dies() {
    local(async {
        let (good, bad) = (Backend::named("good").await, dying().await);
        let (proxy, addr) = proxy(&[bad.addr, good.addr]);
        for _ in 0..4 {
            assert_eq!(get(addr).await.text(), "good");
        }
        assert!(bad.seen.count() > 0, "it was tried");
        let report = proxy.report();
        assert_eq!(report.failed, 0);
        assert!(report.retried > 0);
    });
}

#[test]
fn a_backend_that_closes_in_the_middle_of_a_head_is_left_for_another() {
    local(async {
        let bad = Backend::script(|mut wire, _, seen| async move {
            if let Some(request) = wire.message().await {
                seen.requests.borrow_mut().push(request);
                wire.write("HTTP/1.1 200 OK\r\nContent-Le").await;
            }
        })
        .await;
        let good = Backend::named("good").await;
        let (proxy, addr) = proxy(&[bad.addr, good.addr]);
        for _ in 0..4 {
            assert_eq!(get(addr).await.text(), "good");
        }
        assert!(bad.seen.count() > 0, "it was tried");
        assert_eq!(proxy.report().failed, 0);
    });
}

#[test]
fn a_post_that_may_have_been_read_is_never_repeated() {
    local(async {
        let (a, b) = (dying().await, dying().await);
        let (proxy, addr) = proxy(&[a.addr, b.addr]);
        let answer = post(addr, "pay").await;
        assert_eq!(answer.status(), 502);
        assert!(answer.text().contains("was not repeated"), "{}", answer.text());
        assert_eq!(a.seen.count() + b.seen.count(), 1, "one of them saw it, once");
        let report = proxy.report();
        assert_eq!((report.failed, report.failed_unsafe, report.retried), (1, 1, 0));
    });
}

#[test]
fn a_get_with_a_body_is_never_repeated_without_it() {
    local(async {
        let (bad, good) = (dying().await, Backend::answering(|request| ok(&request.text())).await);
        let (_proxy, addr) = proxy(&[bad.addr, good.addr]);
        for _ in 0..4 {
            let answer = ask(addr, "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nquery").await;
            assert!(
                matches!((answer.status(), answer.text().as_str()), (200, "query") | (502, _)),
                "{answer:?}"
            );
        }
        assert!(bad.seen.count() > 0, "it was tried");
    });
}

#[test]
fn a_get_moves_on_from_a_backend_that_never_answers() {
    local(async {
        let (bad, good) = (silent().await, Backend::named("good").await);
        let mut config = config();
        config.response_timeout = Duration::from_millis(200);
        let (proxy, addr) = proxy_with(config, &picture(1, &[bad.addr, good.addr]));
        for _ in 0..3 {
            assert_eq!(get(addr).await.text(), "good");
        }
        assert!(bad.seen.count() > 0, "it was tried");
        assert_eq!(proxy.report().failed, 0);
        until("its connections are closed", || bad.seen.open.get() == 0).await;
    });
}

#[test]
fn a_newcomer_that_never_answers_holds_a_get_for_a_moment_only() {
    local(async {
        let (good, bad) = (Backend::named("good").await, silent().await);
        let mut config = config();
        // Far beyond this test: only the limit for newcomers can end the wait.
        config.response_timeout = Duration::from_secs(3600);
        let (proxy, addr) = proxy_with(config, &picture(1, &[good.addr]));
        assert_eq!(get(addr).await.text(), "good");
        proxy.apply(&picture(2, &[good.addr, bad.addr]));
        until("the newcomer was asked", || {
            let report = proxy.report();
            report.backends.iter().any(|backend| backend.node != "a" && backend.state == "up")
        })
        .await;
        for _ in 0..4 {
            assert_eq!(get(addr).await.text(), "good");
        }
        assert_eq!(bad.seen.count(), 1, "one request found out");
        assert_eq!(proxy.report().failed, 0);
    });
}

#[test]
fn a_post_to_a_backend_that_never_answers_ends_with_504() {
    local(async {
        let (a, b) = (silent().await, silent().await);
        let mut config = config();
        config.response_timeout = Duration::from_millis(200);
        let (proxy, addr) = proxy_with(config, &picture(1, &[a.addr, b.addr]));
        assert_eq!(post(addr, "pay").await.status(), 504);
        assert_eq!(a.seen.count() + b.seen.count(), 1);
        assert_eq!(proxy.report().failed_unsafe, 1);
    });
}

#[test]
fn a_slow_upload_accuses_no_backend() {
    local(async {
        let echo = Backend::answering(|request| ok(&request.text())).await;
        let mut config = config();
        config.response_timeout = Duration::from_millis(100);
        let (proxy, addr) = proxy_with(config, &picture(1, &[echo.addr]));
        let mut client = Wire::connect(addr).await;
        client.write("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\n").await;
        for byte in ["a", "b", "c"] {
            // Longer than the limit for a backend that has the whole request.
            tokio::time::sleep(Duration::from_millis(150)).await;
            client.write(byte).await;
        }
        assert_eq!(client.message().await.unwrap().text(), "abc");
        assert_eq!(proxy.report().failed, 0);
    });
}

#[test]
fn an_upload_that_stops_ends_with_408_and_frees_its_backend() {
    local(async {
        let echo = Backend::answering(|request| ok(&request.text())).await;
        let mut config = config();
        config.response_timeout = Duration::from_millis(50);
        config.idle_timeout = Duration::from_millis(200);
        let (proxy, addr) = proxy_with(config, &picture(1, &[echo.addr]));
        let mut client = Wire::connect(addr).await;
        client.write("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\na").await;
        assert_eq!(client.message().await.unwrap().status(), 408);
        assert_eq!(in_flight(&proxy.report()), 0);
        assert_eq!(proxy.report().failed, 0, "it was the client's fault");
    });
}

#[test]
fn an_upload_that_stops_is_noticed_although_backends_may_think_for_long() {
    local(async {
        let echo = Backend::answering(|request| ok(&request.text())).await;
        let mut config = config();
        // Longer than this test may take.
        config.response_timeout = Duration::from_secs(600);
        config.idle_timeout = Duration::from_millis(200);
        let (_proxy, addr) = proxy_with(config, &picture(1, &[echo.addr]));
        let mut client = Wire::connect(addr).await;
        client.write("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\na").await;
        assert_eq!(client.message().await.unwrap().status(), 408);
    });
}

#[test]
fn a_wait_before_the_request_was_sent_is_not_the_backends() {
    local(async {
        let good = Backend::named("good").await;
        let mut config = config();
        config.response_timeout = Duration::from_millis(200);
        let proxy = Proxy::start(config).unwrap();
        let mut client = Wire::connect(proxy.addrs()[0]).await;
        client.write("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc").await;
        // Requests wait this long for the first picture.
        tokio::time::sleep(Duration::from_millis(400)).await;
        proxy.apply(&picture(1, &[good.addr]));
        assert_eq!(client.message().await.unwrap().text(), "good");
    });
}

#[test]
fn a_client_that_goes_away_frees_its_backend() {
    local(async {
        let backend = silent().await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        client.write(GET).await;
        until("the backend has the request", || backend.seen.count() == 1).await;
        assert_eq!(in_flight(&proxy.report()), 1);
        drop(client);
        until("nothing is in flight", || in_flight(&proxy.report()) == 0).await;
        let closed = || backend.seen.open.get() < backend.seen.accepted.get();
        until("the backend sees the request cancelled", closed).await;
        assert_eq!(proxy.report().failed, 0);
    });
}

#[test]
fn a_client_that_goes_away_in_the_middle_of_an_answer_frees_its_backend() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            while let Some(request) = wire.message().await {
                seen.requests.borrow_mut().push(request);
                wire.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome").await;
            }
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        client.write(GET).await;
        client.head().await.unwrap();
        assert_eq!(in_flight(&proxy.report()), 1);
        drop(client);
        until("nothing is in flight", || in_flight(&proxy.report()) == 0).await;
        let closed = || backend.seen.open.get() < backend.seen.accepted.get();
        until("the backend sees the request cancelled", closed).await;
    });
}

#[test]
fn a_client_that_reads_nothing_of_its_answer_frees_its_backend() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            while let Some(request) = wire.message().await {
                seen.requests.borrow_mut().push(request);
                wire.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n").await;
                while wire.stream.write_all(&[b'z'; 65_536]).await.is_ok() {}
            }
        })
        .await;
        let mut config = config();
        config.idle_timeout = Duration::from_millis(500);
        let (proxy, addr) = proxy_with(config, &picture(1, &[backend.addr]));
        let mut client = Wire::connect(addr).await;
        client.write(GET).await;
        until("the backend has the request", || backend.seen.count() == 1).await;
        until("nothing is in flight", || in_flight(&proxy.report()) == 0).await;
        assert_eq!(proxy.report().failed, 0, "it was the client's fault");
        drop(client);
    });
}

#[test]
fn an_answer_cut_short_is_cut_for_the_client_too() {
    local(async {
        let backend = Backend::script(|mut wire, _, _| async move {
            if wire.message().await.is_some() {
                wire.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome").await;
            }
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        client.write(GET).await;
        assert_eq!(client.head().await.unwrap().status(), 200);
        assert_eq!(client.bytes(100).await, None, "the end must not look like success");
        let report = proxy.report();
        assert_eq!((report.failed, report.failed_unsafe, in_flight(&report)), (1, 0, 0));
    });
}

#[test]
fn a_response_that_is_none_becomes_502() {
    local(async {
        let backend = Backend::script(|mut wire, _, _| async move {
            while wire.message().await.is_some() {
                let _ = wire.stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").await;
            }
        })
        .await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        assert_eq!(get(addr).await.status(), 502);
    });
}

#[test]
fn a_response_in_a_coding_we_do_not_know_becomes_502() {
    local(async {
        let backend = Backend::answering(|_| {
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_vec()
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        assert_eq!(get(addr).await.status(), 502);
        let report = proxy.report();
        assert_eq!((report.requests, report.failed, in_flight(&report)), (1, 1, 0));
    });
}

#[test]
fn a_head_without_end_is_refused_and_leaves_the_proxy_well() {
    local(async {
        let backend = Backend::named("a").await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let mut client = Wire::connect(addr).await;
        let line = format!("X-Long: {}\r\n", "x".repeat(8000));
        client.write("GET / HTTP/1.1\r\nHost: test\r\n").await;
        // The proxy may close while we write.
        for _ in 0..20 {
            if client.stream.write_all(line.as_bytes()).await.is_err() {
                break;
            }
        }
        if let Some(answer) = client.head().await {
            assert_eq!(answer.status(), 431);
        }
        assert_eq!(get(addr).await.text(), "a");
    });
}

#[test]
fn a_response_that_stops_in_the_middle_is_cut_off_and_frees_its_backend() {
    local(async {
        let half =
            Backend::answering(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_vec()).await;
        let mut config = config();
        config.stall_timeout = Duration::from_millis(200);
        let (proxy, addr) = proxy_with(config, &picture(1, &[half.addr]));
        let mut client = Wire::connect(addr).await;
        client.write("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
        assert_eq!(client.head().await.unwrap().status(), 200);
        assert_eq!(client.bytes(4).await.unwrap(), b"half");
        assert_eq!(client.bytes(1).await, None, "its end is no end of the answer");
        until("it is counted", || proxy.report().failed == 1).await;
        assert_eq!(in_flight(&proxy.report()), 0);
        until("its connection is closed", || half.seen.open.get() == 0).await;
    });
}

#[test]
fn a_response_that_moves_may_take_as_long_as_it_likes() {
    local(async {
        let slow = Backend::script(|mut wire, _, _| async move {
            wire.message().await.unwrap();
            wire.write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n").await;
            for _ in 0..8 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                wire.write("x").await;
            }
            wire.head().await;
        })
        .await;
        let mut config = config();
        config.stall_timeout = Duration::from_millis(600);
        let (proxy, addr) = proxy_with(config, &picture(1, &[slow.addr]));
        assert_eq!(get(addr).await.text(), "xxxxxxxx");
        assert_eq!(proxy.report().failed, 0);
    });
}
