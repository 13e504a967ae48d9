//! One test's HAProxy, what it is to run, and who drives it.

use muster_e2e::load::Loads;
use muster_e2e::{Haproxy, Hosts, Origin, Release, wait_for};
use muster_haproxy_driver::{Applied, Config, Driver, Failed, Reload};
use std::fs;
use std::time::Duration;

const HEAD: &str = "global
    maxconn 2000
    stats socket DIR/admin.sock level admin expose-fd listeners
    server-state-file DIR/state
defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    retries 3
    option redispatch
    load-server-state-from-file global
    default-server check inter 300ms
";

/// One test's HAProxy, what it is to run, and who drives it.
pub(super) struct Bench {
    pub(super) hosts: Hosts,
    pub(super) haproxy: Haproxy,
    pub(super) driver: Driver,
    pub(super) old_workers_max: usize,
    pub(super) is_shadow: bool,
}

impl Bench {
    /// With its first servers, which answer.
    pub(super) async fn start(release: &Release, servers: &[(&str, u8)]) -> (Self, Vec<Origin>) {
        let hosts = Hosts::claim();
        let mut origins = Vec::new();
        for (name, host) in servers {
            origins.push(Origin::start(&hosts.at(*host, 3000), name).await);
        }
        let text = text(&hosts, servers);
        let haproxy = Haproxy::start(release, &text).await;
        let (old_workers_max, is_shadow) = (8, false);
        let driver = Driver::new(config(&haproxy, old_workers_max, is_shadow));
        let mut bench = Self { hosts, haproxy, driver, old_workers_max, is_shadow };
        let mut up: Vec<String> = servers.iter().map(|(name, _)| format!("{name} UP")).collect();
        up.sort();
        bench.reaches(&up.iter().map(String::as_str).collect::<Vec<_>>()).await;
        (bench, origins)
    }

    /// Another life of the driver.
    pub(super) fn drive_anew(&mut self) {
        self.driver = Driver::new(config(&self.haproxy, self.old_workers_max, self.is_shadow));
    }

    pub(super) fn text(&self, servers: &[(&str, u8)]) -> String {
        text(&self.hosts, servers).replace("DIR/", &self.haproxy.path("").display().to_string())
    }

    /// Puts the file in its place, as the one who makes it does.
    pub(super) fn put(&mut self, text: &str) {
        self.driver.look();
        let path = |name| self.haproxy.path(name);
        fs::write(path("new"), text).expect("it can be written");
        fs::rename(path("new"), path("haproxy.cfg")).expect("it can be put there");
        self.driver.look();
    }

    pub(super) async fn bring(&mut self, text: &str) -> Result<Applied, Failed> {
        self.put(text);
        self.driver.apply(text).await
    }

    pub(super) async fn origin(&self, name: &str, host: u8) -> Origin {
        Origin::start(&self.hosts.at(host, 3000), name).await
    }

    /// The line of a server in HAProxy's own words, which end with its port.
    pub(super) fn state(&self, server: &str) -> String {
        let states = self.haproxy.ask("show servers state web").unwrap_or_default();
        let line = states.lines().find(|line| line.contains(&format!(" {server} "))).unwrap_or_default();
        format!("{line} ")
    }

    /// Tends until HAProxy's servers are these, `NAME STATUS`.
    pub(super) async fn reaches(&mut self, wanted: &[&str]) {
        let (driver, haproxy) = (tokio::sync::Mutex::new(&mut self.driver), &self.haproxy);
        wait_for(&format!("HAProxy has {wanted:?}"), || async {
            driver.lock().await.tend().await;
            let servers = haproxy.servers();
            if servers == wanted { Ok(()) } else { Err(format!("{servers:?}; {}", haproxy.said())) }
        })
        .await;
    }
}

pub(super) fn text(hosts: &Hosts, servers: &[(&str, u8)]) -> String {
    let mut text =
        format!("{HEAD}frontend f\n    bind {}\n    default_backend web\nbackend web\n", hosts.at(1, 8080));
    for (name, host) in servers {
        text.push_str(&format!("    server {name} {}\n", hosts.at(*host, 3000)));
    }
    text
}

pub(super) fn config(haproxy: &Haproxy, old_workers_max: usize, is_shadow: bool) -> Config {
    Config {
        file: haproxy.path("haproxy.cfg"),
        socket: haproxy.path("admin.sock"),
        reload: Reload::Master(haproxy.path("master.sock")),
        is_shadow,
        reload_within: Duration::from_secs(30),
        // For ever, unless a test is about it.
        checked_after: Duration::from_secs(1000),
        old_workers_max,
    }
}

pub(super) fn loads(hosts: &Hosts) -> Loads {
    Loads::start(&hosts.at(1, 8080), 200)
}

pub(super) async fn nobody_failed(loads: Loads, haproxy: &Haproxy) -> usize {
    let (all, failed) = loads.stop().await;
    assert!(failed.is_empty(), "{} of {all}: {failed:#?}\n{}", failed.len(), haproxy.said());
    all
}

pub(super) fn why_reloaded(applied: Result<Applied, Failed>) -> String {
    match applied {
        Ok(Applied::Reloaded(why)) => why,
        other => panic!("no reload: {other:?}"),
    }
}

/// One request that is held, and its answer.
pub(super) async fn hold(front: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(front).await.expect("it listens");
    stream
        .write_all(b"GET /hold HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .expect("it takes it");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    answer
}
