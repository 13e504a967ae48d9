//! User events, queries, coordinates and names between Muster and real Serf.

use muster_e2e::{Agent, AgentOptions, Hosts, agree, reference, says, wait_for};

#[tokio::test]
async fn events_and_queries_of_serf_are_heard_and_acknowledged() {
    let hosts = Hosts::claim();
    let Some(serf) = reference(&hosts, 1, "serf", &[]).await else { return };
    let muster =
        Agent::start(&hosts, 2, "muster", AgentOptions::default().join(&serf.address).tag("role=web"));
    agree(&muster, &serf, 2).await;

    // It counts the acks of an internal query; success means that all members acknowledged.
    serf.run(&["reachability"]).expect("everyone can be reached");
    serf.run(&["event", "deploy", "v1.2"]).expect("the event is sent");
    let asked = serf.run(&["query", "-tag", "role=^w", "uptime"]).expect("the query is sent");
    assert!(asked.contains("Ack from 'muster'"), "{asked}");
    assert!(!asked.contains("Ack from 'serf'"), "the filter is not for it: {asked}");
    let asked = serf.run(&["query", "-node", "serf", "uptime"]).expect("the query is sent");
    assert!(!asked.contains("Ack from 'muster'"), "{asked}");
    says("the event is logged", "user-event event=\"deploy\"", || muster.process.said()).await;
    says("the query is logged", "query query=\"uptime\"", || muster.process.said()).await;
}

#[tokio::test]
async fn serf_estimates_the_round_trip_to_muster() {
    let hosts = Hosts::claim();
    let Some(serf) = reference(&hosts, 1, "serf", &[]).await else { return };
    let muster = Agent::start(&hosts, 2, "muster", AgentOptions::default().join(&serf.address));
    agree(&muster, &serf, 2).await;
    wait_for("serf knows where muster is", || async {
        let text = serf.run(&["rtt", "muster"])?;
        if text.starts_with("Estimated muster <-> serf rtt:") { Ok(()) } else { Err(text) }
    })
    .await;
}

#[tokio::test]
async fn the_second_of_a_name_stops_and_the_first_stays() {
    let hosts = Hosts::claim();
    let Some(first) = reference(&hosts, 1, "first", &[]).await else { return };
    let Some(second) = reference(&hosts, 2, "second", &["-join", &first.address]).await else { return };
    let twin = Agent::start(&hosts, 3, "twin", AgentOptions::default().join(&first.address));
    agree(&twin, &first, 3).await;

    // Ours gives way to a real holder.
    let mut newcomer = Agent::start(&hosts, 4, "second", AgentOptions::default().join(&first.address));
    let status = newcomer.process.ends().await;
    assert_eq!(status.code(), Some(1), "{}", newcomer.process.said());
    assert!(newcomer.process.said().contains("give this node another name"), "{}", newcomer.process.said());

    // A real one gives way to ours, which answers for the others' holder and keeps its own name.
    let flags = ["-join", &*first.address];
    let mut newcomer = muster_e2e::SerfAgent::start(&hosts, 5, "twin", &flags);
    newcomer.process.ends().await;
    agree(&twin, &first, 3).await;
    agree(&twin, &second, 3).await;
    for log in [first.process.said(), second.process.said()] {
        assert!(!log.contains("EventMemberFailed") && !log.contains("EventMemberLeave"), "{log}");
    }
}

/// One that no datagram carries, when both allow it: it travels with full exchanges only, which is what D2.13 is about.
#[tokio::test]
async fn an_event_longer_than_a_datagram_comes_with_an_exchange() {
    let hosts = Hosts::claim();
    let allowed = tempfile::Builder::new().suffix(".json").tempfile().expect("a temporary file can be made");
    std::fs::write(allowed.path(), r#"{"user_event_size_limit": 4096, "profile": "local"}"#)
        .expect("and written");
    let allow = ["-config-file", allowed.path().to_str().expect("a path of ASCII")];
    let Some(serf) = reference(&hosts, 1, "serf", &allow).await else { return };
    let options = AgentOptions::default().join(&serf.address).flag(allow[0]).flag(allow[1]);
    let muster = Agent::start(&hosts, 2, "muster", options);
    agree(&muster, &serf, 2).await;
    let payload = "x".repeat(2000);
    serf.run(&["event", "long-of-serf", &payload]).expect("Serf takes it");
    says("Serf's event is heard", "user-event event=\"long-of-serf\"", || muster.process.said()).await;
    muster.run(&["event", "long-of-muster", &payload]).expect("Muster takes it");
    // Serf tells the name of what it hands to its handlers.
    says("Muster's event is heard", "Received event: user-event: long-of-muster", || serf.process.said())
        .await;
}
