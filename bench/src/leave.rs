//! A leave, followed one second later by the stop of the application, under 500 requests/s of which every fifth is a POST.

use crate::setup;
use muster_e2e::Hosts;
use muster_e2e::load::Load;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::Duration;

const RUNS: u8 = 10;

pub(crate) async fn measure() -> Value {
    let mut accounts = Vec::new();
    for _ in 0..RUNS {
        let hosts = Hosts::claim();
        let (balancer, proxy) = setup::balancer(&hosts);
        let _one = setup::backend(&hosts, 10).await;
        let _two = setup::backend(&hosts, 11).await;
        let (mut app, mut agent) = setup::backend(&hosts, 12).await;
        setup::are_up(&balancer, &["s10", "s11", "s12"]).await;
        let load = Load::start(&setup::plan(&proxy.address, 5));
        load.passes(500).await;
        agent.process.signal(Signal::TERM);
        // The second is the measurement itself, not a wait for something.
        tokio::time::sleep(Duration::from_secs(1)).await;
        app.process.stop().await;
        agent.process.stop().await;
        load.passes(1_000).await;
        accounts.push(setup::account(&load.stop().await));
    }
    let sum = |key: &str| accounts.iter().filter_map(|account| account[key].as_u64()).sum::<u64>();
    let figures =
        json!({ "runs": RUNS, "requests": sum("requests"), "failed": sum("failed"), "each": accounts });
    println!("requests {} failed {}", figures["requests"], figures["failed"]);
    figures
}
