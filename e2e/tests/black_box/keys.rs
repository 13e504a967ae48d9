//! The keys of a running cluster are exchanged without a restart: either kind asks, both obey, and nobody is lost.

use muster_e2e::{
    Agent, AgentOptions, Hosts, Kind, Node, nobody_failed, reference, reference_is_here, wait_for, whole,
};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const OLD: &str = "cg8StVXbQJ0gPvMd9o7yrg==";
const NEW: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NOBODYS: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

/// The keyring files of all nodes hold these keys, byte for byte as Serf writes them.
fn files_hold(directory: &Path, names: &[&str], keys: &[&str]) {
    let text = serde_json::to_string_pretty(keys).expect("texts are JSON");
    for name in names {
        let file = fs::read_to_string(directory.join(name)).expect("the file is there");
        assert_eq!(file, text, "{name}");
    }
}

/// Serf's table of keys without its padding.
fn table(listed: &str) -> String {
    listed.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Has a node ask, with Serf's own command: real Serf or ours.
fn ask(node: &Node, arguments: &[&str]) -> Result<String, String> {
    let Node::Muster(agent) = node else { return node.run(arguments) };
    let output = agent.serf(arguments).output().expect("serf runs");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if output.status.success() { Ok(said) } else { Err(said) }
}

/// Asks until everybody has answered: questions travel in datagrams, and asking twice does no harm.
async fn all_answer(node: &Node, arguments: &[&str]) -> Result<String, String> {
    wait_for(&format!("all answer {arguments:?}"), || async {
        match ask(node, arguments) {
            Err(said) if !said.contains("4/4") => Err(said),
            answered => Ok(answered),
        }
    })
    .await
}

#[tokio::test]
async fn keys_of_a_mixed_cluster_are_rotated_by_either_kind_under_traffic() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let names = ["serf-a", "muster-a", "serf-b", "muster-b"];
    let seeds = [hosts.at(1, 7946), hosts.at(2, 7946)];
    let mut nodes = Vec::new();
    for (name, host) in names.into_iter().zip(1..) {
        let kind = if name.starts_with("serf") { Kind::Serf } else { Kind::Muster };
        let file = directory.path().join(name);
        fs::write(&file, format!("[\"{OLD}\"]")).expect("the directory is there");
        let file = file.to_str().expect("a path of ASCII");
        // Not the local profile: there the reference tells each question twice only, which often misses one of four.
        let mut flags = vec!["-keyring-file", file, "-retry-interval", "1s"];
        seeds.iter().for_each(|seed| flags.extend(["-retry-join", seed]));
        nodes.push(Node::start(kind, &hosts, host, name, &flags));
    }
    whole(&nodes).await;

    let (over, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    let traffic = async {
        while !over.load(Ordering::Relaxed) {
            let name = format!("traffic-{}", sent.fetch_add(1, Ordering::Relaxed));
            nodes[2].run(&["event", &name]).expect("serf sends events");
            tokio::task::yield_now().await;
        }
    };
    let rotation = async {
        // There by real Serf, back by Muster, and there again by both.
        for (asker, asked, keys) in [
            (0, ["-install", NEW], &[OLD, NEW][..]),
            (0, ["-use", NEW], &[NEW, OLD]),
            (0, ["-remove", OLD], &[NEW]),
            (1, ["-install", OLD], &[NEW, OLD]),
            (1, ["-use", OLD], &[OLD, NEW]),
            (1, ["-remove", NEW], &[OLD]),
            (1, ["-install", NEW], &[OLD, NEW]),
            (0, ["-use", NEW], &[NEW, OLD]),
            (1, ["-remove", OLD], &[NEW]),
        ] {
            all_answer(&nodes[asker], &["keys", asked[0], asked[1]]).await.expect("all can do it");
            files_hold(directory.path(), &names, keys);
            let listed = all_answer(&nodes[1 - asker], &["keys", "-list"]).await.expect("all can do it");
            let listed = table(&listed);
            for key in keys {
                assert!(listed.contains(&format!("{key} [4/4]")), "{listed}");
            }
            assert_eq!(listed.matches("/4]").count(), keys.len(), "{listed}");
            tokio::task::yield_now().await;
        }
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(traffic, rotation);
    // Newer messages go first in gossip, and what a datagram lost comes with the next push/pull.
    let sent = sent.load(Ordering::Relaxed);
    for muster in [&nodes[1], &nodes[3]] {
        wait_for(&format!("{} hears all {sent} events", muster.name()), || async {
            let heard = muster.lines(&["user-event"]);
            let is_heard = |nth: usize| {
                let name = format!("traffic-{nth}");
                heard.iter().any(|line| {
                    line.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == name)
                })
            };
            let missed: Vec<usize> = (0..sent).filter(|nth| !is_heard(*nth)).collect();
            if missed.is_empty() { Ok(()) } else { Err(format!("missed {missed:?} in {heard:#?}")) }
        })
        .await;
        assert_eq!(muster.lines(&["user-event"]).len(), sent, "{} hears each once", muster.name());
    }

    // What cannot be done, nobody does, and all say so in the same words.
    for (asker, asked, words) in [
        (0, ["-use", NOBODYS], "Requested key is not in the keyring"),
        (1, ["-remove", NEW], "Removing the primary key is not allowed"),
    ] {
        let said =
            all_answer(&nodes[asker], &["keys", asked[0], asked[1]]).await.expect_err("nobody can do it");
        assert!(said.contains("4/4 nodes reported failure"), "{said}");
        assert_eq!(said.matches(words).count(), 4, "{said}");
    }
    files_hold(directory.path(), &names, &[NEW]);

    nobody_failed(&nodes);
    for node in &nodes {
        let unreadable = node.lines(&["refused a", "failed to decrypt", "No installed keys"]);
        assert_eq!(unreadable, Vec::<String>::new(), "everybody could read everything: {}", node.name());
        assert!(!node.said().contains(NEW), "{} shows a key", node.name());
    }

    // Each finds the new key in its file.
    for nth in [1, 0] {
        nodes[nth].leave().await;
        nodes[nth].restart();
        whole(&nodes).await;
    }
}

#[tokio::test]
async fn keys_without_a_file_live_in_memory_only_as_in_serf() {
    let hosts = Hosts::claim();
    let Some(serf) = reference(&hosts, 1, "serf", &["-encrypt", OLD]).await else { return };
    let options = AgentOptions::default().flag("-encrypt").flag(OLD).join(&serf.address);
    let mut muster = Agent::start(&hosts, 2, "muster", options);
    serf.sees("muster", "alive").await;
    for asked in [["-install", NEW], ["-use", NEW], ["-remove", OLD]] {
        serf.run(&["keys", asked[0], asked[1]]).unwrap_or_else(|said| panic!("{asked:?}: {said}"));
    }
    assert!(muster.process.said().contains("the keys have no keyring file"), "{}", muster.process.said());
    muster.process.stop().await;
    serf.sees("muster", "left").await;
    // With the key of its command line it is a stranger now.
    muster.restart();
    wait_for("the agent is refused", || async {
        let said = muster.process.said();
        if said.contains("no key that is installed here opens it") { Ok(()) } else { Err(said) }
    })
    .await;
}

#[tokio::test]
async fn a_ring_that_cannot_be_stored_is_told_and_not_used() {
    let hosts = Hosts::claim();
    let Some(serf) = reference(&hosts, 1, "serf", &["-encrypt", OLD]).await else { return };
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let file = directory.path().join("keyring.json");
    fs::write(&file, format!("[\"{OLD}\"]")).expect("the directory is there");
    let options = AgentOptions::default().flag("-keyring-file").flag(file.to_str().expect("a path of ASCII"));
    let muster = Agent::start(&hosts, 2, "muster", options.join(&serf.address));
    serf.sees("muster", "alive").await;
    // Root writes anywhere, but not where there is nothing.
    directory.close().expect("it can be removed");

    let said = serf.run(&["keys", "-install", NEW]).expect_err("one of two cannot");
    assert!(said.contains("1/2 nodes reported failure"), "{said}");
    assert!(said.contains("muster") && said.contains("Failed to write keyring file: "), "{said}");
    let listed = table(&serf.run(&["keys", "-list"]).expect("both answer"));
    assert!(listed.contains(&format!("{OLD} [2/2]")) && listed.contains(&format!("{NEW} [1/2]")), "{listed}");
    // Nothing else was lost.
    serf.run(&["event", "still-here"]).expect("serf sends events");
    wait_for("the agent hears on", || async {
        let said = muster.process.said();
        if said.contains("still-here") { Ok(()) } else { Err(said) }
    })
    .await;
}
