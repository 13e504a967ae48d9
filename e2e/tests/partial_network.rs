//! Networks that let only some things through, and nodes that come back elsewhere.
//!
//! Where rules are needed, a test runs itself again in a network namespace of its own, which has its own loopback and its
//! own firewall: nothing outside notices.
#![expect(clippy::print_stderr, reason = "a test shows what its other half said")]

use muster_e2e::{Agent, AgentOptions, Hosts, SerfAgent, serf_is_installed, skip, wait_for};
use std::net::Ipv4Addr;
use std::process::Command;

/// Set for the half of a test that runs in its own network.
const INSIDE: &str = "MUSTER_E2E_OWN_NETWORK";

/// Whether this process is in a network of its own. If not, runs `test` again in one and checks that it passed.
fn in_own_network(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        run("ip", &["link", "set", "lo", "up"]);
        return true;
    }
    let possible = Command::new("unshare").args(["-rn", "nft", "list", "ruleset"]).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        skip("no network namespaces (unshare -rn), or no nft in them");
        return false;
    }
    // Built before: in there is no network to fetch anything from.
    let binary = muster_e2e::binary();
    let this = std::env::current_exe().expect("a test knows itself");
    let output = Command::new("unshare")
        .arg("-rn")
        .arg(this)
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .env("BINARY_UNDER_TEST", binary)
        .output()
        .expect("unshare has just run");
    eprintln!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{test} failed in its own network");
    false
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().expect("the program is installed");
    assert!(status.success(), "{program} {arguments:?}: {status}");
}

/// No datagram passes between the two any more; TCP does.
fn drop_udp(a: Ipv4Addr, b: Ipv4Addr) {
    run("nft", &["add table ip cut; add chain ip cut in { type filter hook input priority 0; }"]);
    for (from, to) in [(a, b), (b, a)] {
        let rule = format!("add rule ip cut in ip saddr {from} ip daddr {to} meta l4proto udp drop");
        run("nft", &[&rule]);
    }
}

async fn says(what: &str, text: &str, said: impl Fn() -> String) {
    wait_for(what, || async { if said().contains(text) { Ok(()) } else { Err(said()) } }).await;
}

#[tokio::test]
async fn muster_and_serf_keep_each_other_by_tcp_when_udp_is_dropped() {
    if !serf_is_installed() {
        return skip("Debian's package serf is not installed");
    }
    if !in_own_network("muster_and_serf_keep_each_other_by_tcp_when_udp_is_dropped") {
        return;
    }
    let hosts = Hosts::claim();
    let serf = SerfAgent::start(&hosts, 1, "serf", &[]);
    serf.is_up().await;
    let muster = Agent::start(&hosts, 2, "muster", AgentOptions::default().join(&serf.address));
    serf.sees("muster", "alive").await;
    muster.sees("serf", "alive").await;
    drop_udp(hosts.ip(1), hosts.ip(2));
    // Each has asked the other by TCP and got its answer.
    says("muster notices", "TCP works but UDP does not", || muster.process.said()).await;
    says("serf notices", "Was able to connect to muster", || serf.process.said()).await;
    muster.sees("serf", "alive").await;
    serf.sees("muster", "alive").await;
    for said in [muster.process.said(), serf.process.said()] {
        let accused =
            ["EventMemberFailed", "member-failed", "Suspect"].iter().any(|word| said.contains(word));
        assert!(!accused, "{said}");
    }
}

#[tokio::test]
async fn a_node_re_created_under_its_name_at_another_address_is_taken_in() {
    let hosts = Hosts::claim();
    let a = Agent::start(&hosts, 1, "a", AgentOptions::default());
    a.sees("a", "alive").await;
    let b = Agent::start(&hosts, 2, "b", AgentOptions::default().join(&a.address));
    let mut old = Agent::start(&hosts, 3, "c", AgentOptions::default().join(&a.address));
    a.sees("c", "alive").await;
    b.sees("c", "alive").await;
    old.process.kill();
    let new = Agent::start(&hosts, 4, "c", AgentOptions::default().join(&b.address));
    for agent in [&a, &b, &new] {
        wait_for(&format!("{} sees c at its new address", agent.name), || async {
            let members = agent.members().await?.members;
            let seen = members.into_iter().find(|member| member.name == "c");
            match seen {
                Some(member) if member.addr == new.address && member.status == "alive" => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }
    // And not because the old record was forgotten after a while.
    let moved = format!("c moved from {} to {}", old.address, new.address);
    for agent in [&a, &b] {
        says(&format!("{} tells of the move", agent.name), &moved, || agent.process.said()).await;
    }
}
