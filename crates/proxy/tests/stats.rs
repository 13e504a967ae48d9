//! What tools find, and that nothing of it is in the way of traffic.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use muster_proxy::{At, Proxy, Stats, StatsLevel, StatsPage, StatsSocket};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

struct Tools {
    folder: tempfile::TempDir,
}

impl Tools {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn stats(&self) -> Stats {
        let page = StatsPage {
            uri: "/".into(),
            hides_version: false,
            auth: Vec::new(),
            realm: None,
            refresh: None,
            is_admin: false,
        };
        let at = |name| At::Unix { path: self.path(name), mode: Some(0o600) };
        Stats {
            sockets: vec![StatsSocket { at: at("admin.sock"), level: StatsLevel::Admin }],
            pages: vec![(at("page.sock"), page)],
            ..Stats::default()
        }
    }

    fn proxy(&self, backends: &[SocketAddr]) -> (Proxy, SocketAddr) {
        proxy_with(muster_proxy::Config { stats: Some(self.stats()), ..config() }, &picture(1, backends))
    }

    async fn ask(&self, line: &str) -> String {
        ask_at(&self.path("admin.sock"), line).await
    }
}

async fn ask_at(path: &Path, line: &str) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).await.unwrap();
    told
}

/// Who answers, asked often enough that each would.
async fn answering(addr: SocketAddr) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for _ in 0..12 {
        names.insert(get(addr).await.text());
    }
    names
}

fn named(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn an_operators_word_holds_over_pictures_and_until_it_is_taken_back() {
    local(async {
        let tools = Tools::new();
        let (a, b) = (Backend::named("a").await, Backend::named("b").await);
        let addrs = [a.addr, b.addr];
        let (proxy, addr) = tools.proxy(&addrs);
        assert_eq!(answering(addr).await, named(&["a", "b"]));
        for line in ["set server web/n0 state drain", "disable server web/n0"] {
            assert_eq!(tools.ask(line).await, "\n");
            assert_eq!(answering(addr).await, named(&["b"]), "{line}");
            proxy.apply(&picture(2, &addrs));
            assert_eq!(answering(addr).await, named(&["b"]), "{line}");
            assert_eq!(tools.ask("set server web/n0 state ready").await, "\n");
            assert_eq!(answering(addr).await, named(&["a", "b"]), "{line}");
        }
        assert_eq!(tools.ask("set server web/n1 weight 0").await, "\n");
        assert_eq!(answering(addr).await, named(&["a"]));
        assert_eq!(tools.ask("set server web/n1 weight 100%;get weight web/n1").await, "\n1 (initial 1)\n\n");
        assert_eq!(answering(addr).await, named(&["a", "b"]));
        // Where it is is gossip's affair.
        let refused = tools.ask("set server web/n0 addr 127.0.0.1 port 1").await;
        assert!(refused.contains("comes by gossip"), "{refused}");
    });
}

#[test]
fn the_last_one_that_is_drained_gets_nothing() {
    local(async {
        let tools = Tools::new();
        let a = Backend::named("a").await;
        let (proxy, addr) = tools.proxy(&[a.addr]);
        assert_eq!(get(addr).await.status(), 200);
        tools.ask("set server web/n0 state drain").await;
        assert_eq!(get(addr).await.status(), 503);
        let stat = tools.ask("show stat web 2 -1").await;
        assert!(stat.contains(",DOWN,0,0,0,"), "{stat}");
        proxy.apply(&picture(2, &[]));
        assert!(
            tools.ask("show stat web 2 -1").await.contains(",DOWN,0,0,0,"),
            "a service without members serves nobody"
        );
    });
}

#[test]
fn what_was_counted_is_shown_and_cleared() {
    local(async {
        let tools = Tools::new();
        let a = Backend::named("a").await;
        let (proxy, addr) = tools.proxy(&[a.addr]);
        for _ in 0..3 {
            get(addr).await;
        }
        until("all are over", || {
            proxy.counts().backends.iter().any(|(_, _, tally)| tally.duration.count() == 3)
        })
        .await;
        let column = |told: String, name: &str| -> Vec<String> {
            let mut lines = told.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
            let at = lines.next().unwrap().iter().position(|column| column == name).unwrap();
            lines.filter_map(|line| line.get(at).cloned()).collect()
        };
        assert_eq!(column(tools.ask("show stat").await, "hrsp_2xx"), ["3", "3", "3"]);
        assert_eq!(column(tools.ask("show stat").await, "stot"), ["3", "3", "3"]);
        assert_eq!(tools.ask("clear counters").await, "\n");
        assert_eq!(
            column(tools.ask("show stat").await, "hrsp_2xx"),
            ["3", "3", "3"],
            "the highest values alone"
        );
        assert_eq!(column(tools.ask("show stat").await, "rate_max")[1], "0");
        assert_eq!(tools.ask("clear counters all").await, "\n");
        assert_eq!(column(tools.ask("show stat").await, "hrsp_2xx"), ["0", "0", "0"]);
        get(addr).await;
        until("it is over", || proxy.counts().backends[0].2.duration.count() == 4).await;
        assert_eq!(column(tools.ask("show stat").await, "hrsp_2xx"), ["1", "1", "1"]);
        assert_eq!(proxy.counts().backends[0].2.statuses[1], 4, "others still see all");
    });
}

#[test]
fn a_tool_that_takes_nothing_is_cut_and_keeps_nobody_waiting() {
    local(async {
        let tools = Tools::new();
        let a = Backend::named("a").await;
        // Most of these are nobody: answers are long.
        let mut addrs = vec![a.addr];
        addrs.extend((1..3000_u32).map(|nth| {
            let [_, _, high, low] = nth.to_be_bytes();
            SocketAddr::from(([127, 9, high, low], 9))
        }));
        let stats = Stats { timeout: Duration::from_millis(500), ..tools.stats() };
        let config = muster_proxy::Config { stats: Some(stats), ..config() };
        let (_proxy, addr) = proxy_with(config, &picture(1, &addrs));
        let mut lazy = UnixStream::connect(tools.path("admin.sock")).await.unwrap();
        lazy.write_all(b"prompt\n").await.unwrap();
        for _ in 0..20 {
            lazy.write_all(b"show stat\n").await.unwrap();
        }
        for _ in 0..50 {
            assert_eq!(get(addr).await.text(), "a");
        }
        // What was in the kernel's hands is left; the rest never comes.
        let mut told = Vec::new();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let _ = lazy.read_to_end(&mut told).await;
        let whole = tools.ask("show stat").await.len();
        assert!(told.len() < 20 * whole, "{} of {}", told.len(), 20 * whole);
    });
}

#[test]
fn a_frontend_that_is_disabled_lets_its_clients_wait() {
    local(async {
        let tools = Tools::new();
        let a = Backend::named("a").await;
        let (_proxy, addr) = tools.proxy(&[a.addr]);
        assert_eq!(tools.ask("disable frontend web").await, "\n");
        assert!(tools.ask("show stat").await.contains("web,FRONTEND,"), "it is there");
        assert!(tools.ask("show stat web 1 -1").await.contains(",PAUSED,"));
        let waiting = tokio::task::spawn_local(get(addr));
        assert_eq!(tools.ask("disable frontend web").await, "All sockets are already disabled.\n\n");
        assert!(!waiting.is_finished());
        assert_eq!(tools.ask("enable frontend web").await, "\n");
        assert_eq!(waiting.await.unwrap().status(), 200);
    });
}

#[test]
fn the_page_at_an_address_of_its_own_is_nothing_else() {
    local(async {
        let tools = Tools::new();
        let a = Backend::named("a").await;
        let (proxy, _) = tools.proxy(&[a.addr]);
        let mut client = Wire::new(UnixStream::connect(tools.path("page.sock")).await.unwrap());
        client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let page = client.message().await.unwrap();
        assert_eq!(page.status(), 200);
        assert!(page.text().contains("id=\"web/n0\""), "{}", page.text());
        client.write("HEAD /;csv HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert_eq!(client.head().await.unwrap().status(), 200);
        // It only shows.
        client
            .write(
                "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 27\r\n\r\nb=web&s=n0&action=maintain!",
            )
            .await;
        let told = client.message().await.unwrap();
        assert_eq!((told.status(), told.field("location")), (303, Some("/;st=DENY")));
        client.write("DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert_eq!(client.message().await.unwrap().status(), 405);
        assert_eq!(proxy.counts().frontends[0].1.sessions_total, 0, "nobody counts it as a client");
    });
}

#[test]
fn the_next_proxy_may_listen_there_while_the_last_one_drains() {
    local(async {
        let tools = Tools::new();
        let a = Backend::named("a").await;
        let (proxy, addr) = tools.proxy(&[a.addr]);
        let mut client = Wire::connect(addr).await;
        client.write("GET / HTTP/1.1\r\n").await;
        until("it is a client", || proxy.counts().frontends[0].1.sessions.current == 1).await;
        let stopping = tokio::task::spawn_local(async move { proxy.stop(Duration::from_secs(60)).await });
        let path = tools.path("admin.sock");
        until("the socket is free", || !path.exists()).await;
        let (_next, _) = tools.proxy(&[a.addr]);
        let info = tools.ask("show info").await;
        assert!(info.contains("Stopping: 0\n") && info.contains("CurrConns: 0\n"), "{info}");
        client.write("Host: test\r\n\r\n").await;
        assert_eq!(client.message().await.unwrap().status(), 200);
        stopping.await.unwrap();
    });
}
