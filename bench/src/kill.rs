//! `kill -9` of one application together with its agent, under 500 GET/s over three backends.

use crate::results::spread_ms;
use crate::setup::{self, Trio};
use muster_e2e::Agent;
use muster_e2e::load::Load;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const RUNS: u8 = 10;

pub(crate) async fn measure() -> Value {
    let mut accounts = Vec::new();
    let mut until_none = Vec::new();
    for _ in 0..RUNS {
        let mut trio = Trio::start().await;
        let load = Load::start(&setup::plan(&trio.proxy.address, 0));
        load.passes(500).await;
        let killed = Instant::now();
        trio.app.process.kill();
        trio.agent.process.kill();
        until_none.push(last_attempt(&trio.balancer, "s12", killed).await);
        load.passes(1_000).await;
        accounts.push(setup::account(&load.stop().await));
    }
    let sum = |key: &str| accounts.iter().filter_map(|account| account[key].as_u64()).sum::<u64>();
    let figures = json!({
        "runs": RUNS, "requests": sum("requests"), "failed_get": sum("failed_get"),
        "last_attempt_on_the_dead_backend": spread_ms(&until_none), "each": accounts,
    });
    println!(
        "requests {} failed {} last attempt {}",
        figures["requests"], figures["failed_get"], figures["last_attempt_on_the_dead_backend"]
    );
    figures
}

/// Milliseconds after `killed` at which the proxy last sent a *request* to the dead backend, as its reports tell (their
/// resolution is the report interval); watched for five seconds.
async fn last_attempt(balancer: &Agent, name: &str, killed: Instant) -> f64 {
    let (mut seen, mut last) = (None, 0.0);
    while killed.elapsed() < Duration::from_secs(5) {
        if let Ok(report) = balancer.report().await {
            let requests =
                report.backends.iter().find(|backend| backend.node == name).map(|backend| backend.requests);
            if requests.is_some() && requests != seen {
                seen = requests;
                last = killed.elapsed().as_secs_f64() * 1e3;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    last
}
