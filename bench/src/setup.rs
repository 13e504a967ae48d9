//! The cluster every part begins with.

use muster_e2e::load::{Outcome, Plan, failures};
use muster_e2e::{Agent, AgentOptions, Backend, Hosts, Proxy, wait_for};
use serde_json::{Value, json};

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
    Plan { address: address.to_owned(), per_second: 500, post_every, connections: 50 }
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
