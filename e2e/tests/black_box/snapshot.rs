//! A restarted node finds its cluster again through its snapshot, whoever wrote that: real Serf or Muster.

use muster_e2e::{Agent, AgentOptions, Hosts, Kind, Network, Node, reference, reference_is_here, wait_for};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

fn flags<'a>(path: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["-snapshot", path.to_str().expect("a path of ASCII")], more].concat()
}

/// Waits until the file has all of these lines.
async fn file_has(path: &Path, lines: &[&str]) {
    wait_for(&format!("{} has {lines:?}", path.display()), || async {
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        let has = |line: &&str| text.lines().any(|there| there == *line);
        if lines.iter().all(has) { Ok(()) } else { Err(text) }
    })
    .await;
}

/// Waits until a node of either kind has told of this event.
async fn hears(node: &Node, event: &str) {
    wait_for(&format!("{} hears {event}", node.name()), || async {
        let heard = node.lines(&["user-event"]);
        if heard.iter().any(|line| line.contains(event)) { Ok(()) } else { Err(node.said()) }
    })
    .await;
}

/// One kind writes the file and is killed; the other takes it over, without seeds.
async fn handed_over(from: Kind, to: Kind) {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let path = directory.path().join("snapshot");
    let stays = Node::start(Kind::Serf, &hosts, 1, "stays", &["-retry-interval", "1s"]);
    let gone = Node::start(
        Kind::Serf,
        &hosts,
        3,
        "gone",
        &["-retry-join", stays.address(), "-retry-interval", "1s"],
    );
    stays.sees("gone", "alive").await;
    let mut former = Node::start(
        from,
        &hosts,
        2,
        "former",
        &flags(&path, &["-retry-join", stays.address(), "-retry-interval", "1s"]),
    );
    former.sees("gone", "alive").await;
    stays.sees("former", "alive").await;
    stays.run(&["event", "before"]).expect("serf sends events");
    hears(&former, "before").await;
    let alive = |node: &Node| format!("alive: {} {}", node.name(), node.address());
    // What is not yet in the file is written with whatever comes next: the reference keeps it back for half a second.
    wait_for("the file knows all", || async {
        stays.run(&["event", "beside"])?;
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        let is_clock = |line: &str| line.starts_with("event-clock: ") && line != "event-clock: 0";
        let wanted = [alive(&stays), alive(&gone)];
        let whole = wanted.iter().all(|line| text.contains(line)) && text.lines().any(is_clock);
        if whole { Ok(()) } else { Err(text) }
    })
    .await;
    former.process().kill();
    drop(gone);
    stays.sees("former", "failed").await;
    stays.run(&["event", "missed"]).expect("serf sends events");

    let next = Node::start(to, &hosts, 4, "next", &flags(&path, &[]));
    next.sees("stays", "alive").await;
    stays.sees("next", "alive").await;
    hears(&next, "missed").await;
    assert_eq!(next.lines(&["event: before", "event=\"before\""]), Vec::<String>::new(), "that was long ago");
    wait_for("its own life is in the file", || async {
        stays.run(&["event", "later"])?;
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        if text.contains(&alive(&next)) { Ok(()) } else { Err(text) }
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_of_serf_is_taken_over_by_muster() {
    handed_over(Kind::Serf, Kind::Muster).await;
}

#[tokio::test]
async fn a_snapshot_of_muster_is_taken_over_by_serf() {
    handed_over(Kind::Muster, Kind::Serf).await;
}

#[tokio::test]
async fn after_a_leave_muster_rejoins_and_serf_only_when_told_to() {
    let hosts = Hosts::claim();
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let path = directory.path().join("snapshot");
    let Some(stays) = reference(&hosts, 1, "stays", &[]).await else { return };
    let known = format!("alive: stays {}", stays.address);
    for kind in [Kind::Muster, Kind::Serf] {
        let _ = fs::remove_file(&path);
        let mut leaves = Node::start(kind, &hosts, 2, "leaves", &flags(&path, &["-join", &stays.address]));
        stays.sees("leaves", "alive").await;
        file_has(&path, &[&known]).await;
        leaves.leave().await;
        stays.sees("leaves", "left").await;
        file_has(&path, &[&known, "leave"]).await;

        // Serf's rule: who left has forgotten.
        let copy = directory.path().join("copy");
        fs::copy(&path, &copy).expect("both are files");
        let stranger = Node::start(Kind::Serf, &hosts, 3, "stranger", &flags(&copy, &[]));
        stranger.sees("stranger", "alive").await;
        assert_eq!(stranger.members().await.expect("it answers").len(), 1);
        drop(stranger);
        fs::copy(&path, &copy).expect("both are files");
        let rejoins = Node::start(Kind::Serf, &hosts, 4, "rejoins", &flags(&copy, &["-rejoin"]));
        rejoins.sees("stays", "alive").await;
        drop(rejoins);

        // Ours: told to end, it left; restarted, it is back.
        let ours = Node::start(Kind::Muster, &hosts, 5, "ours", &flags(&path, &[]));
        ours.sees("stays", "alive").await;
    }
}

#[tokio::test]
async fn a_restarted_balancer_has_its_backends_back_at_once() {
    let hosts = Hosts::claim();
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let path = directory.path().join("snapshot");
    let options = ["-tag", "role=balancer", "-snapshot", path.to_str().expect("a path of ASCII")]
        .into_iter()
        .fold(AgentOptions::default(), AgentOptions::flag);
    let mut balancer = Agent::start(&hosts, 1, "lb", options.clone());
    let backends: Vec<Agent> = (2..=5)
        .map(|host| {
            let options = AgentOptions::default().tag("role=backend").join(&balancer.address);
            Agent::start(&hosts, host, &format!("web-{host}"), options)
        })
        .collect();
    let knows_all = async |balancer: &Agent| {
        wait_for("the balancer has its backends", || async {
            let picture = balancer.picture().await?;
            let count = picture.services.get("backend").map_or(0, |service| service.backends.len());
            if count == 4 { Ok(()) } else { Err(format!("{count} backends")) }
        })
        .await;
    };
    knows_all(&balancer).await;
    let lines: Vec<String> =
        backends.iter().map(|web| format!("alive: {} {}", web.name, web.address)).collect();
    file_has(&path, &lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for _ in 0..5 {
        balancer.process.kill();
        // Elsewhere, where nobody looks for it.
        let started = Instant::now();
        let moved = Agent::start(&hosts, 9, "lb", options.clone());
        knows_all(&moved).await;
        eprintln!("a restarted balancer had its backends back after {:?}", started.elapsed());
        balancer = moved;
    }
    assert!(balancer.process.said().contains("rejoined"), "{}", balancer.process.said());
}

#[tokio::test]
async fn a_full_disk_is_told_and_costs_nothing_else() {
    let Some(_network) = Network::own("snapshot::a_full_disk_is_told_and_costs_nothing_else") else { return };
    let hosts = Hosts::claim();
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(directory.path())
        .status()
        .expect("mount is there");
    assert!(mounted.success());
    let (path, ballast) = (directory.path().join("snapshot"), directory.path().join("ballast"));
    // The history would be beside it, and take what little room there is.
    let elsewhere = tempfile::tempdir().expect("a temporary directory can be made");
    let history = elsewhere.path().join("history.db");
    let options = AgentOptions::default()
        .flag("-snapshot")
        .flag(path.to_str().expect("a path of ASCII"))
        .flag("--history-path")
        .flag(history.to_str().expect("a path of ASCII"));
    let agent = Agent::start(&hosts, 1, "lb", options);
    agent.sees("lb", "alive").await;
    // Until nothing fits any more.
    let _ = fs::write(&ballast, vec![b'x'; 1 << 20]);
    let text = fs::read_to_string(&path).unwrap_or_default();
    fs::write(&path, text + &format!("# {}\n", "x".repeat(3500))).expect("the page it has");
    let names: Vec<String> = (2..=6).map(|host| format!("{}-{host}", "w".repeat(200))).collect();
    let others: Vec<Agent> = (2..)
        .zip(&names)
        .map(|(host, name)| Agent::start(&hosts, host, name, AgentOptions::default().join(&agent.address)))
        .collect();
    wait_for("the full disk is told", || async {
        let said = agent.process.said();
        if said.contains("cannot write the snapshot") { Ok(()) } else { Err(said) }
    })
    .await;
    for other in &others {
        agent.sees(&other.name, "alive").await;
    }
    fs::remove_file(&ballast).expect("it is there");
    wait_for("the snapshot is whole again", || async {
        let said = agent.process.said();
        if said.contains("is whole again") { Ok(()) } else { Err(said) }
    })
    .await;
    let lines: Vec<String> =
        others.iter().map(|web| format!("alive: {} {}", web.name, web.address)).collect();
    file_has(&path, &lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
}
