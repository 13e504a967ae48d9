//! Tags that change while agents run, in a cluster of both kinds, and the file that keeps them.

use muster_e2e::{Agent, AgentOptions, Hosts, agree, reference, wait_for};
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

/// Waits until `agent` knows exactly these tags of `name`.
async fn knows(agent: &Agent, name: &str, tags: &BTreeMap<String, String>) {
    wait_for(&format!("{} knows {tags:?} of {name}", agent.name), || async {
        let members = agent.members().await?.members;
        let seen = members.into_iter().find(|member| member.name == name).map(|member| member.tags);
        if seen.as_ref() == Some(tags) { Ok(()) } else { Err(format!("{seen:?}")) }
    })
    .await;
}

#[tokio::test]
async fn changed_tags_are_seen_by_both_kinds_and_too_many_are_refused() {
    let hosts = Hosts::claim();
    let Some(serf) = reference(&hosts, 1, "serf", &["-tag", "role=db"]).await else { return };
    let first = AgentOptions::default().join(&serf.address).tag("role=web").tag("old=1");
    let muster = Agent::start(&hosts, 2, "muster", first);
    let other = Agent::start(&hosts, 3, "other", AgentOptions::default().join(&serf.address));
    agree(&muster, &serf, 3).await;

    let said =
        muster.run(&["tags", "-set", "zone=a=b", "-set", "kept=", "-delete", "old", "-delete", "none"]);
    assert_eq!(said.as_deref(), Ok("Successfully updated agent tags\n"));
    let ours = tags(&[("role", "web"), ("zone", "a=b"), ("kept", "")]);
    knows(&other, "muster", &ours).await;
    agree(&muster, &serf, 3).await;

    serf.run(&["tags", "-set", "role=cache", "-set", "new=1"]).expect("the reference accepts");
    let theirs = tags(&[("role", "cache"), ("new", "1")]);
    knows(&muster, "serf", &theirs).await;
    knows(&other, "serf", &theirs).await;

    let refused = muster.run(&["tags", "-set", &format!("big={}", "x".repeat(600))]).expect_err("too long");
    assert!(refused.contains("the limit is 512; shorten or remove tags"), "{refused}");
    knows(&muster, "muster", &ours).await;
    agree(&other, &serf, 3).await;
    wait_for("both kinds tell of the update", || async {
        let (ours, theirs) = (other.process.said(), serf.process.said());
        let told = ours.contains("member-update") && theirs.contains("EventMemberUpdate: muster");
        if told { Ok(()) } else { Err(format!("{ours}\n{theirs}")) }
    })
    .await;
}

fn with_file(path: &Path) -> AgentOptions {
    AgentOptions::default().flag("-tags-file").flag(&path.display().to_string())
}

#[tokio::test]
async fn a_tags_file_of_serf_is_kept_by_muster_and_read_by_serf_again() {
    let directory = TempDir::new().expect("a temporary directory can be made");
    let path = directory.path().join("tags.json");
    let text = path.display().to_string();
    let hosts = Hosts::claim();
    let Some(serf) = reference(&hosts, 1, "serf", &["-tags-file", &text]).await else { return };
    serf.run(&["tags", "-set", "role=web", "-set", "zone=<a>"]).expect("the reference accepts");
    drop(serf);

    let mut muster = Agent::start(&hosts, 2, "muster", with_file(&path));
    knows(&muster, "muster", &tags(&[("role", "web"), ("zone", "<a>")])).await;
    muster.run(&["tags", "-set", "more=1", "-delete", "zone"]).expect("the change is kept");
    let kept = tags(&[("role", "web"), ("more", "1")]);
    muster.process.kill();
    muster.restart();
    knows(&muster, "muster", &kept).await;
    muster.process.kill();

    let Some(serf) = reference(&hosts, 3, "serf", &["-tags-file", &text]).await else { return };
    let members = serf.members().expect("the reference answers").members;
    assert_eq!(members[0].tags, kept);
}

#[tokio::test]
async fn tags_that_cannot_be_kept_are_not_changed_and_the_agent_goes_on() {
    let directory = TempDir::new().expect("a temporary directory can be made");
    let path = directory.path().join("tags.json");
    std::fs::write(&path, r#"{"role": "web"}"#).expect("the file can be written");
    let hosts = Hosts::claim();
    let muster = Agent::start(&hosts, 1, "muster", with_file(&path));
    let before = tags(&[("role", "web")]);
    knows(&muster, "muster", &before).await;
    // What a read-only directory is to others, this is to root too: the name of the new file is taken for good.
    let taken = directory.path().join(".tags.json.new");
    std::fs::create_dir_all(taken.join("full")).expect("it can be made");
    let refused = muster.run(&["tags", "-set", "a=1"]).expect_err("it cannot be written");
    assert!(
        refused.contains("Failed to write tags file") && refused.contains("stay as they were"),
        "{refused}"
    );
    knows(&muster, "muster", &before).await;
    assert_eq!(std::fs::read_to_string(&path).expect("the file is there"), r#"{"role": "web"}"#);

    std::fs::remove_dir_all(&taken).expect("it can be removed");
    muster.run(&["tags", "-set", "a=1"]).expect("the agent goes on");
    knows(&muster, "muster", &tags(&[("role", "web"), ("a", "1")])).await;
}

#[tokio::test]
async fn tags_in_two_places_or_half_a_file_stop_the_start_in_both_kinds() {
    let directory = TempDir::new().expect("a temporary directory can be made");
    let path = directory.path().join("tags.json");
    let hosts = Hosts::claim();
    for (content, more, words) in [
        ("{}", vec!["-tag", "a=b"], "Tags config not allowed while using tag files"),
        ("{}", vec!["-role", "a"], "Tags config not allowed while using tag files"),
        (r#"{"role": "we"#, vec![], "Failed to decode tags file"),
        (r#"{"role": 5}"#, vec![], "Failed to decode tags file"),
    ] {
        std::fs::write(&path, content).expect("the file can be written");
        let text = path.display().to_string();
        let flags = [vec!["-tags-file", text.as_str()], more].concat();
        let options = flags.iter().fold(AgentOptions::default(), |options, flag| options.flag(flag));
        let mut muster = Agent::start(&hosts, 1, "muster", options);
        assert_eq!(muster.process.ends().await.code(), Some(2));
        assert!(muster.process.said().contains(words), "{}", muster.process.said());
        if muster_e2e::serf_is_installed() {
            let mut serf = muster_e2e::SerfAgent::start(&hosts, 1, "serf", &flags);
            serf.process.ends().await;
            assert!(serf.process.said().contains(words), "{}", serf.process.said());
        } else {
            muster_e2e::skip("Debian's package serf is not installed");
        }
        assert_eq!(std::fs::read_to_string(&path).expect("the file is there"), content);
    }
}
