//! From starting a backend's agent (its application already listening, joining through the balancer) to its first proxied
//! request.

use crate::{results::spread_ms, rival, setup};
use muster_e2e::{Agent, Backend, Hosts};
use serde_json::{Value, json};
use std::time::Instant;

const RUNS: u8 = 20;

pub(crate) async fn measure() -> Value {
    let hosts = Hosts::claim();
    let (balancer, proxy) = setup::balancer(&hosts);
    let mut ours = Vec::new();
    for run in 0..RUNS {
        let host = 10 + run;
        let name = format!("s{host}");
        let app = Backend::start(&hosts, host, &name).await;
        let started = Instant::now();
        let mut agent = Agent::start(&hosts, host, &name, setup::joining(&hosts));
        ours.push(setup::first_answer(&proxy.address, &name, started).await);
        agent.process.stop().await;
        balancer.sees(&name, "left").await;
        drop(app);
    }
    let theirs = rival::joins().await;
    let figures = json!({ "runs": RUNS, "muster": spread_ms(&ours), "serf_and_haproxy": theirs });
    println!("muster {}\nserf + haproxy {}", figures["muster"], figures["serf_and_haproxy"]);
    figures
}
