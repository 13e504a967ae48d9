//! One cluster of real Serf 0.9.4 and Muster: whoever joins whom, both tell the same story.

use muster_e2e::{Agent, AgentOptions, Hosts, SerfAgent, agree, reference, wait_for};

#[tokio::test]
async fn muster_joins_serf() {
    let hosts = Hosts::claim();
    let Some(serf) = reference(&hosts, 1, "serf", &["-tag", "role=backend", "-tag", "zone=a b"]).await else {
        return;
    };
    let muster =
        Agent::start(&hosts, 2, "muster", AgentOptions::default().join(&serf.address).tag("role=web"));
    agree(&muster, &serf, 2).await;
}

#[tokio::test]
async fn serf_joins_muster() {
    let hosts = Hosts::claim();
    let muster = Agent::start(&hosts, 2, "muster", AgentOptions::default().tag("k=v,w"));
    muster.sees("muster", "alive").await;
    let Some(serf) = reference(&hosts, 1, "serf", &["-join", &muster.address]).await else { return };
    agree(&muster, &serf, 2).await;
}

#[tokio::test]
async fn a_graceful_leave_is_seen_as_left_by_the_other_kind() {
    let hosts = Hosts::claim();
    let Some(mut serf) = reference(&hosts, 1, "serf", &[]).await else { return };
    let third = AgentOptions::default().join(&serf.address);
    let stays = Agent::start(&hosts, 2, "stays", third.clone());
    let mut leaves = Agent::start(&hosts, 3, "leaves", third);
    agree(&stays, &serf, 3).await;

    let status = leaves.process.stop().await;
    assert!(status.success(), "TERM leaves and exits 0, not {status}:\n{}", leaves.process.said());
    serf.sees("leaves", "left").await;
    stays.sees("leaves", "left").await;
    assert!(
        !serf.process.said().contains("EventMemberFailed: leaves"),
        "the reference never thought it failed:\n{}",
        serf.process.said()
    );

    serf.process.signal(rustix::process::Signal::INT);
    stays.sees("serf", "left").await;
    serf.process.ends().await;
}

#[tokio::test]
async fn a_killed_node_is_seen_as_failed_and_rejoins_under_its_name() {
    let hosts = Hosts::claim();
    let Some(mut serf) = reference(&hosts, 1, "serf", &["-tag", "life=1"]).await else { return };
    let mut first =
        Agent::start(&hosts, 2, "first", AgentOptions::default().join(&serf.address).tag("life=1"));
    let stays = Agent::start(&hosts, 3, "stays", AgentOptions::default().join(&serf.address));
    agree(&stays, &serf, 3).await;

    first.process.kill();
    serf.sees("first", "failed").await;
    stays.sees("first", "failed").await;
    first.restart();
    serf.sees("first", "alive").await;
    stays.sees("first", "alive").await;
    agree(&stays, &serf, 3).await;

    serf.process.kill();
    stays.sees("serf", "failed").await;
    first.sees("serf", "failed").await;
    let serf = SerfAgent::start(&hosts, 1, "serf", &["-tag", "life=2", "-join", &stays.address]);
    stays.sees("serf", "alive").await;
    agree(&stays, &serf, 3).await;
}

#[tokio::test]
async fn force_leave_from_either_side_turns_a_failed_node_into_a_left_one() {
    let hosts = Hosts::claim();
    let Some(serf) = reference(&hosts, 1, "serf", &[]).await else { return };
    let muster = Agent::start(&hosts, 2, "muster", AgentOptions::default().join(&serf.address));
    let mut doomed: Vec<Agent> = ["one", "two"]
        .into_iter()
        .zip(3..)
        .map(|(name, host)| Agent::start(&hosts, host, name, AgentOptions::default().join(&serf.address)))
        .collect();
    agree(&muster, &serf, 4).await;
    for agent in &mut doomed {
        agent.process.kill();
    }
    for name in ["one", "two"] {
        muster.sees(name, "failed").await;
        serf.sees(name, "failed").await;
    }
    serf.run(&["force-leave", "one"]).expect("the reference accepts");
    let request = muster_control::routes::ForceLeaveRequest { node: "two".into(), prune: false };
    muster
        .control
        .post::<_, ()>(muster_control::routes::FORCE_LEAVE, &request)
        .await
        .expect("muster accepts");
    for name in ["one", "two"] {
        muster.sees(name, "left").await;
        serf.sees(name, "left").await;
    }
}

#[tokio::test]
async fn events_and_queries_of_serf_pass_through_muster() {
    let hosts = Hosts::claim();
    // A and C know each other only through gossip that Muster also carries; what matters is that Muster in the middle
    // neither drops nor repeats.
    let Some(a) = reference(&hosts, 1, "a", &[]).await else { return };
    let muster = Agent::start(&hosts, 2, "muster", AgentOptions::default().join(&a.address));
    muster.sees("a", "alive").await;
    let log = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    let handler = format!("user:ping=cat >> {}", log.path().display());
    let Some(c) = reference(&hosts, 3, "c", &["-join", &muster.address, "-event-handler", &handler]).await
    else {
        return;
    };
    agree(&muster, &c, 3).await;
    for number in 0..5 {
        a.run(&["event", "-coalesce=false", "ping", &number.to_string()]).expect("the event is sent");
    }
    wait_for("c has all five events", || async {
        let text = std::fs::read_to_string(log.path()).map_err(|error| error.to_string())?;
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        if lines.len() >= 5 { Ok(lines.join(",")) } else { Err(text) }
    })
    .await;
    let text = std::fs::read_to_string(log.path()).expect("the file is there");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["0", "1", "2", "3", "4"], "each exactly once");
}
