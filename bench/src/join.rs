//! From starting a backend's agent (its application already listening, joining through the balancer) to its first proxied
//! request.

use crate::{results::spread_ms, rival, setup};
use muster_e2e::{Agent, Backend, Hosts};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

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
        ours.push(first_answer(&proxy.address, &name, started).await);
        agent.process.stop().await;
        balancer.sees(&name, "left").await;
        drop(app);
    }
    let theirs = rival::joins().await;
    let figures = json!({ "runs": RUNS, "muster": spread_ms(&ours), "serf_and_haproxy": theirs });
    println!("muster {}\nserf + haproxy {}", figures["muster"], figures["serf_and_haproxy"]);
    figures
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
