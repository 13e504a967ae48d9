//! What the cluster says of itself: the balancer's agent is asked who is there, its proxy's report where requests go.
//!
//! Nothing here comes from the demo's own knowledge of what it started: a table that says `failed` says so because
//! gossip does.

use super::view::{Event, NodeView, Tone, clean};
use muster_control::client::Client;
use muster_control::routes::{FLEET_FOLLOW, FLEET_REPORTS, MEMBERS, MemberRow, Members};
use muster_fleet::{BackendReport, Report, Update};
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::{MissedTickBehavior, interval, sleep};

/// Between two looks when nothing changes.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// Rates are taken over this long.
const RATE_WINDOW: Duration = Duration::from_secs(4);
/// The proxy reports each second at least: a figure that does not move for longer stands still.
const REPORT_INTERVAL_MAX: Duration = Duration::from_millis(1_500);
/// Name of the balancer's node.
pub(crate) const BALANCER: &str = "balancer";

/// One look at the cluster from the balancer.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) members: Vec<MemberRow>,
    /// The proxy's last account; `None` before its first.
    pub(crate) report: Option<Report>,
}

/// Looks again and again, at once when the fleet changes; ends when nobody receives. An agent that does not answer is asked again.
pub(crate) async fn look_on(socket: PathBuf, looks: mpsc::Sender<Look>) {
    let client = Client::new(socket);
    let changed = Arc::new(Notify::new());
    let following = tokio::spawn(follow(client.clone(), Arc::clone(&changed)));
    let mut ticks = interval(LOOK_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = changed.notified() => {}
        }
        if let Some(look) = look(&client).await
            && looks.send(look).await.is_err()
        {
            following.abort();
            return;
        }
    }
}

/// Tells when the fleet has changed.
async fn follow(client: Client, changed: Arc<Notify>) {
    loop {
        if let Ok(mut updates) = client.lines::<Update>(FLEET_FOLLOW).await {
            while let Ok(Some(update)) = updates.next().await {
                if !matches!(update, Update::Same { .. }) {
                    changed.notify_one();
                }
            }
        }
        sleep(LOOK_INTERVAL).await;
    }
}

async fn look(client: &Client) -> Option<Look> {
    let Members { members } = client.get(MEMBERS).await.ok()?;
    let reports: Vec<Report> = client.get(FLEET_REPORTS).await.ok()?;
    Some(Look { members, report: reports.into_iter().find(|report| report.sink == "proxy") })
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    nodes: BTreeMap<String, Node>,
}

#[derive(Debug, Default)]
struct Node {
    view: NodeView,
    /// Requests so far, each time they had changed, over the last [`RATE_WINDOW`].
    samples: VecDeque<(Duration, u64)>,
    was_up: bool,
}

impl Watch {
    /// Takes in one look, made `at` this time since the start; what it changed, in words.
    pub(crate) fn see(&mut self, look: &Look, at: Duration) -> Vec<Event> {
        let mut told = Vec::new();
        for member in &look.members {
            let node = self.nodes.entry(member.name.clone()).or_insert_with(|| Node::new(member));
            told.extend(node.see_member(member));
            let report = look.report.as_ref();
            told.extend(match (report, node.view.is_balancer) {
                (Some(report), true) => node.see_balancer(report, at),
                _ => {
                    let mut backends = report.iter().flat_map(|report| &report.backends);
                    node.see_backend(backends.find(|backend| backend.node == member.name), at)
                }
            });
        }
        self.nodes.retain(|name, _| look.members.iter().any(|member| member.name == *name));
        told.into_iter().map(|(tone, text)| Event { at, tone, text }).collect()
    }

    /// Backends that get requests just now.
    pub(crate) fn up(&self) -> usize {
        self.nodes.values().filter(|node| node.view.backend == "up").count()
    }

    /// Requests that the proxy failed.
    pub(crate) fn failed(&self) -> u64 {
        self.nodes.values().filter(|node| node.view.is_balancer).map(|node| node.view.failures).sum()
    }

    /// The member's state, if it was ever seen.
    pub(crate) fn agent_state(&self, name: &str) -> Option<&str> {
        self.nodes.get(name).map(|node| node.view.agent.as_str())
    }

    /// The nodes: the balancer first, then by name, `s2` before `s10`.
    pub(crate) fn nodes(&self) -> Vec<NodeView> {
        let mut nodes: Vec<NodeView> = self.nodes.values().map(|node| node.view.clone()).collect();
        sort(&mut nodes);
        nodes
    }
}

/// The balancer first, then by name, `s2` before `s10`.
pub(crate) fn sort(nodes: &mut [NodeView]) {
    nodes.sort_by(|a, b| {
        let key = |node: &NodeView| (!node.is_balancer, node.name.len());
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    });
}

type Told = Option<(Tone, String)>;

impl Node {
    fn new(member: &MemberRow) -> Self {
        let is_balancer = member.name == BALANCER;
        let view = NodeView { name: clean(&member.name), is_balancer, ..NodeView::default() };
        Self { view, ..Self::default() }
    }

    fn see_member(&mut self, member: &MemberRow) -> Told {
        self.view.addr = address(member);
        let before = std::mem::replace(&mut self.view.agent, clean(&member.status));
        if before == self.view.agent {
            return None;
        }
        let name = &self.view.name;
        match self.view.agent.as_str() {
            "alive" if before.is_empty() => Some((Tone::Good, format!("{name} joined"))),
            "alive" => Some((Tone::Good, format!("{name} is back"))),
            "left" => Some((Tone::Plain, format!("{name} left"))),
            "failed" => Some((Tone::Bad, format!("{name} failed: its agent answers nobody"))),
            _ => None,
        }
    }

    fn see_balancer(&mut self, report: &Report, at: Duration) -> Told {
        self.view.in_flight = report.backends.iter().map(|backend| u64::from(backend.in_flight)).sum();
        self.view.failures = report.failed;
        self.count(report.requests, at);
        None
    }

    /// `None`: the proxy knows no such backend, or no more since its last request is done.
    fn see_backend(&mut self, report: Option<&BackendReport>, at: Duration) -> Told {
        let Some(report) = report else {
            self.view.in_flight = 0;
            self.count(self.view.requests, at);
            let before = std::mem::take(&mut self.view.backend);
            let name = &self.view.name;
            return (!before.is_empty())
                .then(|| (Tone::Good, format!("{name} drained: nothing in flight on it")));
        };
        self.view.in_flight = report.in_flight.into();
        self.view.failures = report.failures;
        self.count(report.requests, at);
        let before = std::mem::replace(&mut self.view.backend, clean(&report.state));
        if before == self.view.backend {
            return None;
        }
        let name = &self.view.name;
        // The evidence comes first; counts and times follow after semicolons.
        let why = report.why.as_deref().and_then(|why| why.split(';').next());
        let why = why.map(|why| format!(": {}", clean(why))).unwrap_or_default();
        match self.view.backend.as_str() {
            "up" if std::mem::replace(&mut self.was_up, true) => {
                Some((Tone::Good, format!("{name} gets requests again")))
            }
            "up" => Some((Tone::Good, format!("{name} gets requests"))),
            "ejected" => Some((Tone::Bad, format!("{name} ejected{why}"))),
            "demoted" => Some((Tone::Waiting, format!("{name} demoted: tried last"))),
            "draining" => Some((
                Tone::Waiting,
                format!("{name} drains: no new requests, {} in flight", report.in_flight),
            )),
            _ => None,
        }
    }

    fn count(&mut self, requests: u64, at: Duration) {
        if requests < self.view.requests {
            // The proxy was restarted and counts from zero.
            self.samples.clear();
        }
        self.view.requests = requests;
        // Between two reports we look several times: only a figure that moved is a new one.
        if self.samples.back().is_none_or(|(_, before)| *before != requests) {
            self.samples.push_back((at, requests));
        }
        while self.samples.get(1).is_some_and(|(then, _)| at.saturating_sub(*then) >= RATE_WINDOW) {
            self.samples.pop_front();
        }
        let (first_at, first) = self.samples.front().copied().unwrap_or((at, requests));
        let last_at = self.samples.back().map_or(at, |(last_at, _)| *last_at);
        let until = if at.saturating_sub(last_at) > REPORT_INTERVAL_MAX { at } else { last_at };
        let seconds = until.saturating_sub(first_at).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for the eye")]
        let grown = (requests - first) as f64;
        self.view.per_second = if seconds > 0.0 { grown / seconds } else { 0.0 };
    }
}

/// Where a backend's application answers, else the agent's address.
fn address(member: &MemberRow) -> String {
    let port = member.tags.get("port").and_then(|port| port.parse::<u16>().ok());
    let ip = member.addr.parse::<std::net::SocketAddr>().map(|addr| addr.ip());
    match (ip, port) {
        (Ok(ip), Some(port)) => std::net::SocketAddr::new(ip, port).to_string(),
        _ => clean(&member.addr),
    }
}

#[cfg(test)]
mod tests;
