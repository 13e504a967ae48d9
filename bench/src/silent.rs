//! A backend that accepts connections and never answers, beside two that do.

use crate::setup;
use muster_e2e::load::Load;
use muster_e2e::{Agent, Hosts};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) async fn measure() -> Value {
    let hosts = Hosts::claim();
    let (balancer, proxy) = setup::balancer(&hosts);
    let _one = setup::backend(&hosts, 10).await;
    let _two = setup::backend(&hosts, 11).await;
    setup::are_up(&balancer, &["s10", "s11"]).await;
    let load = Load::start(&setup::plan(&proxy.address, 0));
    load.passes(500).await;
    let listener = TcpListener::bind(hosts.at(12, 3000)).await.expect("the address is ours");
    let mute = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    let _agent = Agent::start(&hosts, 12, "s12", setup::joining(&hosts));
    balancer.sees("s12", "alive").await;
    // Long enough for several response timeouts of the proxy's default.
    load.passes(500 * 60).await;
    let report = balancer.report().await.ok();
    let account = setup::account(&load.stop().await);
    mute.abort();
    println!("{account}");
    json!({ "load": account, "report": report })
}
