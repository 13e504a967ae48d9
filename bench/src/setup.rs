//! The cluster every part begins with.

use muster_e2e::load::{Outcome, Plan, failures};
use muster_e2e::{Agent, AgentOptions, Backend, Hosts, Proxy, wait_for};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A balancer on host 1: agent and proxy.
pub(crate) fn balancer(hosts: &Hosts) -> (Agent, Proxy) {
    let agent =
        Agent::start(hosts, 1, "balancer", AgentOptions::default().tag("role=balancer").tag("balances=1"));
    let proxy = Proxy::start(hosts, 1, &agent);
    (agent, proxy)
}

/// How a backend's agent is started: joins through the balancer.
pub(crate) fn joining(hosts: &Hosts) -> AgentOptions {
    AgentOptions::default().join(hosts.at(1, 7946)).tag("role=backend").tag("port=3000")
}

/// A backend: the application, then its agent.
pub(crate) async fn backend(hosts: &Hosts, host: u8) -> (Backend, Agent) {
    let name = format!("s{host}");
    let app = Backend::start(hosts, host, &name).await;
    (app, Agent::start(hosts, host, &name, joining(hosts)))
}

/// A balancer, two backends that stay, and one that will go.
pub(crate) struct Trio {
    /// The balancer's agent.
    pub(crate) balancer: Agent,
    /// Its proxy.
    pub(crate) proxy: Proxy,
    /// The application that will go, `s12`.
    pub(crate) app: Backend,
    /// Its agent.
    pub(crate) agent: Agent,
    _stay: [(Backend, Agent); 2],
    _hosts: Hosts,
}

impl Trio {
    /// Started, and all three up.
    pub(crate) async fn start() -> Self {
        let hosts = Hosts::claim();
        let (balancer, proxy) = balancer(&hosts);
        let stay = [backend(&hosts, 10).await, backend(&hosts, 11).await];
        let (app, agent) = backend(&hosts, 12).await;
        are_up(&balancer, &["s10", "s11", "s12"]).await;
        Self { balancer, proxy, app, agent, _stay: stay, _hosts: hosts }
    }
}

/// Waits until the proxy reports these backends as up.
pub(crate) async fn are_up(agent: &Agent, names: &[&str]) {
    wait_for("all backends are up", || async {
        let report = agent.report().await?;
        let up =
            |name: &str| report.backends.iter().any(|backend| backend.node == name && backend.state == "up");
        if names.iter().all(|name| up(name)) { Ok(()) } else { Err(format!("{:?}", report.backends)) }
    })
    .await;
}

/// The load the parts share: 500 requests a second.
pub(crate) fn plan(address: &str, post_every: u64) -> Plan {
    Plan { address: address.to_owned(), per_second: 500, post_every, connections: 50, closes: false }
}

/// Requests, and failures with their reasons.
pub(crate) fn account(outcomes: &[Outcome]) -> Value {
    let failed = failures(outcomes);
    let slowest = outcomes.iter().map(|outcome| (outcome.ended - outcome.due).as_secs_f64() * 1e3);
    json!({
        "requests": outcomes.len(),
        "failed": failed.len(),
        "failed_get": failed.iter().filter(|line| line.starts_with("GET")).count(),
        "first_reasons": failed.iter().take(10).collect::<Vec<_>>(),
        "slowest_ms": slowest.fold(0.0, f64::max).round(),
    })
}

/// Milliseconds from `started` until a request through `address` is answered by `name`.
pub(crate) async fn first_answer(address: &str, name: &str, started: Instant) -> f64 {
    let wanted = format!("\"host\":\"{name}\"");
    loop {
        if let Ok(Ok(text)) = tokio::time::timeout(Duration::from_secs(2), get(address)).await
            && text.contains(&wanted)
        {
            return started.elapsed().as_secs_f64() * 1e3;
        }
        assert!(started.elapsed() < muster_e2e::PATIENCE, "{name} never answered through {address}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn get(address: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())
        .await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}
