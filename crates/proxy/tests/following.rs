//! The proxy and its agent: pictures one way, reports the other, and the agent away.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use muster_control::routes::{FLEET_FOLLOW, FLEET_REPORT};
use muster_fleet::{Delta, Gossip, Phase, Picture, Report, Rule, Standing, Terms, Update};
use muster_proxy::{Distrust, Proxy};
use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use support::*;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

const GET: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

/// An agent as the proxy sees it. Each stream begins with the current picture and gets each update told.
struct Agent {
    task: tokio::task::AbortHandle,
    state: Rc<State>,
}

struct State {
    picture: RefCell<Picture>,
    updates: RefCell<Vec<mpsc::UnboundedSender<Update>>>,
    streams: Cell<usize>,
    reports: RefCell<Vec<Report>>,
    /// Reports to refuse before taking one.
    refuse: Cell<usize>,
    gone: watch::Sender<bool>,
}

impl Agent {
    fn start(socket: &Path, picture: Picture) -> Self {
        let _ = std::fs::remove_file(socket);
        let listener = UnixListener::bind(socket).unwrap();
        let state = Rc::new(State {
            picture: RefCell::new(picture),
            updates: RefCell::default(),
            streams: Cell::new(0),
            reports: RefCell::default(),
            refuse: Cell::new(0),
            gone: watch::Sender::new(false),
        });
        let shared = Rc::clone(&state);
        let task = tokio::task::spawn_local(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (shared, mut gone) = (Rc::clone(&shared), shared.gone.subscribe());
                tokio::task::spawn_local(async move {
                    tokio::select! {
                        _ = gone.wait_for(|gone| *gone) => {}
                        () = serve(Wire::new(stream), shared) => {}
                    }
                });
            }
        });
        Self { task: task.abort_handle(), state }
    }

    /// Tells all streams.
    fn tell(&self, picture: Picture) {
        let old = self.state.picture.replace(picture.clone());
        let update = if old.epoch == picture.epoch {
            Update::Delta(Delta::between(&old, &picture))
        } else {
            Update::Full(picture)
        };
        self.send(&update);
    }

    fn send(&self, update: &Update) {
        self.state.updates.borrow_mut().retain(|stream| stream.send(update.clone()).is_ok());
    }

    fn kill(&self) {
        self.task.abort();
        self.state.gone.send_replace(true);
    }

    fn last_report(&self) -> Option<Report> {
        self.state.reports.borrow().last().cloned()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn serve(mut wire: Wire<UnixStream>, state: Rc<State>) {
    let Some(request) = wire.message().await else { return };
    let mut start = request.start.split(' ');
    match (start.next(), start.next()) {
        (Some("GET"), Some(path)) if path == FLEET_FOLLOW => {
            state.streams.set(state.streams.get() + 1);
            let (tell, mut told) = mpsc::unbounded_channel();
            let _ = tell.send(Update::Full(state.picture.borrow().clone()));
            state.updates.borrow_mut().push(tell);
            wire.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            loop {
                let second = tokio::time::timeout(Duration::from_secs(1), told.recv());
                let update = match second.await {
                    Ok(Some(update)) => update,
                    Ok(None) => return,
                    Err(_) => {
                        let picture = state.picture.borrow();
                        Update::Same { epoch: picture.epoch, version: picture.version }
                    }
                };
                let line = serde_json::to_string(&update).unwrap() + "\n";
                wire.write(format!("{:x}\r\n{line}\r\n", line.len())).await;
            }
        }
        (Some("POST"), Some(path)) if path == FLEET_REPORT => {
            let refused = state.refuse.get();
            if refused > 0 {
                state.refuse.set(refused - 1);
                wire.write("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await;
            } else {
                state.reports.borrow_mut().push(serde_json::from_slice(&request.body).unwrap());
                wire.write("HTTP/1.1 204 No Content\r\n\r\n").await;
            }
        }
        _ => panic!("the proxy asked for {}", request.start),
    }
}

/// A proxy that follows the agent at a socket in a directory of its own.
fn following() -> (tempfile::TempDir, std::path::PathBuf, Proxy) {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("muster.sock");
    let mut config = config();
    config.socket = socket.clone();
    let proxy = Proxy::start(config).unwrap();
    proxy.follow();
    (dir, socket, proxy)
}

#[test]
fn changes_of_the_picture_reach_requests() {
    local(async {
        let (a, b) = (Backend::named("a").await, Backend::named("b").await);
        let (_dir, socket, proxy) = following();
        let agent = Agent::start(&socket, picture(1, &[a.addr]));
        let addr = proxy.addrs()[0];
        assert_eq!(get(addr).await.text(), "a", "the request waited for the first picture");
        agent.tell(picture_of(2, &[(a.addr, Standing::Withdrawn), (b.addr, Standing::Ready)]));
        until("the delta is applied", || proxy.report().version == 2).await;
        assert_eq!(get(addr).await.text(), "b");
        assert_eq!(agent.state.streams.get(), 1);
    });
}

#[test]
fn the_last_picture_holds_while_the_agent_is_away_and_warms_up() {
    local(async {
        let (a, b) = (Backend::named("a").await, Backend::named("b").await);
        let (_dir, socket, proxy) = following();
        let agent = Agent::start(&socket, picture(1, &[a.addr]));
        let addr = proxy.addrs()[0];
        assert_eq!(get(addr).await.text(), "a");
        agent.kill();
        for _ in 0..5 {
            assert_eq!(get(addr).await.text(), "a");
        }
        // Another life of the agent, which has met nobody yet.
        let new_life =
            |version, phase, backends: &[_]| Picture { epoch: 2, phase, ..picture(version, backends) };
        let agent = Agent::start(&socket, new_life(1, Phase::Warming, &[]));
        until("the proxy follows again", || agent.state.streams.get() == 1).await;
        until("it applies the new picture", || proxy.report().epoch == 2).await;
        assert_eq!(get(addr).await.text(), "a", "warming takes nothing away");
        agent.tell(new_life(2, Phase::Live, &[b.addr]));
        until("the delta is applied", || proxy.report().version == 2).await;
        assert_eq!(get(addr).await.text(), "b", "live does");
    });
}

/// A picture of an agent that anybody can join, in another life of it.
fn open(epoch: u64, version: u64, backends: &[std::net::SocketAddr]) -> Picture {
    Picture { epoch, terms: Terms { gossip: Gossip::Open, ..Terms::default() }, ..picture(version, backends) }
}

#[test]
fn a_proxy_whose_first_picture_strangers_may_have_drawn_says_why_it_cannot_begin() {
    local(async {
        let a = Backend::named("a").await;
        let (_dir, socket, proxy) = following();
        // The agent may come as late as it likes.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let _agent = Agent::start(&socket, open(1, 1, &[a.addr]));
        let why = tokio::time::timeout(Duration::from_secs(30), proxy.distrusts()).await.unwrap();
        assert_eq!(why, Distrust::Plaintext { socket });
        assert_eq!(get(proxy.addrs()[0]).await.status(), 503, "nothing of that picture is used");
        assert_eq!(a.seen.count(), 0);
    });
}

#[test]
fn an_agent_that_lost_its_key_is_not_followed_and_the_last_picture_holds() {
    local(async {
        let (a, stranger, b) =
            (Backend::named("a").await, Backend::named("stranger").await, Backend::named("b").await);
        let (_dir, socket, proxy) = following();
        let agent = Agent::start(&socket, picture(1, &[a.addr]));
        let addr = proxy.addrs()[0];
        assert_eq!(get(addr).await.text(), "a");
        agent.kill();
        let agent = Agent::start(&socket, open(2, 1, &[stranger.addr]));
        until("it is asked twice and more", || agent.state.streams.get() >= 2).await;
        assert_eq!(get(addr).await.text(), "a");
        assert_eq!(proxy.report().epoch, 1);
        agent.kill();
        // With its key again, and warming, so that it only adds: the stranger must not come with it.
        let sealed = Picture { epoch: 3, phase: Phase::Warming, ..picture(1, &[b.addr]) };
        let _agent = Agent::start(&socket, sealed);
        until("the sealed one is followed", || proxy.report().epoch == 3).await;
        for _ in 0..4 {
            assert_eq!(get(addr).await.text(), "b");
        }
        assert_eq!(stranger.seen.count(), 0);
        assert!(tokio::time::timeout(Duration::ZERO, proxy.distrusts()).await.is_err(), "it goes on");
    });
}

#[test]
fn a_proxy_with_a_rule_follows_only_an_agent_that_draws_by_it() {
    local(async {
        let (a, stranger) = (Backend::named("a").await, Backend::named("stranger").await);
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("muster.sock");
        let rule = Rule { ports: vec!["1-65535".parse().unwrap()], ..Rule::default() };
        let config = muster_proxy::Config {
            socket: socket.clone(),
            rules: [("web".into(), rule.clone())].into(),
            ..config()
        };
        let terms = |rule: &Rule| Terms { rules: [("web".into(), rule.clone())].into(), ..Terms::default() };
        let proxy = Proxy::start(config.clone()).unwrap();
        proxy.follow();
        let agent = Agent::start(&socket, Picture { terms: terms(&rule), ..picture(1, &[a.addr]) });
        assert_eq!(get(proxy.addrs()[0]).await.text(), "a");
        agent.kill();
        // Restarted without the configuration.
        let agent = Agent::start(&socket, Picture { epoch: 2, ..picture(1, &[stranger.addr]) });
        until("it is asked twice and more", || agent.state.streams.get() >= 2).await;
        assert_eq!(get(proxy.addrs()[0]).await.text(), "a");
        // Whoever begins with such an agent does not begin.
        let late = Proxy::start(config).unwrap();
        late.follow();
        let why = tokio::time::timeout(Duration::from_secs(30), late.distrusts()).await.unwrap();
        assert_eq!(why, Distrust::Rule { service: "web".into(), socket });
        assert_eq!(stranger.seen.count(), 0);
    });
}

#[test]
fn plaintext_in_so_many_words_is_followed() {
    local(async {
        let a = Backend::named("a").await;
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("muster.sock");
        let config = muster_proxy::Config { socket: socket.clone(), plaintext: true, ..config() };
        let proxy = Proxy::start(config).unwrap();
        proxy.follow();
        let _agent = Agent::start(&socket, open(1, 1, &[a.addr]));
        assert_eq!(get(proxy.addrs()[0]).await.text(), "a");
    });
}

#[test]
fn after_a_gap_the_proxy_asks_for_a_full_picture() {
    local(async {
        let (a, b) = (Backend::named("a").await, Backend::named("b").await);
        let (_dir, socket, proxy) = following();
        let agent = Agent::start(&socket, picture(1, &[a.addr]));
        let addr = proxy.addrs()[0];
        assert_eq!(get(addr).await.text(), "a");
        agent.state.picture.replace(picture(9, &[b.addr]));
        agent.send(&Update::Same { epoch: 1, version: 9 });
        until("it asks again", || agent.state.streams.get() == 2).await;
        until("it has the full picture", || proxy.report().version == 9).await;
        assert_eq!(get(addr).await.text(), "b");
    });
}

#[test]
fn the_agent_hears_at_once_when_a_withdrawn_backend_is_idle() {
    local(async {
        let old = Backend::script(|mut wire, _, seen| async move {
            while let Some(request) = wire.message().await {
                seen.requests.borrow_mut().push(request);
                seen.go.notified().await;
                wire.write(ok("old")).await;
            }
        })
        .await;
        let (_dir, socket, proxy) = following();
        let agent = Agent::start(&socket, picture(1, &[old.addr]));
        let mut slow = Wire::connect(proxy.addrs()[0]).await;
        slow.write(GET).await;
        until("the request is on its backend", || old.seen.count() == 1).await;
        agent.tell(picture_of(2, &[(old.addr, Standing::Withdrawn)]));
        let told = || agent.last_report().filter(|report| report.version == 2);
        until("the withdrawal is confirmed", || told().is_some_and(|report| in_flight(&report) == 1)).await;
        // The agent refuses a few; the news must arrive all the same.
        agent.state.refuse.set(3);
        old.seen.go.notify_one();
        assert_eq!(slow.message().await.unwrap().text(), "old");
        until("nothing in flight is reported", || told().is_some_and(|report| in_flight(&report) == 0)).await;
        assert_eq!(agent.state.refuse.get(), 0);
    });
}

#[test]
fn each_request_that_ends_on_a_withdrawn_backend_is_told_at_once() {
    local(async {
        let old = Backend::script(|mut wire, _, seen| async move {
            while let Some(request) = wire.message().await {
                seen.requests.borrow_mut().push(request);
                seen.go.notified().await;
                wire.write(ok("old")).await;
            }
        })
        .await;
        let (_dir, socket, proxy) = following();
        let agent = Agent::start(&socket, picture(1, &[old.addr]));
        let mut clients = Vec::new();
        for n in 1..=8 {
            let mut client = Wire::connect(proxy.addrs()[0]).await;
            client.write(GET).await;
            until("the request is on its backend", || old.seen.count() == n).await;
            clients.push(client);
        }
        agent.tell(picture_of(2, &[(old.addr, Standing::Withdrawn)]));
        let left =
            |n: u32| agent.last_report().is_some_and(|report| report.version == 2 && in_flight(&report) == n);
        until("the withdrawal is confirmed", || left(8)).await;
        let start = std::time::Instant::now();
        for n in (0..8).rev() {
            old.seen.go.notify_one();
            until("one less is reported", || left(n)).await;
        }
        // By the clock alone, eight reports take eight seconds.
        assert!(start.elapsed() < Duration::from_secs(6), "took {:?}", start.elapsed());
    });
}
