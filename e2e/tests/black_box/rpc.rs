//! Serf's own command line against our agent: every command, beside the same command against a real agent of the same
//! cluster.

use muster_e2e::{Agent, AgentOptions, Hosts, Process, SerfAgent, agree, reference, says, wait_for};
use std::process::Command;

const KEY: &str = "cg8StVXbQJ0gPvMd9o7yrg==";
const NEW_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What a command said and how it ended; lines sorted, since each agent lists in an order of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Said {
    code: Option<i32>,
    lines: Vec<String>,
    errors: String,
}

fn said(mut command: Command) -> Said {
    let output = command.output().expect("serf runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines: Vec<String> = text.lines().map(comparable).collect();
    lines.sort();
    Said { code: output.status.code(), lines, errors: String::from_utf8_lossy(&output.stderr).into_owned() }
}

/// Without measured times.
fn comparable(line: &str) -> String {
    if line.starts_with("Query time: ") {
        return "Query time: ...".to_owned();
    }
    // In JSON, the comma is behind all elements but the last.
    let line = line.trim_end_matches(',');
    // Go tells tags in any order.
    let sorted = |word: &str| {
        let mut tags: Vec<&str> = word.split(',').collect();
        tags.sort_unstable();
        tags.join(",")
    };
    line.split(' ').map(sorted).collect::<Vec<_>>().join(" ")
}

/// Asks both the same, and it must come out the same.
fn same(muster: &Agent, serf: &SerfAgent, arguments: &[&str]) -> Said {
    let (ours, theirs) = (said(muster.serf(arguments)), said(serf.serf(arguments)));
    assert_eq!(ours, theirs, "serf {arguments:?}: ours and theirs");
    ours
}

async fn pair(hosts: &Hosts, flags: &[&str]) -> Option<(Agent, SerfAgent)> {
    let handler = ["-event-handler", "query:load=echo fine", "-tag", "role=db"];
    let serf = reference(hosts, 2, "serf", &[&handler, flags].concat()).await?;
    let options = AgentOptions::default().join(&serf.address).tag("role=web");
    let options = flags.iter().fold(options, |options, flag| options.flag(flag));
    let muster = Agent::start(hosts, 1, "muster", options);
    agree(&muster, &serf, 2).await;
    wait_for("the RPC of muster answers", || async {
        let said = said(muster.serf(&["members"]));
        if said.code == Some(0) { Ok(()) } else { Err(format!("{said:?}")) }
    })
    .await;
    Some((muster, serf))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_comes_out_as_with_a_real_agent() {
    let hosts = Hosts::claim();
    let Some((muster, serf)) = pair(&hosts, &[]).await else { return };
    let (nowhere, long) = (hosts.ip(9).to_string(), "x".repeat(600));

    for arguments in [
        &["members"][..],
        &["members", "-detailed"],
        &["members", "-format", "json"],
        &["members", "-format", "xml"],
        &["members", "-role", "web"],
        &["members", "-tag", "role=w.*", "-status", "alive", "-name", "mus.*"],
        &["members", "-tag", "zone=.*"],
        &["members", "-status", "left"],
        &["members", "-name", "("],
        &["event", "deploy", "v1"],
        &["event", "-coalesce=false", "deploy"],
        &["event", "deploy", &long],
        &["query", "-timeout", "1s", "load", "cpu?"],
        &["query", "-timeout", "1s", "-format", "json", "-tag", "role=d", "load"],
        &["query", "-timeout", "500ms", "-no-ack", "-node", "muster", "-relay-factor", "1", "load"],
        &["query", "_serf_x"],
        &["query", "load", &"x".repeat(1100)],
        &["join", &nowhere],
        &["join", &nowhere, &hosts.ip(8).to_string()],
        &["join", "-replay", &muster.address, &serf.address],
        &["force-leave", "nobody"],
        &["force-leave", "-prune", "nobody"],
        &["keys", "-list"],
        &["keys", "-install", NEW_KEY],
        &["keys", "-use", "AQID"],
        &["keys", "-remove", "no base64"],
        &["rtt", "nobody"],
        &["reachability"],
        &["reachability", "-verbose"],
        &["version"],
        &["tags", "-set", "a=b", "-set", "c=d", "-delete", "role"],
        &["tags", "-set", &format!("a={long}")],
        &["tags"],
    ] {
        same(&muster, &serf, arguments);
    }
    agree(&muster, &serf, 2).await;
    let members = same(&muster, &serf, &["members", "-tag", "c=d"]);
    assert_eq!(members.lines.len(), 2, "both have the new tags and have lost the old: {members:?}");
    assert!(!members.lines.concat().contains("role="), "{members:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_have_the_names_and_forms_of_a_real_agent() {
    let hosts = Hosts::claim();
    let Some((muster, serf)) = pair(&hosts, &[]).await else { return };
    let keys = |command: Command| {
        let said = said(command);
        said.lines
            .iter()
            .map(|line| line.split(" = ").next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    // The tags and the handlers are each agent's own.
    let theirs: Vec<_> =
        keys(serf.serf(&["info"])).into_iter().filter(|key| !key.contains("query:load")).collect();
    assert_eq!(keys(muster.serf(&["info"])), theirs);
    let info = said(muster.serf(&["info", "-format", "json"])).lines.concat();
    assert!(info.contains("\"members\": \"2\"") && info.contains("\"name\": \"muster\""), "{info}");
    for (agent, name) in
        [(muster.serf(&["rtt", "muster", "serf"]), "muster"), (serf.serf(&["rtt", "muster", "serf"]), "serf")]
    {
        let mut agent = agent;
        wait_for(&format!("{name} estimates"), || {
            let output = agent.output().expect("serf runs");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let is_estimate = text.starts_with("Estimated muster <-> serf rtt: ") && text.ends_with(" ms\n");
            async move { if is_estimate && output.status.success() { Ok(()) } else { Err(text) } }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_exchanged_through_our_agent_and_listed_as_by_a_real_one() {
    let hosts = Hosts::claim();
    let Some((muster, serf)) = pair(&hosts, &["-encrypt", KEY]).await else { return };
    same(&muster, &serf, &["keys", "-list"]);
    for (arguments, lines) in [
        (["keys", "-install", NEW_KEY], vec![format!("{KEY}  [2/2]"), format!("{NEW_KEY}  [2/2]")]),
        (["keys", "-use", NEW_KEY], vec![format!("{KEY}  [2/2]"), format!("{NEW_KEY}  [2/2]")]),
        (["keys", "-remove", KEY], vec![format!("{NEW_KEY}  [2/2]")]),
    ] {
        let done = said(muster.serf(&arguments));
        assert_eq!(done.code, Some(0), "{done:?}");
        let listed = same(&muster, &serf, &["keys", "-list"]);
        for line in lines {
            let is_line = |listed: &String| listed.split_whitespace().eq(line.split_whitespace());
            assert!(listed.lines.iter().any(is_line), "{line} in {listed:?}");
        }
    }
    // Both refuse in their own words about the key that is in use, and Serf's command prints both.
    same(&muster, &serf, &["keys", "-remove", NEW_KEY]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_shows_the_log_and_what_happens() {
    let hosts = Hosts::claim();
    let Some((muster, serf)) = pair(&hosts, &[]).await else { return };
    let monitor = Process::start("serf monitor", &mut muster.serf(&["monitor", "-log-level", "DEBUG"]));
    says("the old lines of the log are there", "] ", || monitor.said()).await;
    wait_for("the stream shows an event", || async {
        // Again and again: the stream may begin after the first.
        serf.run(&["event", "-coalesce=false", "deploy", "v7"])?;
        let said = monitor.said();
        if said.contains("user: deploy") || said.contains("Name: \"deploy\"") { Ok(()) } else { Err(said) }
    })
    .await;
    let third = Agent::start(&hosts, 3, "third", AgentOptions::default().join(&muster.address));
    third.sees("muster", "alive").await;
    says("the stream shows who joined", "third", || monitor.said()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_asked_for_as_by_a_real_agent() {
    let hosts = Hosts::claim();
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let file = directory.path().join("serf.json");
    std::fs::write(&file, r#"{"rpc_auth": "secret"}"#).expect("the file can be written");
    let flags = ["-config-file", file.to_str().expect("a plain path")];
    if !muster_e2e::reference_is_here() {
        return;
    }
    let serf = SerfAgent::start(&hosts, 2, "serf", &flags);
    let options = flags.iter().fold(AgentOptions::default(), |options, flag| options.flag(flag));
    let muster = Agent::start(&hosts, 1, "muster", options);
    for agent in [muster.serf(&["members", "-rpc-auth=secret"]), serf.serf(&["members", "-rpc-auth=secret"])]
    {
        let mut agent = agent;
        wait_for("the token lets in", || {
            let output = agent.output().expect("serf runs");
            async move { if output.status.success() { Ok(()) } else { Err(format!("{output:?}")) } }
        })
        .await;
    }
    for arguments in [
        &["members"][..],
        &["members", "-rpc-auth=wrong"],
        &["event", "deploy"],
        &["tags", "-set", "a=b"],
        &["keys", "-list"],
        &["info"],
        &["query", "load"],
        &["join", "127.0.0.1"],
        &["leave", "-rpc-auth=wrong"],
    ] {
        let refused = same(&muster, &serf, arguments);
        assert_eq!(refused.code, Some(1), "{refused:?}");
    }
    let said = muster.process.said();
    assert!(!said.contains("secret") && said.contains("gave a wrong token"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leave_by_rpc_ends_the_agent_in_order() {
    let hosts = Hosts::claim();
    let Some((mut muster, serf)) = pair(&hosts, &[]).await else { return };
    let left = said(muster.serf(&["leave"]));
    assert_eq!((left.code, left.lines.concat().as_str()), (Some(0), "Graceful leave complete"), "{left:?}");
    assert_eq!(muster.process.ends().await.code(), Some(0));
    serf.sees("muster", "left").await;
    let refused = said(muster.serf(&["members"]));
    assert_eq!(refused.code, Some(1), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_an_error_if_it_was_asked_for() {
    let hosts = Hosts::claim();
    let _taken = std::net::TcpListener::bind((hosts.ip(1), 7373)).expect("the port is free");
    let mut muster = Agent::start(&hosts, 1, "muster", AgentOptions::default());
    let status = muster.process.ends().await;
    let said = muster.process.said();
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("TCP port {} is in use", hosts.at(1, 7373))), "{said}");
}
