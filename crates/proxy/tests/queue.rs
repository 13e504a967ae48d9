//! Requests that wait for a backend with room.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use muster_proxy::{Config, Policy, Proxy};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use support::*;
use tokio::sync::Semaphore;

const LONG: Duration = Duration::from_secs(50);

fn one_each(queue_wait: Duration) -> Config {
    let policy = Policy { max_in_flight: Some(1), queue_max: 100, queue_wait, ..Policy::default() };
    Config { policy, ..config() }
}

fn waiting(proxy: &Proxy) -> u64 {
    proxy.counts().services[0].1.queue.current.into()
}

fn in_backend(proxy: &Proxy) -> u32 {
    in_flight(&proxy.report())
}

/// A backend that answers a request for each permit, and what it was asked.
async fn slow() -> (Backend, Rc<Semaphore>, Rc<RefCell<Vec<String>>>) {
    let gate = Rc::new(Semaphore::new(0));
    let seen: Rc<RefCell<Vec<String>>> = Rc::default();
    let (its_gate, its_seen) = (Rc::clone(&gate), Rc::clone(&seen));
    let backend = Backend::script(move |mut wire, _, _| {
        let (gate, seen) = (Rc::clone(&its_gate), Rc::clone(&its_seen));
        async move {
            while let Some(request) = wire.message().await {
                seen.borrow_mut().push(request.start.clone());
                gate.acquire().await.unwrap().forget();
                wire.write(ok("done")).await;
            }
        }
    })
    .await;
    (backend, gate, seen)
}

async fn asks(addr: SocketAddr, path: &str) -> Wire {
    let mut client = Wire::connect(addr).await;
    client.write(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")).await;
    client
}

#[test]
fn requests_wait_in_order_and_one_at_a_time_is_sent() {
    local(async {
        let (backend, gate, seen) = slow().await;
        let (proxy, addr) = proxy_with(one_each(LONG), &picture(1, &[backend.addr]));
        let mut clients = Vec::new();
        for nth in 0..5_u64 {
            clients.push(asks(addr, &format!("/{nth}")).await);
            until("it is sent or waits", || u64::from(in_backend(&proxy)) + waiting(&proxy) == nth + 1).await;
        }
        for client in &mut clients {
            assert_eq!(in_backend(&proxy), 1);
            gate.add_permits(1);
            assert_eq!(client.message().await.unwrap().status(), 200);
        }
        let wanted: Vec<_> = (0..5).map(|nth| format!("GET /{nth} HTTP/1.1")).collect();
        assert_eq!(*seen.borrow(), wanted);
        until("all is over", || in_backend(&proxy) == 0 && waiting(&proxy) == 0).await;
    });
}

#[test]
fn a_wait_that_is_too_long_ends_with_a_page() {
    local(async {
        let (backend, gate, seen) = slow().await;
        let (proxy, addr) = proxy_with(one_each(Duration::from_millis(50)), &picture(1, &[backend.addr]));
        let mut first = asks(addr, "/first").await;
        until("the first is there", || seen.borrow().len() == 1).await;
        let late = get(addr).await;
        assert_eq!(late.status(), 503);
        assert!(late.text().contains("for longer than a request waits; nothing was sent"), "{}", late.text());
        gate.add_permits(1);
        assert_eq!(first.message().await.unwrap().status(), 200);
        assert_eq!((seen.borrow().len(), waiting(&proxy)), (1, 0));
    });
}

#[test]
fn clients_that_go_away_leave_their_place_to_others() {
    local(async {
        let (backend, gate, seen) = slow().await;
        let (proxy, addr) = proxy_with(one_each(LONG), &picture(1, &[backend.addr]));
        let mut first = asks(addr, "/first").await;
        until("the first is there", || seen.borrow().len() == 1).await;
        let gone: Vec<_> = [asks(addr, "/gone").await, asks(addr, "/gone").await].into();
        until("two wait", || waiting(&proxy) == 2).await;
        let mut last = asks(addr, "/last").await;
        until("three wait", || waiting(&proxy) == 3).await;
        drop(gone);
        // Whether they are still believed to wait or not: they hold up nobody.
        until("they are gone", || waiting(&proxy) == 1).await;
        gate.add_permits(2);
        assert_eq!(first.message().await.unwrap().status(), 200);
        assert_eq!(last.message().await.unwrap().status(), 200);
        assert_eq!(*seen.borrow(), ["GET /first HTTP/1.1", "GET /last HTTP/1.1"]);
        until("all is over", || in_backend(&proxy) == 0).await;
    });
}

#[test]
fn without_a_queue_nobody_waits() {
    local(async {
        let (backend, _gate, seen) = slow().await;
        let mut config = one_each(LONG);
        config.policy.queue_max = 0;
        let (_proxy, addr) = proxy_with(config, &picture(1, &[backend.addr]));
        let _first = asks(addr, "/first").await;
        until("the first is there", || seen.borrow().len() == 1).await;
        let full = get(addr).await;
        assert_eq!(full.status(), 503);
        assert!(full.text().contains("has as many requests as it may have"), "{}", full.text());
    });
}
