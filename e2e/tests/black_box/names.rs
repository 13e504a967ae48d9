//! Two that claim one name: who lives keeps it, and who comes back elsewhere gets it.

use muster_e2e::{Agent, AgentOptions, Hosts, Kind, Node, reference_is_here, says, wait_for, whole};
use muster_wire::memberlist::{Alive, Message};
use muster_wire::{RawAddr, Versions};
use std::net::UdpSocket;

const KINDS: [Kind; 2] = [Kind::Muster, Kind::Serf];

/// Waits until `node` knows `name` alive at `address`.
async fn finds(node: &Node, name: &str, address: &str) {
    wait_for(&format!("{} finds {name} at {address}", node.name()), || async {
        let seen = node.member(name).await?;
        match &seen {
            Some(member) if member.addr == address && member.status == "alive" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

/// `holder` has the name, `rival` wants it too and tells the holder so, and `witness` is all they can ask.
async fn the_holder_stays(holder: Kind, rival: Kind, witness: Kind) {
    let hosts = Hosts::claim();
    let local = ["-profile", "local"];
    let witness = Node::start(witness, &hosts, 1, "witness", &local);
    whole([&witness]).await;
    let join = ["-profile", "local", "-retry-join", witness.address(), "-retry-interval", "1s"];
    let holder = Node::start(holder, &hosts, 2, "web", &join);
    whole([&witness, &holder]).await;

    let join = ["-profile", "local", "-retry-join", holder.address(), "-retry-interval", "1s"];
    let mut rival_node = Node::start(rival, &hosts, 3, "web", &join);
    match rival {
        // It asks the others, is outvoted, and shuts itself down.
        Kind::Serf => drop(rival_node.process().ends().await),
        Kind::Muster => {
            says("the rival is told", "names must be unique", || rival_node.said()).await;
        }
    }
    // The reference as holder, too, asks the others whether it may stay.
    if matches!(holder, Node::Serf(_)) {
        let decided = ["majority in name conflict", "minority in name conflict"];
        wait_for("the holder counted the answers", || async {
            let lines = holder.lines(&decided);
            if lines.is_empty() { Err(holder.said()) } else { Ok(()) }
        })
        .await;
    }
    whole([&witness, &holder]).await;
}

#[tokio::test]
async fn a_living_holder_is_never_displaced_whoever_claims_its_name() {
    if !reference_is_here() {
        return;
    }
    let mut trials = tokio::task::JoinSet::new();
    for holder in KINDS {
        for rival in KINDS {
            for witness in KINDS {
                trials.spawn(the_holder_stays(holder, rival, witness));
            }
        }
    }
    trials.join_all().await;
}

#[tokio::test]
async fn a_lone_agent_outlives_a_forged_claim_to_its_name() {
    let hosts = Hosts::claim();
    let agent = Agent::start(&hosts, 1, "lone", AgentOptions::default().flag("-log-level").flag("debug"));
    agent.sees("lone", "alive").await;
    let forged = Message::Alive(Alive {
        incarnation: 1000,
        node: "lone",
        addr: RawAddr::from(std::net::IpAddr::from(hosts.ip(2))),
        port: 7946,
        meta: &[],
        versions: Some(Versions::OURS),
    });
    let mut bytes = Vec::new();
    forged.encode(&mut bytes);
    let stranger = UdpSocket::bind((hosts.ip(3), 0)).expect("the address is ours");
    stranger.send_to(&bytes, &agent.address).expect("loopback takes it");
    // Told at the level debug: it may be old news.
    says("the claim is heard", "old news or forged", || agent.process.said()).await;
    agent.sees("lone", "alive").await;
}

/// A container that is gone without a word and comes back under its name elsewhere.
async fn the_re_created_one_is_found(kind: Kind, members: &[Kind]) {
    let hosts = Hosts::claim();
    let seed = hosts.at(1, 7946);
    // The reference waits for answers for 16 intervals of gossip: too short in the profile local to ask the old address.
    let profile = if kind == Kind::Serf { "lan" } else { "local" };
    let join = ["-profile", profile, "-retry-join", &seed, "-retry-interval", "1s"];
    let mut nodes = Vec::new();
    for (kind, host) in members.iter().zip(1..) {
        nodes.push(Node::start(*kind, &hosts, host, &format!("member-{host}"), &join));
        whole(&nodes).await;
    }
    let mut old = Node::start(kind, &hosts, 10, "web", &join);
    whole(nodes.iter().chain([&old])).await;
    old.process().kill();
    let new = Node::start(kind, &hosts, 11, "web", &join);
    for node in nodes.iter().chain([&new]) {
        finds(node, "web", new.address()).await;
    }
    for node in nodes.iter().filter(|node| matches!(node, Node::Muster(_))) {
        // A machine so slow that the old one was found dead before the new one had spoken needs no move.
        if node.said().contains("member-failed node=\"web\"") {
            continue;
        }
        // Not because the old record was forgotten after a while.
        let moved = format!("web moved from {} to {}", old.address(), new.address());
        says(&format!("{} tells of the move", node.name()), &moved, || node.said()).await;
    }
    if kind == Kind::Serf {
        says("it may stay", "majority in name conflict", || new.said()).await;
    }
    whole(nodes.iter().chain([&new])).await;
}

#[tokio::test]
async fn a_node_re_created_at_another_address_is_taken_in_by_muster() {
    the_re_created_one_is_found(Kind::Muster, &[Kind::Muster, Kind::Muster]).await;
}

#[tokio::test]
async fn a_node_re_created_at_another_address_is_taken_in_among_real_members() {
    if reference_is_here() {
        the_re_created_one_is_found(Kind::Muster, &[Kind::Muster, Kind::Serf, Kind::Muster]).await;
    }
}

/// The reference asks the others whether it may have the name, and would shut down if they held to the dead one.
#[tokio::test]
async fn a_serf_re_created_at_another_address_is_taken_in_by_muster() {
    if reference_is_here() {
        the_re_created_one_is_found(Kind::Serf, &[Kind::Muster, Kind::Muster]).await;
    }
}
