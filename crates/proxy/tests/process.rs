//! The proxy as a process: signals. Each test runs `muster_proxy::run` in a child, which is this test binary again.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use muster_control::routes::FLEET_FOLLOW;
use muster_fleet::Update;
use rustix::process::{Pid, Signal, kill_process};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use support::*;
use tokio::net::UnixListener;

const LISTEN: &str = "MUSTER_PROXY_TEST_LISTEN";
const SOCKET: &str = "MUSTER_PROXY_TEST_SOCKET";

/// Not a test by itself: what the children run.
#[test]
#[ignore = "started by the other tests of this file"]
fn child() {
    let Ok(listen) = std::env::var(LISTEN) else { return };
    let mut config = config();
    config.listen = vec![listen.parse().unwrap()];
    config.socket = std::env::var(SOCKET).unwrap().into();
    muster_proxy::run(config).unwrap();
}

/// An address that no other test uses: the process id in the host part of 127.0.0.0/8.
fn own_address(port: u16) -> SocketAddr {
    let [_, a, b, c] = std::process::id().to_be_bytes();
    SocketAddr::from(([127, a | 64, b, c.max(1)], port))
}

struct Proxy(Child);

impl Proxy {
    fn start(listen: SocketAddr, socket: &Path) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "child"])
            .env(LISTEN, listen.to_string())
            .env(SOCKET, socket)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    async fn exit(&mut self) -> ExitStatus {
        until("the process ends", || self.0.try_wait().unwrap().is_some()).await;
        self.0.wait().unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A backend that answers on command, a proxy process in front of it, and one request in flight.
async fn busy(port: u16) -> (Backend, Proxy, Wire, tempfile::TempDir) {
    let backend = Backend::script(|mut wire, _, seen| async move {
        while let Some(request) = wire.message().await {
            seen.requests.borrow_mut().push(request);
            seen.go.notified().await;
            wire.write(ok("held")).await;
        }
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("muster.sock");
    let agent = UnixListener::bind(&socket).unwrap();
    let update = serde_json::to_string(&Update::Full(picture(1, &[backend.addr]))).unwrap() + "\n";
    tokio::task::spawn_local(async move {
        loop {
            let mut wire = Wire::new(agent.accept().await.unwrap().0);
            let update = update.clone();
            tokio::task::spawn_local(async move {
                let request = wire.message().await.unwrap();
                if request.start.contains(FLEET_FOLLOW) {
                    wire.write(format!("HTTP/1.1 200 OK\r\n\r\n{update}")).await;
                    wire.closes().await;
                } else {
                    wire.write("HTTP/1.1 204 No Content\r\n\r\n").await;
                }
            });
        }
    });
    let listen = own_address(port);
    let proxy = Proxy::start(listen, &socket);
    until("the process listens", || std::net::TcpStream::connect(listen).is_ok()).await;
    let mut client = Wire::connect(listen).await;
    client.write("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
    until("the request is on its backend", || backend.seen.count() == 1).await;
    (backend, proxy, client, dir)
}

#[test]
fn term_and_int_answer_what_is_in_flight_and_end_with_success() {
    for (signal, port) in [(Signal::TERM, 8001), (Signal::INT, 8002)] {
        local(async move {
            let (backend, mut proxy, mut client, _dir) = busy(port).await;
            proxy.signal(signal);
            until("nobody listens", || std::net::TcpStream::connect(own_address(port)).is_err()).await;
            assert!(proxy.0.try_wait().unwrap().is_none(), "it waits for the answer");
            backend.seen.go.notify_one();
            assert_eq!(client.message().await.unwrap().text(), "held");
            assert!(proxy.exit().await.success());
        });
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    local(async {
        let (_backend, mut proxy, mut client, _dir) = busy(8003).await;
        proxy.signal(Signal::TERM);
        until("nobody listens", || std::net::TcpStream::connect(own_address(8003)).is_err()).await;
        proxy.signal(Signal::INT);
        assert!(proxy.exit().await.success());
        assert!(client.closes().await, "the request was cut");
    });
}
