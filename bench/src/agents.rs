//! Agents killed and restarted under load: a backend's twenty times, then the balancer's twenty times.

use crate::setup;
use muster_e2e::Hosts;
use muster_e2e::load::Load;
use serde_json::{Value, json};

const RESTARTS: usize = 20;

pub(crate) async fn measure() -> Value {
    let hosts = Hosts::claim();
    let (mut balancer, proxy) = setup::balancer(&hosts);
    let (_app, mut agent) = setup::backend(&hosts, 10).await;
    let _two = setup::backend(&hosts, 11).await;
    let _three = setup::backend(&hosts, 12).await;
    setup::are_up(&balancer, &["s10", "s11", "s12"]).await;

    let load = Load::start(&setup::plan(&proxy.address, 5));
    for _ in 0..RESTARTS {
        load.passes(250).await;
        agent.process.kill();
        load.passes(250).await;
        agent.restart();
        agent.sees("balancer", "alive").await;
    }
    let of_backend = setup::account(&load.stop().await);
    println!("backend's agent: {of_backend}");

    let load = Load::start(&setup::plan(&proxy.address, 5));
    for _ in 0..RESTARTS {
        load.passes(250).await;
        balancer.process.kill();
        load.passes(250).await;
        balancer.restart();
        for name in ["s10", "s11", "s12"] {
            balancer.sees(name, "alive").await;
        }
    }
    let of_balancer = setup::account(&load.stop().await);
    println!("balancer's agent: {of_balancer}");
    json!({ "restarts": RESTARTS, "of_a_backends_agent": of_backend, "of_the_balancers_agent": of_balancer })
}
