//! The first journey: backends in any order, and requests find exactly those that are alive.

use muster_e2e::load::{Load, Plan, failures};
use muster_e2e::{Agent, AgentOptions, Backend, Hosts, Proxy, SerfAgent, reference_is_here, wait_for};
use std::process::Command;

fn balancer(hosts: &Hosts) -> (Agent, Proxy) {
    let agent =
        Agent::start(hosts, 1, "balancer", AgentOptions::default().tag("role=balancer").tag("balances=1"));
    let proxy = Proxy::start(hosts, 1, &agent);
    (agent, proxy)
}

async fn backend(hosts: &Hosts, host: u8, name: &str) -> (Backend, Agent) {
    let app = Backend::start(hosts, host, name).await;
    let options = AgentOptions::default().join(hosts.at(1, 7946)).tag("role=backend").tag("port=3000");
    (app, Agent::start(hosts, host, name, options))
}

fn plan(proxy: &Proxy) -> Plan {
    Plan { address: proxy.address.clone(), per_second: 200, post_every: 5, connections: 20, closes: false }
}

/// One GET through the balancer: the node that answered.
async fn ask(address: &str) -> Result<String, String> {
    let output = tokio::process::Command::new("curl")
        .args(["--silent", "--max-time", "10", &format!("http://{address}/")])
        .output()
        .await
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|_| format!("answered {text:?}"))?;
    json["host"].as_str().map(str::to_owned).ok_or(text)
}

async fn is_served_by(proxy: &Proxy, name: &str) {
    wait_for(&format!("requests reach {name}"), || async {
        let host = ask(&proxy.address).await?;
        if host == name { Ok(()) } else { Err(format!("{host} answered")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_balancer_may_start_first_last_or_in_the_middle() {
    for balancer_after in 0..=2 {
        let hosts = Hosts::claim();
        let mut started = Vec::new();
        let mut front = None;
        for number in 0..=2_u8 {
            if usize::from(number) == balancer_after {
                front = Some(balancer(&hosts));
            }
            if number < 2 {
                started.push(backend(&hosts, 10 + number, &format!("s{number}")).await);
            }
        }
        let (_agent, proxy) = front.expect("the balancer is started in each order");
        is_served_by(&proxy, "s0").await;
        is_served_by(&proxy, "s1").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leave_followed_by_the_stop_of_the_app_fails_no_request_of_any_method() {
    let hosts = Hosts::claim();
    let (agent, proxy) = balancer(&hosts);
    let _stays = backend(&hosts, 10, "stays").await;
    let (mut app, mut leaver) = backend(&hosts, 11, "leaves").await;
    is_served_by(&proxy, "leaves").await;
    let load = Load::start(&plan(&proxy));
    load.passes(200).await;
    let status = leaver.process.stop().await;
    assert!(status.success());
    app.process.stop().await;
    load.passes(200).await;
    let outcomes = load.stop().await;
    assert_eq!(failures(&outcomes), Vec::<String>::new());
    let last = outcomes.last().and_then(|outcome| outcome.result.clone().ok());
    assert!(last.as_deref() != Some("leaves"));
    agent.sees("leaves", "left").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_backend_fails_no_get() {
    let hosts = Hosts::claim();
    let (_agent, proxy) = balancer(&hosts);
    let _stays = backend(&hosts, 10, "stays").await;
    let (mut app, mut agent) = backend(&hosts, 11, "dies").await;
    is_served_by(&proxy, "dies").await;
    let load = Load::start(&Plan { post_every: 0, ..plan(&proxy) });
    load.passes(200).await;
    app.process.kill();
    agent.process.kill();
    load.passes(400).await;
    assert_eq!(failures(&load.stop().await), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn restarting_agents_disturb_no_request() {
    let hosts = Hosts::claim();
    let (mut front, proxy) = balancer(&hosts);
    let (_app, mut agent) = backend(&hosts, 10, "s0").await;
    let _other = backend(&hosts, 11, "s1").await;
    is_served_by(&proxy, "s0").await;
    is_served_by(&proxy, "s1").await;
    let load = Load::start(&plan(&proxy));
    for _ in 0..2 {
        load.passes(100).await;
        agent.process.kill();
        load.passes(100).await;
        agent.restart();
        agent.sees("balancer", "alive").await;
        front.process.kill();
        load.passes(100).await;
        front.restart();
        front.sees("s0", "alive").await;
        front.sees("s1", "alive").await;
    }
    load.passes(200).await;
    assert_eq!(failures(&load.stop().await), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_does_not_listen_yet_gets_no_request_that_another_could_serve() {
    let hosts = Hosts::claim();
    let (agent, proxy) = balancer(&hosts);
    let _stays = backend(&hosts, 10, "stays").await;
    is_served_by(&proxy, "stays").await;
    let load = Load::start(&plan(&proxy));
    let early = AgentOptions::default().join(hosts.at(1, 7946)).tag("role=backend").tag("port=3000");
    let _early = Agent::start(&hosts, 11, "early", early);
    agent.sees("early", "alive").await;
    load.passes(300).await;
    let _app = Backend::start(&hosts, 11, "early").await;
    is_served_by(&proxy, "early").await;
    assert_eq!(failures(&load.stop().await), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_serf_agent_with_any_web_server_gets_traffic() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let (agent, proxy) = balancer(&hosts);
    // The reference tries once.
    agent.sees("balancer", "alive").await;
    let site = tempfile::tempdir().expect("a temporary directory can be made");
    std::fs::write(site.path().join("index.html"), r#"{"host":"plain"}"#).expect("the page can be written");
    let mut python = Command::new("python3");
    python
        .args(["-m", "http.server", "3000", "--bind", &hosts.ip(20).to_string(), "--directory"])
        .arg(site.path());
    let _web = muster_e2e::Process::start("python3 -m http.server", &mut python);
    let _serf = SerfAgent::start(&hosts, 20, "plain", &["-tag", "role=backend", "-join", &hosts.at(1, 7946)]);
    is_served_by(&proxy, "plain").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_ends_neither_agent_nor_proxy() {
    let hosts = Hosts::claim();
    let (agent, proxy) = balancer(&hosts);
    let (_app, behind) = backend(&hosts, 10, "s0").await;
    is_served_by(&proxy, "s0").await;
    let reloads = "configuration reloaded";
    for (process, words) in [(&agent.process, reloads), (&proxy.process, reloads), (&behind.process, reloads)]
    {
        process.signal(rustix::process::Signal::HUP);
        wait_for("the hangup is told", || async {
            let said = process.said();
            if said.contains(words) { Ok(()) } else { Err(said) }
        })
        .await;
    }
    behind.sees("balancer", "alive").await;
    is_served_by(&proxy, "s0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_service_is_a_503_in_words() {
    let hosts = Hosts::claim();
    let (_agent, proxy) = balancer(&hosts);
    wait_for("the proxy answers 503", || async {
        let output = tokio::process::Command::new("curl")
            .args(["--silent", "--include", &format!("http://{}/", proxy.address)])
            .output()
            .await
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if text.starts_with("HTTP/1.1 503") && text.contains("backend") { Ok(()) } else { Err(text) }
    })
    .await;
}
