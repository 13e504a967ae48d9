//! HUP reads the configuration again and applies what can change while the agent runs; a mistake changes nothing.

use muster_e2e::{Agent, AgentOptions, Hosts, Kind, Node, reference, wait_for};
use rustix::process::Signal;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Writes a file of Serf, and tells the node.
fn reload(node: &mut Node, path: &Path, text: &str) {
    fs::write(path, text).expect("the directory is there");
    node.process().signal(Signal::HUP);
}

async fn says(node: &Node, words: &str, times: usize) {
    wait_for(&format!("{} says {words:?} {times} times", node.name()), || async {
        if node.lines(&[words]).len() >= times { Ok(()) } else { Err(node.said()) }
    })
    .await;
}

/// Waits until `seer` sees these tags of `name`.
async fn tags(seer: &Node, name: &str, tags: &[(&str, &str)]) {
    let wanted: Vec<(String, String)> =
        tags.iter().map(|(tag, value)| ((*tag).to_owned(), (*value).to_owned())).collect();
    wait_for(&format!("{} sees {wanted:?}", seer.name()), || async {
        let member = seer.member(name).await?.ok_or("it is no member")?;
        let seen: Vec<(String, String)> = member.tags.into_iter().collect();
        if seen == wanted { Ok(()) } else { Err(format!("{seen:?}")) }
    })
    .await;
}

#[tokio::test]
async fn tags_level_and_leave_options_follow_the_file_in_both_kinds() {
    let hosts = Hosts::claim();
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let Some(seer) = reference(&hosts, 1, "seer", &[]).await else { return };
    let seer = Node::Serf(seer);
    for (kind, host) in [(Kind::Serf, 2), (Kind::Muster, 3)] {
        let name = format!("{kind:?}").to_lowercase();
        let path = directory.path().join(format!("{name}.json"));
        let file = path.to_str().expect("a path of ASCII");
        fs::write(&path, r#"{"tags": {"role": "one"}}"#).expect("the directory is there");
        let flags = ["-config-file", file, "-tag", "zone=a", "-retry-join", seer.address()];
        let mut node = Node::start(kind, &hosts, host, &name, &flags);
        tags(&seer, &name, &[("role", "one"), ("zone", "a")]).await;
        reload(&mut node, &path, r#"{"tags": {"role": "two", "more": "1"}, "log_level": "DEBUG"}"#);
        tags(&seer, &name, &[("more", "1"), ("role", "two"), ("zone", "a")]).await;
        // A mistake: nothing of the file counts, though the rest of it is right.
        reload(&mut node, &path, r#"{"tags": {"role": "three"}, "log_level": "INFO", "no_such_key": 1}"#);
        let words = if kind == Kind::Serf {
            "Failed to reload configs"
        } else {
            "the configuration was not reloaded"
        };
        says(&node, words, 1).await;
        tags(&seer, &name, &[("more", "1"), ("role", "two"), ("zone", "a")]).await;
        if kind == Kind::Muster {
            assert_eq!(
                node.lines(&["the configuration was not reloaded", "no_such_key"]).len(),
                1,
                "{}",
                node.said()
            );
            // The level: a line of an exchange is told at DEBUG only.
            node.join(seer.address()).await;
            says(&node, "DEBUG", 1).await;
        }
        // The leave options.
        reload(&mut node, &path, r#"{"tags": {"role": "four"}, "skip_leave_on_interrupt": true}"#);
        tags(&seer, &name, &[("role", "four"), ("zone", "a")]).await;
        node.process().signal(Signal::INT);
        let status = node.process().ends().await;
        assert_eq!(status.code(), Some(1), "{}", node.said());
        seer.sees(&name, "failed").await;
    }
}

#[tokio::test]
async fn a_flag_beats_the_file_again_and_tags_in_a_file_of_tags_stay() {
    let hosts = Hosts::claim();
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let (path, tags_file) = (directory.path().join("muster.toml"), directory.path().join("tags.json"));
    let text = |path: &Path| path.to_str().expect("a path of ASCII").to_owned();
    fs::write(&path, "[log]\nlevel = \"warn\"\n").expect("the directory is there");
    let options = ["--config", &text(&path), "--log-level", "info", "--tags-file", &text(&tags_file)]
        .into_iter()
        .fold(AgentOptions::default(), AgentOptions::flag);
    let agent = Agent::start(&hosts, 1, "a", options);
    agent.sees("a", "alive").await;
    agent.run(&["tags", "-set", "role=kept"]).expect("tags can be changed");
    let mut node = Node::Muster(agent);
    reload(&mut node, &path, "[log]\nlevel = \"error\"\n");
    // It could not say so at the level of the file.
    says(&node, "configuration reloaded", 1).await;
    tags(&node, "a", &[("role", "kept")]).await;
    reload(&mut node, &path, "[log\n");
    says(&node, "the configuration was not reloaded", 1).await;
    reload(&mut node, &path, "");
    says(&node, "configuration reloaded", 2).await;
    assert!(node.process().stop().await.success());
}

#[tokio::test]
async fn usr1_tells_what_was_counted_in_serfs_form() {
    let hosts = Hosts::claim();
    let Some(serf) = reference(&hosts, 1, "serf", &[]).await else { return };
    let muster = Agent::start(&hosts, 2, "muster", AgentOptions::default().join(&serf.address));
    serf.sees("muster", "alive").await;
    muster.sees("serf", "alive").await;
    for mut node in [Node::Serf(serf), Node::Muster(muster)] {
        let pid = node.process().id();
        wait_for(&format!("{} tells", node.name()), || async {
            // The reference shows what is more than ten seconds old.
            let signalled = Command::new("kill").args(["-USR1", &pid.to_string()]).status();
            assert!(signalled.is_ok_and(|status| status.success()));
            let said = node.said();
            let wanted = [
                "[C] 'serf-agent.serf.member.join': Count: 2 Sum: 2.000 LastUpdated: ",
                "[C] 'serf-agent.memberlist.udp.sent': Count: ",
            ];
            if wanted.iter().all(|line| said.contains(line)) { Ok(()) } else { Err(said) }
        })
        .await;
    }
}
