//! gRPC through the balancer, by grpcio from PyPI on both sides.

use crate::rpc_clients::{program, python, text};
use muster_e2e::{Agent, AgentOptions, Hosts, Process, Proxy, wait_for};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const PACKAGES: [&str; 1] = ["grpcio==1.85.3"];

/// A server with its agent.
async fn backend(hosts: &Hosts, host: u8, name: &str, python: &Path) -> (Process, Agent) {
    let address = hosts.at(host, 3000);
    let mut command = Command::new(python);
    command.arg(program("grpc_server.py")).args([&address, name]);
    let server = Process::start(&format!("gRPC server {name}"), &mut command);
    wait_for(&format!("{name} listens"), || async {
        tokio::net::TcpStream::connect(&address).await.map(drop).map_err(|error| error.to_string())
    })
    .await;
    let options = AgentOptions::default().join(hosts.at(1, 7946)).tag("role=backend").tag("port=3000");
    (server, Agent::start(hosts, host, name, options))
}

async fn ready(agent: &Agent, count: usize) {
    wait_for("the balancer knows all servers", || async {
        let picture = agent.picture().await?;
        let known = picture.services.get("backend").map_or(0, |service| service.backends.len());
        if known == count { Ok(()) } else { Err(format!("{known} known")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_passes_whole_and_no_call_fails_when_a_server_ends() {
    let directory = TempDir::new().expect("a temporary directory can be made");
    let Some(python) = python(&directory, &PACKAGES) else { return };
    let hosts = Hosts::claim();
    let options = AgentOptions::default().tag("role=balancer").tag("balances=1");
    let balancer = Agent::start(&hosts, 1, "balancer", options);
    let mut proxy = Proxy::start_with(&hosts, 1, &balancer, &["--upstream-protocol", "h2c"]);
    let (mut first, first_agent) = backend(&hosts, 10, "s0", &python).await;
    let (_second, _second_agent) = backend(&hosts, 11, "s1", &python).await;
    ready(&balancer, 2).await;

    let calls = Command::new(&python).arg(program("grpc_client.py")).args(["calls", &proxy.address]).output();
    let calls = calls.expect("python runs");
    assert!(calls.status.success(), "{}\n{}", text(&calls), proxy.process.said());
    let mut seen: Value = serde_json::from_slice(&calls.stdout).expect("it prints JSON");
    let who = seen["who"].take();
    assert!(who == "s0" || who == "s1", "{who}");
    let wanted = json!({
        "answer": "hello",
        "who": null,
        "trailing": {"seen-bin": "00ff", "length": "5"},
        "large": true,
        "failed": ["NOT_FOUND", "asked to: 100 % ü"],
        "late": "DEADLINE_EXCEEDED",
        "down": 5000,
        "up": "499500",
        "both": true,
    });
    assert_eq!(seen, wanted);

    // One server ends under load, of its own and without a word to us; then its node leaves; then the balancer ends.
    let enough = directory.path().join("enough");
    let mut command = Command::new(&python);
    command.arg(program("grpc_client.py")).args(["load", &proxy.address]).arg(&enough);
    let mut load = Process::start("gRPC clients", &mut command);
    let in_flight = || async {
        let report = balancer.report().await?;
        let busy = report.backends.iter().filter(|backend| backend.in_flight > 0).count();
        if busy == 2 { Ok(()) } else { Err(format!("{busy} busy")) }
    };
    wait_for("both servers have calls", in_flight).await;
    let ended = first.stop().await;
    assert!(ended.success(), "{ended:?}: {}", first.said());
    drop(first_agent);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    std::fs::write(&enough, "").expect("the file can be written");
    assert!(load.ends().await.success(), "{}", load.said());
    let said = load.said();
    let line = said.lines().find(|line| line.starts_with('{')).unwrap_or_default();
    let seen: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!(seen["failed"], json!([]), "{}", proxy.process.said());
    // At most the one in flight of each thread, when that server ended.
    assert!(seen["cancelled"].as_u64().is_some_and(|count| count <= 8), "{seen}");
    for name in ["s0", "s1"] {
        assert!(seen["seen"][name].as_u64() > Some(0), "{seen}");
    }
    assert!(proxy.process.stop().await.success());
}
