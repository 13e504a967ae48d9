//! A new key for a running cluster, by file: nobody is lost at any step.

use muster_control::routes::{JOIN, JoinRequest, JoinResponse};
use muster_e2e::{Agent, AgentOptions, Hosts, Kind, Node, reference_is_here, whole};
use std::path::{Path, PathBuf};

const OLD: &str = "cg8StVXbQJ0gPvMd9o7yrg==";
const NEW: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What the files hold, step by step. Every two neighbours in this list can read each other.
const STEPS: [&[&str]; 4] = [&[OLD], &[OLD, NEW], &[NEW, OLD], &[NEW]];

/// Each node has a file of its own, since Serf rewrites its file.
fn keyring(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.json"))
}

/// Whether Muster has part in what one holds of the other. Two of the reference may hold each other leaving for ever, when an intent
/// comes late.
fn is_ours(holder: &str, other: &str) -> bool {
    holder.starts_with("muster") || other.starts_with("muster")
}

#[tokio::test]
async fn keys_are_rotated_by_file_and_one_restart_after_the_other() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let names = ["serf-a", "muster-a", "serf-b", "muster-b"];
    let write = |keys: &[&str]| {
        for name in names {
            let text = serde_json::to_string_pretty(keys).expect("texts are JSON");
            std::fs::write(keyring(directory.path(), name), text).expect("the directory is there");
        }
    };
    write(STEPS[0]);
    let seeds = [hosts.at(1, 7946), hosts.at(2, 7946)];
    let mut nodes = Vec::new();
    for (name, host) in names.into_iter().zip(1..) {
        let kind = if name.starts_with("serf") { Kind::Serf } else { Kind::Muster };
        let file = keyring(directory.path(), name);
        let file = file.to_str().expect("a path of ASCII");
        let mut flags = vec!["-profile", "local", "-keyring-file", file, "-retry-interval", "1s"];
        seeds.iter().for_each(|seed| flags.extend(["-retry-join", seed]));
        nodes.push(Node::start(kind, &hosts, host, name, &flags));
    }
    whole(&nodes).await;

    for keys in &STEPS[1..] {
        write(keys);
        for nth in 0..nodes.len() {
            nodes[nth].leave().await;
            for other in
                nodes.iter().filter(|other| other.name() != names[nth] && is_ours(other.name(), names[nth]))
            {
                other.sees(names[nth], "left").await;
            }
            nodes[nth].restart();
            for (node, name) in nodes.iter().flat_map(|node| names.map(|name| (node, name))) {
                if is_ours(node.name(), name) {
                    node.sees(name, "alive").await;
                }
            }
        }
    }
    for node in &nodes {
        let failures = node.failures();
        // The reference tells of its leave a few times, in datagrams; whoever misses that sees another reference agent
        // fail before it leaves, and tells it twice; its second line names nobody, and never comes without the first.
        const TOLD: [&str; 2] = ["EventMemberFailed: serf-", "agent: Received event: member-failed"];
        let allowed =
            |line: &String| matches!(node, Node::Serf(_)) && TOLD.iter().any(|told| line.contains(told));
        assert!(failures.iter().all(allowed), "{}: {failures:#?}", node.name());
    }
    for node in &nodes {
        let mut unreadable = node.lines(&["refused a", "[ERR]", "ERROR"]);
        // The reference may still send when it ends.
        unreadable.retain(|line| !line.contains("use of closed network connection"));
        assert_eq!(unreadable, Vec::<String>::new(), "everybody could read everything: {}", node.name());
    }

    let flags = ["-encrypt", OLD].into_iter().fold(AgentOptions::default(), AgentOptions::flag);
    let late = Agent::start(&hosts, 9, "late", flags);
    late.sees("late", "alive").await;
    for node in &nodes {
        let request = JoinRequest { addresses: vec![node.address().to_owned()], replay: false };
        let refused = late.control.post::<_, JoinResponse>(JOIN, &request).await;
        assert!(refused.is_err(), "the old key opens {}: {refused:?}", node.name());
    }
}
