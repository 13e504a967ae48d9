//! A leave, followed one second later by the stop of the application, under 500 requests/s of which every fifth is a POST.

use crate::setup::{self, Trio};
use muster_e2e::load::Load;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::Duration;

const RUNS: u8 = 10;

pub(crate) async fn measure() -> Value {
    let mut accounts = Vec::new();
    for _ in 0..RUNS {
        let mut trio = Trio::start().await;
        let load = Load::start(&setup::plan(&trio.proxy.address, 5));
        load.passes(500).await;
        trio.agent.process.signal(Signal::TERM);
        // The second is the measurement itself, not a wait for something.
        tokio::time::sleep(Duration::from_secs(1)).await;
        trio.app.process.stop().await;
        trio.agent.process.stop().await;
        load.passes(1_000).await;
        accounts.push(setup::account(&load.stop().await));
    }
    let sum = |key: &str| accounts.iter().filter_map(|account| account[key].as_u64()).sum::<u64>();
    let figures =
        json!({ "runs": RUNS, "requests": sum("requests"), "failed": sum("failed"), "each": accounts });
    println!("requests {} failed {}", figures["requests"], figures["failed"]);
    figures
}
