//! What programs read over TCP: metrics and health, which follow a group of templates that fails and recovers.

use muster_e2e::{Agent, AgentOptions, Hosts, exchange, wait_for};
use std::fs;

fn get(address: &str, path: &str) -> String {
    exchange(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n")).unwrap_or_default()
}

async fn answers(address: &str, path: &str, start: &str, words: &str) {
    wait_for(&format!("{path} says {words:?}"), || async {
        let said = get(address, path);
        if said.starts_with(start) && said.contains(words) { Ok(()) } else { Err(said) }
    })
    .await;
}

#[tokio::test]
async fn metrics_and_health_follow_what_happens() {
    let hosts = Hosts::claim();
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let at = hosts.at(1, 9097);
    let config = format!(
        "[admin]\nlisten = {at:?}\n[templates.web]\nfiles = {{ {:?} = {:?} }}\n",
        path("file"),
        path("file.hb")
    );
    fs::write(path("muster.toml"), config).expect("the configuration can be written");
    fs::write(path("file.hb"), "{{#each addresses}}{{host}} {{/each}}").expect("the template can be written");
    let options = AgentOptions::default().flag("--config").flag(&path("muster.toml"));
    let first = Agent::start(&hosts, 1, "first", options);
    let joining = AgentOptions::default().join(hosts.at(1, 7946)).tag("role=backend");
    let mut second = Agent::start(&hosts, 2, "second", joining);

    answers(&at, "/metrics", "HTTP/1.1 200", "\nmuster_members{state=\"alive\"} 2\n").await;
    answers(&at, "/metrics", "HTTP/1.1 200", "\nmuster_backends{service=\"backend\",standing=\"ready\"} 1\n")
        .await;
    answers(&at, "/metrics", "HTTP/1.1 200", "\nmuster_templates_right{group=\"web\"} 1\n").await;
    assert!(get(&at, "/metrics").contains("content-type: application/openmetrics-text; version=1.0.0"));
    for page in ["/livez", "/readyz", "/healthz"] {
        answers(&at, page, "HTTP/1.1 200", "[+] agent: ").await;
    }
    first.run(&["health"]).expect("nothing is wrong");

    // What is wrong is told, by each of them, until it is mended. Nothing but what it touches is ill.
    fs::write(path("file.hb"), "{{#each addresses}}").expect("the template can be written");
    second.process.stop().await;
    answers(&at, "/healthz", "HTTP/1.1 503", "[-] templates web: ").await;
    answers(&at, "/metrics", "HTTP/1.1 200", "\nmuster_templates_right{group=\"web\"} 0\n").await;
    answers(&at, "/metrics", "HTTP/1.1 200", "\nmuster_members{state=\"left\"} 1\n").await;
    answers(&at, "/readyz", "HTTP/1.1 200", "[+] fleet: well").await;
    let said = first.run(&["health"]).expect_err("a template is broken");
    assert!(said.contains("templates web: ") && said.contains("agent: well"), "{said}");
    fs::write(path("file.hb"), "whole").expect("the template can be written");
    answers(&at, "/healthz", "HTTP/1.1 200", "[+] templates web: well").await;
    first.run(&["health"]).expect("nothing is wrong any more");

    // Web pages of others neither change nor read anything.
    let post = format!("POST /metrics HTTP/1.1\r\nHost: {at}\r\nContent-Length: 0\r\n\r\n");
    let rebound = "GET /metrics HTTP/1.1\r\nHost: evil.example:9097\r\n\r\n";
    for asked in [post.as_str(), rebound] {
        let said = exchange(&at, asked).expect("it is answered");
        assert!(said.starts_with("HTTP/1.1 403") && !said.contains("muster_members"), "{said}");
    }
    let said = get(&at, "/api/v1/keys");
    assert!(said.starts_with("HTTP/1.1 404"), "the API is not there: {said}");
}
