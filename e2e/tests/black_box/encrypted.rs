//! One encrypted cluster of real Serf 0.9.4 and Muster; and strangers in front of it, from either side.

use muster_control::routes::{INFO, Info, JOIN, JoinRequest, JoinResponse};
use muster_e2e::{Agent, AgentOptions, Hosts, SerfAgent, agree, reference, wait_for};
use std::process::Command;

/// One key of each size that AES knows.
const KEYS: [&str; 3] = [
    "cg8StVXbQJ0gPvMd9o7yrg==",
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
];

/// What an agent with this key is started with; Serf's and ours are the same.
fn encrypt(key: &str) -> [&str; 2] {
    ["-encrypt", key]
}

fn options(flags: &[&str]) -> AgentOptions {
    flags.iter().fold(AgentOptions::default(), |options, flag| options.flag(flag))
}

fn texts(flags: &[String]) -> Vec<&str> {
    flags.iter().map(String::as_str).collect()
}

/// Joins both ways, probes, and leaves from both sides.
async fn one_cluster(flags: impl Fn(&'static str) -> Vec<String>) {
    let hosts = Hosts::claim();
    let Some(serf) = reference(&hosts, 1, "serf", &texts(&flags("serf"))).await else { return };
    let muster = Agent::start(&hosts, 2, "muster", options(&texts(&flags("muster"))).join(&serf.address));
    agree(&muster, &serf, 2).await;
    let late_flags = [flags("late-serf"), vec!["-join".into(), muster.address.clone()]].concat();
    let Some(mut late_serf) = reference(&hosts, 3, "late-serf", &texts(&late_flags)).await else { return };
    let mut late = Agent::start(&hosts, 4, "late", options(&texts(&flags("late"))).join(&late_serf.address));
    agree(&muster, &serf, 4).await;
    agree(&late, &late_serf, 4).await;
    let Info(info) = muster.control.get(INFO).await.expect("the agent answers");
    assert_eq!(info["serf"]["encrypted"], "true");

    let status = late.process.stop().await;
    assert!(status.success(), "TERM leaves and exits 0, not {status}:\n{}", late.process.said());
    serf.sees("late", "left").await;
    muster.sees("late", "left").await;
    late_serf.process.signal(rustix::process::Signal::INT);
    muster.sees("late-serf", "left").await;
    serf.sees("late-serf", "left").await;
    late_serf.process.ends().await;
    assert!(!serf.process.said().contains("EventMemberFailed"), "nobody failed:\n{}", serf.process.said());
    for process in [&serf.process, &muster.process] {
        let said = process.said();
        assert!(!said.contains("refused a") && !said.contains("[ERR]"), "nothing was unreadable:\n{said}");
    }
}

#[tokio::test]
async fn serf_and_muster_meet_and_leave_with_a_key_of_128_bits() {
    one_cluster(|_| encrypt(KEYS[0]).map(str::to_owned).to_vec()).await;
}

#[tokio::test]
async fn serf_and_muster_meet_and_leave_with_a_key_of_192_bits() {
    one_cluster(|_| encrypt(KEYS[1]).map(str::to_owned).to_vec()).await;
}

#[tokio::test]
async fn serf_and_muster_meet_and_leave_with_a_key_of_256_bits() {
    one_cluster(|_| encrypt(KEYS[2]).map(str::to_owned).to_vec()).await;
}

/// In the middle of an exchange of keys: some seal with the old one already, some still with the new one.
#[tokio::test]
async fn keyring_files_of_serf_are_muster_s_too() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    one_cluster(|name| {
        let keys = if name.contains("late") { [KEYS[0], KEYS[2]] } else { [KEYS[2], KEYS[0]] };
        let path = directory.path().join(name);
        // As Serf writes it.
        let text = serde_json::to_string_pretty(&keys).expect("texts are JSON");
        std::fs::write(&path, text).expect("the directory is there");
        vec!["-keyring-file".to_owned(), path.to_str().expect("a path of ASCII").to_owned()]
    })
    .await;
}

#[tokio::test]
async fn a_key_made_by_either_is_a_key_for_both() {
    let hosts = Hosts::claim();
    let made = Command::new(muster_e2e::binary()).arg("keygen").output().expect("muster runs").stdout;
    let key = String::from_utf8(made).expect("base64 is ASCII");
    let Some(serf) = reference(&hosts, 1, "serf", &encrypt(key.trim())).await else { return };
    let made = Command::new("serf").arg("keygen").output().expect("serf runs").stdout;
    let theirs = String::from_utf8(made).expect("base64 is ASCII");
    let check = Command::new(muster_e2e::binary())
        .args(["check", "agent", "-bind", &hosts.at(2, 7946), "-socket", "/tmp/m.sock"])
        .args(encrypt(theirs.trim()))
        .output()
        .expect("muster runs");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    let muster = Agent::start(&hosts, 2, "muster", options(&encrypt(key.trim())).join(&serf.address));
    agree(&muster, &serf, 2).await;
}

/// `from` cannot join `to`, and learns why.
async fn muster_is_refused(from: &Agent, to: &str, reason: &str) {
    let request = JoinRequest { addresses: vec![to.to_owned()], replay: false };
    let refused = from.control.post::<_, JoinResponse>(JOIN, &request).await.expect_err("no key, no cluster");
    assert!(refused.to_string().contains(reason), "{refused}");
}

/// The reference cannot join `to`, and says `reason` in its log.
async fn serf_is_refused(from: &SerfAgent, to: &str, reason: &str) {
    let refused = from.run(&["join", to]);
    assert!(refused.is_err(), "{refused:?}");
    wait_for(&format!("serf says {reason:?}"), || async {
        let said = from.process.said();
        if said.contains(reason) { Ok(()) } else { Err(said) }
    })
    .await;
}

#[tokio::test]
async fn who_has_no_key_or_another_one_is_refused_by_either_side() {
    let hosts = Hosts::claim();
    let Some(serf) = reference(&hosts, 1, "serf", &encrypt(KEYS[0])).await else { return };
    let muster = Agent::start(&hosts, 2, "muster", options(&encrypt(KEYS[0])).join(&serf.address));
    agree(&muster, &serf, 2).await;

    let Some(wrong_serf) = reference(&hosts, 3, "wrong-serf", &encrypt(KEYS[1])).await else { return };
    let Some(plain_serf) = reference(&hosts, 4, "plain-serf", &[]).await else { return };
    let wrong = Agent::start(&hosts, 5, "wrong", options(&encrypt(KEYS[2])));
    let plain = Agent::start(&hosts, 6, "plain", AgentOptions::default());
    wrong.sees("wrong", "alive").await;
    plain.sees("plain", "alive").await;

    muster_is_refused(&wrong, &serf.address, "no key that is installed here opens it").await;
    muster_is_refused(&plain, &serf.address, "encrypted, but no key is configured here").await;
    muster_is_refused(&wrong, &plain_serf.address, "not encrypted, but a key is configured here").await;
    serf_is_refused(&wrong_serf, &muster.address, "No installed keys could decrypt the message").await;
    serf_is_refused(
        &plain_serf,
        &muster.address,
        "Remote state is encrypted and encryption is not configured",
    )
    .await;
    serf_is_refused(
        &wrong_serf,
        &plain.address,
        "Encryption is configured but remote state is not encrypted",
    )
    .await;

    // Nobody got in anywhere, and the cluster still takes those with the key.
    for (stranger, name) in [(&wrong, "wrong"), (&plain, "plain")] {
        assert_eq!(stranger.members().await.expect("it answers").members.len(), 1, "{name}");
    }
    for stranger in [&wrong_serf, &plain_serf] {
        assert_eq!(stranger.members().expect("it answers").members.len(), 1, "{}", stranger.name);
    }
    let late = Agent::start(&hosts, 7, "late", options(&encrypt(KEYS[0])).join(&serf.address));
    agree(&late, &serf, 3).await;
    agree(&muster, &serf, 3).await;
}
