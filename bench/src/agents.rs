//! Agents killed and restarted under load: a backend's twenty times, then the balancer's twenty times.

use crate::setup::{self, Trio};
use muster_e2e::load::Load;
use serde_json::{Value, json};

const RESTARTS: usize = 20;

pub(crate) async fn measure() -> Value {
    let mut trio = Trio::start().await;

    let load = Load::start(&setup::plan(&trio.proxy.address, 5));
    for _ in 0..RESTARTS {
        load.passes(250).await;
        trio.agent.process.kill();
        load.passes(250).await;
        trio.agent.restart();
        trio.agent.sees("balancer", "alive").await;
    }
    let of_backend = setup::account(&load.stop().await);
    println!("backend's agent: {of_backend}");

    let load = Load::start(&setup::plan(&trio.proxy.address, 5));
    for _ in 0..RESTARTS {
        load.passes(250).await;
        trio.balancer.process.kill();
        load.passes(250).await;
        trio.balancer.restart();
        for name in ["s10", "s11", "s12"] {
            trio.balancer.sees(name, "alive").await;
        }
    }
    let of_balancer = setup::account(&load.stop().await);
    println!("balancer's agent: {of_balancer}");
    json!({ "restarts": RESTARTS, "of_a_backends_agent": of_backend, "of_the_balancers_agent": of_balancer })
}
