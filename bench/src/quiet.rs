//! Ten mixed nodes, five minutes: nobody may be suspected into failure, nobody may flap.

use muster_e2e::{Agent, AgentOptions, Hosts, SerfAgent, serf_is_installed, wait_for};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const MINUTES: u64 = 5;

pub(crate) async fn measure() -> Value {
    assert!(serf_is_installed(), "this part needs Debian's package serf");
    let hosts = Hosts::claim();
    let seed = SerfAgent::start(&hosts, 1, "n1", &[]);
    seed.is_up().await;
    let serfs: Vec<SerfAgent> = (2..=5)
        .map(|host| SerfAgent::start(&hosts, host, &format!("n{host}"), &["-retry-join", &seed.address]))
        .collect();
    let agents: Vec<Agent> = (6..=10)
        .map(|host| {
            Agent::start(&hosts, host, &format!("n{host}"), AgentOptions::default().join(&seed.address))
        })
        .collect();
    for agent in &agents {
        for host in 1..=10 {
            agent.sees(&format!("n{host}"), "alive").await;
        }
    }
    wait_for("the reference knows all ten", || async {
        let alive = seed.members()?.members.iter().filter(|member| member.status == "alive").count();
        if alive == 10 { Ok(()) } else { Err(format!("{alive}")) }
    })
    .await;
    let began = Instant::now();
    let mut not_alive = Vec::new();
    while began.elapsed() < Duration::from_secs(60 * MINUTES) {
        for agent in &agents {
            let members = agent.members().await.map(|list| list.members).unwrap_or_default();
            not_alive.extend(members.into_iter().filter(|member| member.status != "alive"));
        }
        not_alive.extend(
            seed.members()
                .map(|list| list.members)
                .unwrap_or_default()
                .into_iter()
                .filter(|member| member.status != "alive"),
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let logs: Vec<String> = serfs.iter().chain([&seed]).map(|serf| serf.process.said()).collect();
    let count = |word: &str| logs.iter().map(|log| log.matches(word).count()).sum::<usize>();
    let figures = json!({
        "nodes": { "serf": 5, "muster": 5 }, "minutes": MINUTES, "observations_of_a_member_not_alive": not_alive.len(),
        "in_the_logs_of_serf": {
            "suspect": count("Suspect "), "failed": count("EventMemberFailed"), "refuting": count("Refuting"),
            "warnings": count("[WARN]"), "errors": count("[ERR]"),
            "first_errors": logs.iter().flat_map(|log| log.lines()).filter(|line| line.contains("[ERR]") || line.contains("[WARN]")).take(10).collect::<Vec<_>>(),
        },
    });
    println!("{figures:#}");
    figures
}
