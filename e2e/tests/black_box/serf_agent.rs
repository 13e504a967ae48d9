//! `serf agent` of both kinds, started with the same flags and driven in the same way: what it prints, how it ends, and
//! what the others think of it then.

use futures_util::future::join_all;
use muster_e2e::{Hosts, Kind, SerfAgent, reference_is_here, says, wait_for};
use rustix::process::Signal;
use std::io::Write;
use tempfile::NamedTempFile;

const KINDS: [Kind; 2] = [Kind::Serf, Kind::Muster];

/// What happens to a running agent.
#[derive(Clone, Copy, Debug)]
enum Told {
    By(Signal),
    /// And once more while it leaves.
    Twice(Signal),
    /// After HUP, with this configuration now.
    Reloaded(&'static str, Signal),
    ByRpc,
}

/// The table of what ends an agent: its configuration, what it is told, its exit code, and its status at the others.
const ENDS: &[(&str, Told, i32, &str)] = &[
    ("{}", Told::By(Signal::INT), 0, "left"),
    ("{}", Told::By(Signal::TERM), 1, "failed"),
    ("{}", Told::ByRpc, 0, "left"),
    (r#"{"skip_leave_on_interrupt": true}"#, Told::By(Signal::INT), 1, "failed"),
    (r#"{"leave_on_terminate": true}"#, Told::By(Signal::TERM), 0, "left"),
    (r#"{"leave_on_terminate": false}"#, Told::By(Signal::TERM), 1, "failed"),
    ("{}", Told::Reloaded(r#"{"tags": {"new": "1"}, "leave_on_terminate": true}"#, Signal::TERM), 0, "left"),
    (
        "{}",
        Told::Reloaded(r#"{"tags": {"new": "1"}, "skip_leave_on_interrupt": true}"#, Signal::INT),
        1,
        "failed",
    ),
];
/// Another one, apart since it must be told again within the second that a leave takes.
const HURRIED: (&str, Told, i32, &str) = ("{}", Told::Twice(Signal::INT), 1, "");

#[tokio::test]
async fn an_agent_starts_and_ends_as_serfs_does() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let lives = (0_u8..).zip(ENDS).flat_map(|(nth, end)| KINDS.map(|kind| (nth, kind, end)));
    // Each with an observer of its own, since real Serf loses leaves among members that died a moment ago.
    let lives =
        lives.zip((1..).step_by(2)).map(|((nth, kind, end), host)| live(&hosts, host, nth, kind, end));
    let said = join_all(lives).await;
    for (both, end) in said.chunks(2).zip(ENDS) {
        assert_eq!(both[0], both[1], "{end:?}");
    }
    let real = live(&hosts, 101, 99, Kind::Serf, &HURRIED).await;
    assert_eq!(live(&hosts, 103, 99, Kind::Muster, &HURRIED).await, real);
}

/// One agent beside one observer, from start to end; what it said.
async fn live(hosts: &Hosts, host: u8, nth: u8, kind: Kind, end: &(&str, Told, i32, &str)) -> Vec<String> {
    let (config, told, code, status) = *end;
    let observer = SerfAgent::start(hosts, host, "observer", &["-profile", "local"]);
    observer.is_up().await;
    let (file, name) = (file(config), format!("{kind:?}{nth}"));
    let flags = ["-profile", "local", "-join", &observer.address, "-config-file", path(&file), "-tag", "a=b"];
    let mut agent = SerfAgent::of(kind, hosts, host + 1, &name, &flags);
    says("the log flows", "EventMemberJoin: ", || agent.process.said()).await;
    observer.sees(&name, "alive").await;
    match told {
        Told::By(signal) => agent.process.signal(signal),
        Told::Twice(signal) => {
            agent.process.signal(signal);
            says("it leaves", "Gracefully shutting down", || agent.process.said()).await;
            agent.process.signal(signal);
        }
        Told::Reloaded(config, signal) => {
            std::fs::write(file.path(), config).expect("it can be written");
            agent.process.signal(Signal::HUP);
            wait_for("the new tag is told", || async {
                let tags = observer.members()?.members.into_iter().find(|member| member.name == name);
                let tags = tags.map(|member| member.tags);
                if tags.as_ref().is_some_and(|tags| tags.contains_key("new")) {
                    Ok(())
                } else {
                    Err(format!("{tags:?}"))
                }
            })
            .await;
            agent.process.signal(signal);
        }
        Told::ByRpc => {
            agent.run(&["leave"]).expect("it leaves");
        }
    }
    let ended = agent.process.ends().await;
    assert_eq!(ended.code(), Some(code), "{kind:?} {told:?} {config}\n{}", agent.process.said());
    if !status.is_empty() {
        observer.sees(&name, status).await;
    }
    own_lines(&agent, &name, &observer)
}

/// What keeps an agent from running: flags, and how both tell it.
#[tokio::test]
async fn an_agent_that_cannot_start_says_so_on_standard_output_and_exits_with_1() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let nobody = hosts.at(99, 7946);
    let unknown_key = file(r#"{"node_nam": "x"}"#);
    let cases: &[(&[&str], bool)] = &[
        // Word for word, or at least as one message.
        (&["-tag", "x"], true),
        (&["-log-level", "loud"], true),
        (&["-profile", "space"], true),
        (&["-retry-interval", "zz"], true),
        (&["-config-file", path(&unknown_key)], false),
        (&["-config-file", "/nonexistent.json"], false),
        (&["-encrypt", "foo"], false),
        (&["-keyring-file", "/nonexistent.json"], false),
        (&["-bind", "203.0.113.7"], false),
        (&["-rpc-addr", "203.0.113.7:7373"], false),
        (&["-join", &nobody], false),
        (&["-retry-join", &nobody, "-retry-max", "1", "-retry-interval", "1s"], false),
    ];
    for (nth, (flags, verbatim)) in (0_u8..).zip(cases) {
        let mut said = Vec::new();
        for (kind, host) in KINDS.into_iter().zip(10 + 2 * nth..) {
            let mut agent = SerfAgent::of(kind, &hosts, host, "n", flags);
            let ended = agent.process.ends().await;
            let text = agent.process.said();
            assert_eq!(ended.code(), Some(1), "{kind:?} {flags:?}\n{text}");
            assert!(text.starts_with("==> "), "{kind:?} {flags:?}\n{text}");
            said.push(text);
        }
        if *verbatim {
            assert_eq!(said[0], said[1]);
        }
    }
}

/// One host, nothing but addresses of their own, and no directory that all could write to.
#[tokio::test]
async fn several_agents_run_on_one_host_and_follow_join_and_retry_join() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let late = hosts.at(3, 7946);
    let first = SerfAgent::of(Kind::Muster, &hosts, 1, "first", &[]);
    first.is_up().await;
    // The one that is not there yet is no reason to end, since the other answers.
    let flags = ["-join", &late, "-join", &first.address];
    let second = SerfAgent::of(Kind::Muster, &hosts, 2, "second", &flags);
    second.sees("first", "alive").await;
    let third = SerfAgent::of(Kind::Serf, &hosts, 3, "third", &["-retry-join", &second.address]);
    for agent in [&first, &second, &third] {
        for name in ["first", "second", "third"] {
            agent.sees(name, "alive").await;
        }
    }
}

fn file(text: &str) -> NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".json").tempfile().expect("a temporary file can be made");
    file.write_all(text.as_bytes()).expect("it can be written");
    file
}

fn path(file: &NamedTempFile) -> &str {
    file.path().to_str().expect("temporary files have plain names")
}

/// Everything but the log, with names and addresses taken out.
fn own_lines(agent: &SerfAgent, name: &str, seed: &SerfAgent) -> Vec<String> {
    let said = agent.process.said();
    let own = said.lines().filter(|line| !line.starts_with("    20"));
    let hidden = [(name, "NAME"), (&agent.address, "GOSSIP"), (&agent.rpc, "RPC"), (&seed.address, "SEED")];
    own.map(|line| hidden.iter().fold(line.to_owned(), |line, (text, word)| line.replace(text, word)))
        .collect()
}
