//! Our binary called `serf` beside the real one: the same words to the same agent, of either kind, give the same bytes and
//! the same exit code.

use muster_e2e::{Hosts, Kind, Process, SerfAgent, reference_is_here, says, serf, wait_for};
use rustix::process::Signal;
use std::process::{Command, Output};

const KINDS: [Kind; 2] = [Kind::Serf, Kind::Muster];

/// Words of a command each. `NODE` is another member, `ADDRESS` its gossip, `DEAD` an address where nobody is, `KEY` a key.
const COMMANDS: &[&str] = &[
    // Which command, and what is wrong with its words.
    "",
    "bogus",
    "--help",
    "-h",
    "-version",
    "-version members",
    "members --help",
    "version --help",
    "members -bogus",
    "members --h",
    "-foo members",
    "-foo bogus",
    "bogus --help",
    "members -detailed=maybe",
    "members -tag",
    "members -tag foo",
    "members ---x",
    "members -=x",
    "members -format xml",
    "keys",
    "keys -list -use x",
    "keys -use x -remove x",
    "event",
    "event a b c",
    "query",
    "query a b c",
    "query -timeout zz x",
    "query -relay-factor 300 x",
    "query -relay-factor zz x",
    "query -tag x a",
    "query -format xml load",
    "force-leave",
    "force-leave a b",
    "join",
    "tags",
    "tags -set a",
    "rtt",
    "rtt a b c",
    "monitor -log-level zz",
    // No agent there, or not for us.
    "members -rpc-addr 127.0.0.1:1",
    "members -rpc-addr localhost:1",
    "members -rpc-addr=",
    "members -rpc-addr 127.0.0.1",
    "members -rpc-addr [::1",
    "members -rpc-auth wrong",
    // What an agent knows.
    "members",
    "members -",
    "members -- -x",
    "members -detailed",
    "members -detailed=T -format text",
    "members -format json",
    "members -format json -name nobody",
    "members -name nobody",
    "members -name NODE -tag role=d. -tag x=.* -status alive",
    "members -role db",
    "members -tag role=(",
    "info",
    "info -format json",
    "info -format xml",
    "rtt nobody",
    "rtt NODE nobody",
    // What it does.
    "event deploy now",
    "event -coalesce=false deploy",
    "event _TOOLONG_",
    "query -timeout 300ms load hey",
    "query -timeout 300ms -format json load",
    "query -timeout 300ms -no-ack -node NODE load",
    "query -timeout 300ms -relay-factor 0x10 nothing",
    "query -timeout 300ms -tag role=( load",
    "query -timeout 300ms -format json -no-ack -node nobody load",
    "query _serf_foo",
    "query _TOOLONG_",
    "reachability",
    "reachability -verbose",
    "tags -set a=b -set c=1 -delete zz",
    "tags -delete a -delete c",
    "join ADDRESS",
    "join -replay DEAD ADDRESS",
    "join DEAD",
    "force-leave nobody",
    "force-leave -prune nobody",
    "keys -list",
    "keys -install foo",
    "keys -install KEY",
    "keys -use KEY",
    "keys -remove KEY",
    "keygen whatever",
];

#[tokio::test]
async fn each_command_says_the_same_by_either_name() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let flags = [
        "-profile",
        "local",
        "-tag",
        "role=db",
        "-tag",
        "x=<&> y",
        "-event-handler",
        "query:load=printf 'a\\nb\\n'",
    ];
    let agents = [(Kind::Serf, 1), (Kind::Muster, 2)].map(|(kind, host)| {
        let seed = hosts.at(1, 7946);
        let flags = [&flags[..], &["-retry-join", &seed]].concat();
        SerfAgent::of(kind, &hosts, host, &format!("node{host}"), &flags)
    });
    let [real, ours] = &agents;
    for (agent, other) in [(real, "node2"), (ours, "node1")] {
        agent.is_up().await;
        agent.sees(other, "alive").await;
    }
    let key = run(Kind::Serf, "keygen", "").stdout;
    let key = String::from_utf8_lossy(&key);
    let mut differ = Vec::new();
    for (agent, other) in [(real, ours), (ours, real)] {
        for command in COMMANDS {
            let words = command
                .replace("NODE", &other.name)
                .replace("ADDRESS", &other.address)
                .replace("DEAD", &hosts.at(99, 7946))
                .replace("KEY", key.trim())
                .replace("_TOOLONG_", &"x".repeat(1100));
            let [real, ours] = KINDS.map(|kind| seen(&run(kind, &words, &agent.rpc)));
            if real != ours {
                differ.push(format!("serf {command}, to {}:\n{real}\nbut ours:\n{ours}", agent.name));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
}

#[tokio::test]
async fn either_leave_ends_an_agent_of_the_other_kind() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    for (host, of_agent, of_command) in [(1, Kind::Serf, Kind::Muster), (2, Kind::Muster, Kind::Serf)] {
        let mut agent = SerfAgent::of(of_agent, &hosts, host, "leaves", &[]);
        agent.is_up().await;
        let output = run(of_command, "leave", &agent.rpc);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "Graceful leave complete\n");
        assert_eq!(output.status.code(), Some(0));
        let status = agent.process.ends().await;
        assert_eq!(status.code(), Some(0), "{}", agent.process.said());
    }
}

/// The version must differ, and be one that a script can take apart.
#[test]
fn the_version_says_which_serf_and_that_it_is_muster() {
    for words in ["version", "-v", "members --version", "version -x"] {
        let text = String::from_utf8_lossy(&run(Kind::Muster, words, "").stdout).into_owned();
        let (first, second) = text.split_once('\n').expect("two lines");
        assert!(first.starts_with("0.9.4 (Muster "), "{text}");
        assert_eq!(second, "Agent Protocol: 5 (Understands back to: 2)\n");
    }
}

/// INT and the agent's end, for each kind of command at each kind of agent.
#[tokio::test]
async fn a_monitor_ends_with_0_when_told_and_with_1_when_the_agent_ends() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    for (host, of_agent) in [(1, Kind::Serf), (2, Kind::Muster)] {
        let mut agent = SerfAgent::of(of_agent, &hosts, host, "watched", &[]);
        agent.is_up().await;
        let mut monitors = KINDS.map(|kind| {
            let mut command = Command::new(serf(kind));
            let command = command.args(["monitor", "-log-level", "debug", "-rpc-addr", &agent.rpc]);
            [0, 1].map(|_| Process::start("monitor", &mut *command))
        });
        for monitor in monitors.iter().flatten() {
            says("the log is shown", "[INFO] serf: EventMemberJoin: watched ", || monitor.said()).await;
        }
        wait_for("an event is shown", || async {
            agent.run(&["event", "-coalesce=false", "seen", "hi"])?;
            match monitors.iter().flatten().all(|monitor| monitor.said().contains("\tName: \"seen\"")) {
                true => Ok(()),
                false => Err(monitors[1][0].said()),
            }
        })
        .await;
        for monitor in monitors.iter().flatten() {
            says("its payload", "\tPayload: []byte{0x68, 0x69}", || monitor.said()).await;
        }
        for [told, _] in &mut monitors {
            told.signal(Signal::INT);
            assert_eq!(told.ends().await.code(), Some(0), "{}", told.said());
        }
        agent.process.kill();
        for [_, left] in &mut monitors {
            assert_eq!(left.ends().await.code(), Some(1));
            assert!(
                left.said().contains("\nRemote side ended the monitor! This usually means"),
                "{}",
                left.said()
            );
        }
    }
}

/// INT while it waits for answers.
#[tokio::test]
async fn a_query_that_is_interrupted_ends_with_1() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let agent = SerfAgent::start(&hosts, 1, "asked", &[]);
    agent.is_up().await;
    for kind in KINDS {
        for (words, waits, said) in [
            (&["query", "-timeout", "1h", "x"][..], "Ack from 'asked'", ""),
            (&["reachability", "-verbose"], "Ack from 'asked'", "Test interrupted\n"),
        ] {
            let mut command = Command::new(serf(kind));
            let mut asking = Process::start("asking", command.args(words).env("SERF_RPC_ADDR", &agent.rpc));
            says("it waits", waits, || asking.said()).await;
            asking.signal(Signal::INT);
            assert_eq!(asking.ends().await.code(), Some(1), "{kind:?} {words:?}");
            assert!(asking.said().ends_with(&format!("Ack from 'asked'\n{said}")), "{}", asking.said());
        }
    }
}

fn run(kind: Kind, words: &str, rpc: &str) -> Output {
    let mut command = Command::new(serf(kind));
    command.args(words.split(' ').filter(|word| !word.is_empty())).env("SERF_RPC_ADDR", rpc);
    command.env_remove("SERF_RPC_AUTH").output().expect("serf can be run")
}

/// Exit code and both outputs, without what cannot be equal: the wording of help, times, tags' order, and the order in which
/// members answer.
fn seen(output: &Output) -> String {
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let text = match text.split_once("Usage: serf ") {
            Some((before, usage)) => format!("{before}Usage: {}", usage.lines().next().unwrap_or_default()),
            None => text,
        };
        let mut lines: Vec<String> = text.split('\n').map(line).collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    format!("exit {:?}\n{out}\n-- standard error --\n{err}", output.status.code())
}

fn line(line: &str) -> String {
    // In JSON no comma stands behind whoever answered last.
    let line = line.strip_suffix(',').unwrap_or(line);
    let changing = ["goroutines", "event_time", "query_time", "member_time", "health_score", "_queue"];
    if changing.iter().any(|name| line.contains(name)) {
        return line.split(['=', ':']).next().unwrap_or_default().to_owned();
    }
    if line.starts_with("Query time: ") || line.starts_with("Estimated ") {
        return line.chars().filter(|c| !c.is_ascii_digit()).collect();
    }
    if line.len() == 44 && line.ends_with('=') {
        return "a key".to_owned();
    }
    // Tags stand in one word, but a value may have spaces; the letters are the same in any order.
    match line.split_once("  alive  ") {
        Some((before, tags)) => {
            let mut tags: Vec<&str> = tags.split([',', ' ']).collect();
            tags.sort_unstable();
            format!("{before} {tags:?}")
        }
        None => line.to_owned(),
    }
}
