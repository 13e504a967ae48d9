//! HAProxy as the reader of a group's first file: what it is told, and what it tells back.

use muster_fleet::{BackendReport, Picture, Report};
use muster_haproxy_driver::{Applied, Config, Driver, Failed, Load};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

/// Changes that are told by name; the rest by number.
const CHANGES_TOLD: usize = 8;

/// HAProxy's status in the words of reports.
fn state(load: &Load) -> &'static str {
    match load.status.split([' ', '(']).next().unwrap_or_default() {
        // "no check": it is believed.
        "UP" | "no" | "NOLB" => "up",
        "DOWN" => "ejected",
        _ if load.in_flight > 0 => "draining",
        _ => "withdrawn",
    }
}

/// One HAProxy.
#[derive(Debug)]
pub(super) struct Haproxy {
    driver: Driver,
    /// Whether it ran when it was last steered.
    is_running: bool,
    /// Whose server an address was last, for servers that a template names otherwise than their nodes.
    nodes: Mutex<BTreeMap<SocketAddr, String>>,
}

impl Haproxy {
    pub(super) fn new(config: Config) -> Self {
        Self { driver: Driver::new(config), is_running: false, nodes: Mutex::default() }
    }

    /// Takes note of what its file has: before and after that is replaced.
    pub(super) fn look(&mut self) {
        self.driver.look();
    }

    /// Brings it to `text`; what was done, in words.
    pub(super) async fn steer(&mut self, text: &str) -> Result<String, Failed> {
        let applied = self.driver.apply(text).await?;
        self.is_running = applied != Applied::NotRunning;
        Ok(match applied {
            Applied::Nothing => "runs what is wanted".to_owned(),
            Applied::Changed(changes) => {
                let more = changes.len().saturating_sub(CHANGES_TOLD);
                let told = changes[..changes.len() - more].join("; ");
                if more > 0 { format!("{told}; and {more} more") } else { told }
            }
            Applied::Reloaded(why) => format!("reloaded, because {why}"),
            Applied::NotRunning => "does not run; it reads the file when it starts".to_owned(),
            Applied::Shadow(plan) => format!("would: {plan}"),
        })
    }

    /// Reloads, and changes without one.
    pub(super) fn counts(&self) -> (u64, u64) {
        self.driver.counts()
    }

    /// Newcomers that have waited for long, and why.
    pub(super) fn waiting(&self) -> Vec<String> {
        self.driver.waiting()
    }

    /// Goes on with what takes time: when to call again, and whether HAProxy has to be brought to what is wanted again.
    pub(super) async fn tend(&mut self) -> (Duration, bool) {
        let next = self.driver.tend().await;
        (next, self.driver.has_strayed().await)
    }

    /// Nothing while it does not run: who asks whether requests are in flight is not told that none are.
    pub(super) async fn report(&self, sink: String, picture: &Picture) -> Option<Report> {
        if !self.is_running {
            // One that has just come may have read an older file.
            return None;
        }
        let loads = self.driver.loads().await.ok()?;
        let mut nodes = self.nodes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        nodes.extend(picture.backends().map(|(_, node, backend)| (backend.addr, node.to_owned())));
        let node = |load: &Load| {
            let by_address = load.address.and_then(|addr| nodes.get(&addr));
            by_address.unwrap_or(&load.name.server).clone()
        };
        let backends: Vec<BackendReport> = loads
            .iter()
            .map(|load| BackendReport {
                service: load.name.backend.clone(),
                node: node(load),
                state: state(load).to_owned(),
                in_flight: load.in_flight,
                requests: load.requests,
                failures: load.failures,
                why: load.check.clone().filter(|_| load.status.starts_with("DOWN")),
            })
            .collect();
        // Bounded by those who have a server or a backend.
        let known: BTreeSet<SocketAddr> = loads.iter().filter_map(|load| load.address).collect();
        let is_known = |addr: &SocketAddr| {
            known.contains(addr) || picture.backends().any(|(_, _, backend)| backend.addr == *addr)
        };
        if nodes.len() > 2 * (known.len() + 16) {
            nodes.retain(|addr, _| is_known(addr));
        }
        drop(nodes);
        Some(Report {
            sink,
            epoch: picture.epoch,
            version: picture.version,
            requests: loads.iter().map(|load| load.requests).sum(),
            failed: loads.iter().map(|load| load.failures).sum(),
            failed_unsafe: 0,
            retried: 0,
            backends,
            services: Vec::new(),
            log_lines_lost: 0,
        })
    }
}
