//! The proxy as a process: signals, and what outlives it. Each test runs `muster_proxy::run` in a child, which is this test binary again.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use muster_control::routes::FLEET_FOLLOW;
use muster_fleet::{Picture, Update};
use rustix::process::{Pid, Signal, kill_process};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::rc::Rc;
use support::*;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UnixListener};
use tokio::task::AbortHandle;

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
    muster_proxy::run(config, None).unwrap();
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

    /// One that is handed a socket, and a file for its picture, as PID 1 does it.
    fn start_on(held: &std::net::TcpListener, picture: &File, socket: &Path) -> Self {
        // The shell makes descriptors 3 and 4 of its standard input and output.
        let script = "LISTEN_PID=$$ exec \"$@\" 3<&0 4<&1 </dev/null >/dev/null";
        let child = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "child"])
            .env(LISTEN, held.local_addr().unwrap().to_string())
            .env(SOCKET, socket)
            .envs([("LISTEN_FDS", "1"), ("LISTEN_PID", ""), ("MUSTER_PICTURE_FD", "4")])
            .stdin(OwnedFd::from(held.try_clone().unwrap()))
            .stdout(picture.try_clone().unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
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

/// An agent that has this picture, for as long as nobody aborts it.
fn agent(socket: &Path, picture: Picture) -> AbortHandle {
    let agent = UnixListener::bind(socket).unwrap();
    let update = serde_json::to_string(&Update::Full(picture)).unwrap() + "\n";
    let task = tokio::task::spawn_local(async move {
        loop {
            let mut wire = Wire::new(agent.accept().await.unwrap().0);
            let update = update.clone();
            tokio::task::spawn_local(async move {
                // A proxy may be killed at any moment.
                let Some(request) = wire.message().await else { return };
                if request.start.contains(FLEET_FOLLOW) {
                    let answer = format!("HTTP/1.1 200 OK\r\n\r\n{update}");
                    let _ = wire.stream.write_all(answer.as_bytes()).await;
                    wire.closes().await;
                } else {
                    let _ = wire.stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                }
            });
        }
    });
    task.abort_handle()
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
    agent(&socket, picture(1, &[backend.addr]));
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

/// A socket on which the test listens, as PID 1 would.
fn held() -> (std::net::TcpListener, SocketAddr) {
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = held.local_addr().unwrap();
    (held, addr)
}

fn memory() -> File {
    rustix::fs::memfd_create("picture", rustix::fs::MemfdFlags::CLOEXEC).unwrap().into()
}

const GET: &str = "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

/// What came of a request on a connection of its own.
async fn answer(stream: TcpStream) -> Option<u16> {
    let mut wire = Wire::new(stream);
    wire.stream.write_all(GET.as_bytes()).await.ok()?;
    Some(wire.message().await?.status())
}

#[test]
fn a_killed_proxy_refuses_nobody_and_the_next_serves_who_waited() {
    const KILLS: usize = 20;
    const CLIENTS: usize = 4;
    local(async {
        let backend = Backend::named("a").await;
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("muster.sock");
        agent(&socket, picture(1, &[backend.addr]));
        let ((held, addr), memory) = (held(), memory());
        let counts: Rc<[Cell<usize>; 3]> = Rc::default();
        let over = Rc::new(Cell::new(false));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (counts, over) = (Rc::clone(&counts), Rc::clone(&over));
                tokio::task::spawn_local(async move {
                    let [refused, served, cut] = &*counts;
                    while !over.get() {
                        let counter = match TcpStream::connect(addr).await {
                            Err(_) => refused,
                            Ok(stream) => match answer(stream).await {
                                Some(200) => served,
                                Some(status) => panic!("it answered {status}"),
                                None => cut,
                            },
                        };
                        counter.set(counter.get() + 1);
                    }
                })
            })
            .collect();
        let [refused, served, cut] = &*counts;
        let mut proxy = Proxy::start_on(&held, &memory, &socket);
        for _ in 0..KILLS {
            let before = served.get();
            until("clients are served", || served.get() > before + CLIENTS).await;
            proxy.kill();
            // Nobody is there to accept these: they wait.
            let mut waiting = Vec::new();
            for _ in 0..5 {
                waiting.push(answer(TcpStream::connect(addr).await.unwrap()));
            }
            proxy = Proxy::start_on(&held, &memory, &socket);
            for waiting in waiting {
                assert_eq!(waiting.await, Some(200));
            }
        }
        over.set(true);
        for client in clients {
            client.await.unwrap();
        }
        assert_eq!(refused.get(), 0);
        assert!(cut.get() <= KILLS * CLIENTS, "{} were cut, more than a kill can", cut.get());
    });
}

#[test]
fn the_picture_outlives_proxy_and_agent_until_an_agent_has_another() {
    local(async {
        let (one, two) = (Backend::named("one").await, Backend::named("two").await);
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("muster.sock");
        let first_agent = agent(&socket, picture(1, &[one.addr]));
        let ((held, addr), memory) = (held(), memory());
        let proxy = Proxy::start_on(&held, &memory, &socket);
        assert_eq!(get(addr).await.text(), "one");
        until("the picture is kept", || memory.metadata().unwrap().len() > 0).await;
        proxy.kill();
        first_agent.abort();
        std::fs::remove_file(&socket).unwrap();

        let proxy = Proxy::start_on(&held, &memory, &socket);
        assert_eq!(get(addr).await.text(), "one", "no agent is there");
        let second_agent = agent(&socket, picture(1, &[two.addr]));
        until("the agent's picture is in force", || two.seen.accepted.get() > 0).await;
        assert_eq!(get(addr).await.text(), "two");
        until("it is kept, too", || memory.metadata().unwrap().len() > 16 << 20).await;
        proxy.kill();
        second_agent.abort();
        std::fs::remove_file(&socket).unwrap();

        let proxy = Proxy::start_on(&held, &memory, &socket);
        assert_eq!(get(addr).await.text(), "two", "the newer of both that are kept");
        proxy.kill();
        memory.write_all_at(&[0xff; 4096], 0).unwrap();
        memory.write_all_at(&[b'{'; 4096], 16 << 20).unwrap();
        let _proxy = Proxy::start_on(&held, &memory, &socket);
        assert_eq!(get(addr).await.status(), 503, "what cannot be read is nothing");
    });
}

#[test]
fn one_takes_anothers_place_and_no_request_is_cut() {
    local(async {
        let slow: Rc<RefCell<Vec<Wire>>> = Rc::default();
        let kept = Rc::clone(&slow);
        let backend = Backend::script(move |mut wire, _, seen| {
            let kept = Rc::clone(&kept);
            async move {
                while let Some(request) = wire.message().await {
                    let is_slow = request.start.contains("/slow");
                    seen.requests.borrow_mut().push(request);
                    if is_slow {
                        return kept.borrow_mut().push(wire);
                    }
                    let _ = wire.stream.write_all(&ok("fast")).await;
                }
            }
        })
        .await;
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("muster.sock");
        agent(&socket, picture(1, &[backend.addr]));
        let ((held, addr), memory) = (held(), memory());
        let mut old = Proxy::start_on(&held, &memory, &socket);
        let mut client = Wire::connect(addr).await;
        client.write("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n").await;
        until("the slow request is on its backend", || slow.borrow().len() == 1).await;

        let _new = Proxy::start_on(&held, &memory, &socket);
        old.signal(Signal::TERM);
        for _ in 0..50 {
            assert_eq!(get(addr).await.text(), "fast");
        }
        assert!(old.0.try_wait().unwrap().is_none(), "it waits for the answer");
        let mut answering = slow.borrow_mut().pop().unwrap();
        answering.write(ok("slow")).await;
        assert_eq!(client.message().await.unwrap().text(), "slow");
        assert!(old.exit().await.success());
        assert_eq!(get(addr).await.text(), "fast");
    });
}
