//! The balancer's node started last, first and in the middle: how long until all backends answer through it, and whether any
//! request fails from the first success on.

use crate::setup::{self, first_answer};
use muster_e2e::Hosts;
use muster_e2e::load::Load;
use serde_json::{Value, json};
use std::time::Instant;

pub(crate) async fn measure() -> Value {
    let mut orders = Vec::new();
    for (order, before) in [("first", 0_u8), ("middle", 2), ("last", 3)] {
        let hosts = Hosts::claim();
        let mut backends = Vec::new();
        let mut front = None;
        let mut begun = Instant::now();
        for number in 0..=3 {
            if number == before {
                begun = Instant::now();
                front = Some(setup::balancer(&hosts));
            }
            if number < 3 {
                backends.push(setup::backend(&hosts, 10 + number).await);
            }
        }
        let (_agent, proxy) = front.expect("each order starts the balancer");
        let began_ms = first_answer(&proxy.address, "s10", begun).await;
        let load = Load::start(&setup::plan(&proxy.address, 5));
        for name in ["s11", "s12"] {
            first_answer(&proxy.address, name, begun).await;
        }
        let all_ms = begun.elapsed().as_secs_f64() * 1e3;
        load.passes(500).await;
        let account = setup::account(&load.stop().await);
        println!("balancer {order}: first answer {began_ms:.0} ms, all {all_ms:.0} ms, {account}");
        orders.push(json!({ "balancer": order, "first_answer_ms": began_ms.round(), "all_answer_ms": all_ms.round(), "load": account }));
    }
    json!(orders)
}
