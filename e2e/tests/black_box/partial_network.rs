//! Networks that let only some things through, and nodes that come back elsewhere.
//!
//! Where rules are needed, a test runs itself again in a network namespace of its own, which has its own loopback and its
//! own firewall: nothing outside notices.

use muster_e2e::{
    Agent, AgentOptions, Hosts, Network, SerfAgent, Traffic, says, serf_is_installed, skip, wait_for,
};

#[tokio::test]
async fn muster_and_serf_keep_each_other_by_tcp_when_udp_is_dropped() {
    if !serf_is_installed() {
        return skip("Debian's package serf is not installed");
    }
    let test = "partial_network::muster_and_serf_keep_each_other_by_tcp_when_udp_is_dropped";
    let Some(network) = Network::own(test) else { return };
    let hosts = Hosts::claim();
    let serf = SerfAgent::start(&hosts, 1, "serf", &[]);
    serf.is_up().await;
    let muster = Agent::start(&hosts, 2, "muster", AgentOptions::default().join(&serf.address));
    serf.sees("muster", "alive").await;
    muster.sees("serf", "alive").await;
    network.cut(&[hosts.ip(1)], &[hosts.ip(2)], Traffic::Udp);
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
