//! The promise: backends come and go under load, and no request fails that need not.

#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use muster_fleet::{Picture, Standing};
use std::cell::Cell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use support::*;

/// Clients that ask without pause, half of them with POST.
struct Load {
    requests: Rc<Cell<usize>>,
    failed_gets: Rc<Cell<usize>>,
    failed_posts: Rc<Cell<usize>>,
    stop: Rc<Cell<bool>>,
    clients: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn on(addr: SocketAddr) -> Self {
        let mut load = Self {
            requests: Rc::default(),
            failed_gets: Rc::default(),
            failed_posts: Rc::default(),
            stop: Rc::default(),
            clients: Vec::new(),
        };
        for n in 0..16 {
            let is_get = n % 2 == 0;
            let request = if is_get {
                "GET / HTTP/1.1\r\nHost: test\r\n\r\n"
            } else {
                "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nbody"
            };
            let failed = Rc::clone(if is_get { &load.failed_gets } else { &load.failed_posts });
            let (requests, stop) = (Rc::clone(&load.requests), Rc::clone(&load.stop));
            load.clients.push(tokio::task::spawn_local(async move {
                let mut client = Wire::connect(addr).await;
                while !stop.get() {
                    client.write(request).await;
                    let answer = client.message().await.expect("the client's connection stays");
                    requests.set(requests.get() + 1);
                    if answer.status() != 200 {
                        failed.set(failed.get() + 1);
                    }
                }
            }));
        }
        load
    }

    /// Waits for some more requests.
    async fn some(&self) {
        let enough = self.requests.get() + 200;
        until("requests go on", || self.requests.get() >= enough).await;
    }

    async fn end(self) {
        self.stop.set(true);
        for client in self.clients {
            client.await.unwrap();
        }
    }
}

/// A backend that takes a moment for each answer, so that there is always something in flight on it.
async fn backend() -> Backend {
    Backend::script(|mut wire, _, seen| async move {
        while let Some(request) = wire.message().await {
            seen.requests.borrow_mut().push(request);
            tokio::time::sleep(Duration::from_millis(2)).await;
            wire.write(ok("done")).await;
        }
    })
    .await
}

fn picture_by_address(version: u64, backends: &[(SocketAddr, Standing)]) -> Picture {
    let mut picture = picture_of(version, backends);
    // A node keeps its name while others come and go.
    let service = picture.services.get_mut("web").unwrap();
    let named = std::mem::take(&mut service.backends).into_values();
    service.backends = named.map(|backend| (backend.addr.to_string(), backend)).collect();
    picture
}

#[test]
fn replacing_all_backends_one_by_one_fails_no_request_of_any_method() {
    local(async {
        let mut backends = VecDeque::new();
        for _ in 0..3 {
            backends.push_back(backend().await);
        }
        let ready = |backends: &VecDeque<Backend>| -> Vec<_> {
            backends.iter().map(|backend| (backend.addr, Standing::Ready)).collect()
        };
        let mut version = 1;
        let (proxy, addr) = proxy_with(config(), &picture_by_address(version, &ready(&backends)));
        let load = Load::on(addr);
        for _ in 0..12 {
            load.some().await;
            let old = backends.pop_front().unwrap();
            backends.push_back(backend().await);
            let mut picture = ready(&backends);
            picture.push((old.addr, Standing::Withdrawn));
            version += 1;
            proxy.apply(&picture_by_address(version, &picture));
            let drained = |in_flight: u32| {
                let report = proxy.report();
                let old = report.backends.into_iter().find(|backend| backend.node == old.addr.to_string());
                old.unwrap().in_flight == in_flight
            };
            until("the withdrawn backend is drained", || drained(0)).await;
            old.kill();
            version += 1;
            proxy.apply(&picture_by_address(version, &ready(&backends)));
        }
        assert_eq!((load.failed_gets.get(), load.failed_posts.get()), (0, 0));
        let report = proxy.report();
        assert_eq!((report.failed, report.retried), (0, 0), "not even a retry was needed");
        load.end().await;
    });
}

#[test]
fn a_killed_backend_fails_no_get_and_its_posts_are_counted() {
    local(async {
        let mut backends = VecDeque::new();
        for _ in 0..3 {
            backends.push_back(backend().await);
        }
        let addrs: Vec<_> = backends.iter().map(|backend| (backend.addr, Standing::Ready)).collect();
        let (proxy, addr) = proxy_with(config(), &picture_by_address(1, &addrs));
        let load = Load::on(addr);
        load.some().await;
        backends.pop_front().unwrap().kill();
        load.some().await;
        backends.pop_front().unwrap().kill();
        load.some().await;
        assert_eq!(load.failed_gets.get(), 0);
        let failed_posts = load.failed_posts.get();
        load.end().await;
        let report = proxy.report();
        assert_eq!(report.failed, failed_posts as u64, "the account agrees with the clients");
        assert_eq!(report.failed, report.failed_unsafe);
        assert!(failed_posts <= 16, "only those in flight when a backend died, {failed_posts}");
    });
}
