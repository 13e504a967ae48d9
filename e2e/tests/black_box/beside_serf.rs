//! One cluster of real Serf 0.9.4 and Muster: whoever joins whom, both tell the same story.

use muster_e2e::{
    Agent, AgentOptions, Hosts, Kind, Node, SerfAgent, agree, reference, reference_is_here, wait_for, whole,
};

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

/// What `node` knows of each of `names`: a status, or nothing.
async fn all_see(node: &Node, names: &[&str], status: Option<&str>) {
    for name in names {
        wait_for(&format!("{} sees {name} {status:?}", node.name()), || async {
            let seen = node.member(name).await?.map(|member| member.status);
            if seen.as_deref() == status { Ok(()) } else { Err(format!("seen as {seen:?}")) }
        })
        .await;
    }
}

/// Each side forces out one dead node of each kind.
#[tokio::test]
async fn either_side_forces_a_failed_node_out_and_prunes_one() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let seed = hosts.at(1, 7946);
    let start = |(kind, name, host): (Kind, &str, u8)| {
        let flags = ["-profile", "local", "-retry-join", &seed, "-retry-interval", "1s"];
        Node::start(kind, &hosts, host, name, &flags)
    };
    let nodes = [(Kind::Muster, "muster", 1), (Kind::Serf, "serf", 2)].map(start);
    let doomed = ["m1", "s1", "m2", "s2", "m3", "s3", "m4", "s4"];
    let kind = |name: &str| if name.starts_with('m') { Kind::Muster } else { Kind::Serf };
    let mut dying: Vec<Node> =
        doomed.iter().zip(3..).map(|(name, host)| start((kind(name), name, host))).collect();
    whole(nodes.iter().chain(&dying)).await;
    dying.iter_mut().for_each(|node| node.process().kill());
    for node in &nodes {
        all_see(node, &doomed, Some("failed")).await;
    }
    let [by_muster, by_serf] = &nodes;
    let ([left, pruned], [left_too, pruned_too]) =
        ([&doomed[0..2], &doomed[2..4]], [&doomed[4..6], &doomed[6..8]]);
    left.iter().for_each(|name| by_muster.force_leave(name, false));
    pruned.iter().for_each(|name| by_muster.force_leave(name, true));
    for node in &nodes {
        all_see(node, left, Some("left")).await;
        all_see(node, pruned, None).await;
    }
    // The reference tells it a few times, and the dead are among those it tells: the living may miss it.
    wait_for("both do as the reference was told", || async {
        left_too.iter().for_each(|name| by_serf.force_leave(name, false));
        pruned_too.iter().for_each(|name| by_serf.force_leave(name, true));
        for node in &nodes {
            let members = node.members().await?;
            let status = |name: &&str| members.iter().find(|m| m.name == **name).map(|m| &*m.status);
            if left_too.iter().any(|name| status(name) != Some("left"))
                || pruned_too.iter().any(|name| status(name).is_some())
            {
                return Err(format!("{members:?}"));
            }
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn changed_tags_of_serf_are_an_update_here_and_not_a_second_join() {
    let hosts = Hosts::claim();
    let Some(serf) = reference(&hosts, 1, "serf", &["-tag", "role=backend"]).await else { return };
    let muster = Agent::start(&hosts, 2, "muster", AgentOptions::default().join(&serf.address));
    agree(&muster, &serf, 2).await;
    serf.run(&["tags", "-set", "port=81", "-delete", "role"]).expect("the reference accepts");
    wait_for("muster sees the new tags", || async {
        let members = muster.members().await?.members;
        let tags = members.into_iter().find(|member| member.name == "serf").map(|member| member.tags);
        let wanted = [("port".to_owned(), "81".to_owned())].into();
        if tags == Some(wanted) { Ok(()) } else { Err(format!("{tags:?}")) }
    })
    .await;
    agree(&muster, &serf, 2).await;
    let told = muster.process.said();
    let count =
        |what: &str| told.lines().filter(|line| line.contains(what) && line.contains("\"serf\"")).count();
    assert_eq!((count("member-join"), count("member-update")), (1, 1), "{told}");
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
