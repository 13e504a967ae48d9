//! The control socket's routes and the commands on them, in one cluster with real Serf: who tells and asks whom makes no
//! difference.

use muster_control::client::ServerSent;
use muster_control::routes::{
    EVENTS, EVENTS_STREAM, EventRequest, INFO, Info, Payload, QUERIES, QueryLine, QueryRequest, Rtt,
    RttQuery, StreamEvent, StreamQuery,
};
use muster_e2e::{
    Agent, AgentOptions, Hosts, Kind, Network, Node, Process, SerfAgent, Traffic, reference_is_here,
    wait_for, whole,
};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Prints who it is and what it was asked.
const HANDLER: &str = "query:load=printf '%s was asked ' \"$SERF_SELF_NAME\"; cat";
/// Peak resident memory allowed to an agent that is attacked.
const PEAK_KIB_MAX: u64 = 32 << 10;

/// Two of each kind, one cluster.
async fn mixed(hosts: &Hosts) -> Vec<Node> {
    let seed = hosts.at(1, 7946);
    let mut nodes = Vec::new();
    for (host, kind, name) in
        [(1, Kind::Muster, "m1"), (2, Kind::Serf, "s1"), (3, Kind::Muster, "m2"), (4, Kind::Serf, "s2")]
    {
        let mut flags = vec!["-tag", if host < 3 { "role=first" } else { "role=second" }];
        if host > 1 {
            flags.extend(["-retry-join", &seed, "-retry-interval", "1s"]);
        }
        flags.extend(["-event-handler", HANDLER]);
        nodes.push(Node::start(kind, hosts, host, name, &flags));
    }
    whole(&nodes).await;
    nodes
}

fn agent(node: &Node) -> &Agent {
    match node {
        Node::Muster(agent) => agent,
        Node::Serf(serf) => panic!("{} is no agent of ours", serf.name),
    }
}

fn serf(node: &Node) -> &SerfAgent {
    match node {
        Node::Serf(serf) => serf,
        Node::Muster(agent) => panic!("{} is ours", agent.name),
    }
}

async fn stream(agent: &Agent, last_id: Option<&str>) -> ServerSent<StreamEvent> {
    let query = StreamQuery { filter: Some("user".to_owned()) };
    agent.control.server_sent(&query.to_path(), last_id).await.expect("the stream begins")
}

async fn next_name(stream: &mut ServerSent<StreamEvent>) -> String {
    let next = tokio::time::timeout(muster_e2e::PATIENCE, stream.next()).await.expect("something happens");
    match next.expect("the stream is whole") {
        Some(StreamEvent::User { name, .. }) => name,
        other => panic!("{other:?}"),
    }
}

/// How often a real agent says that it received a user event of each name.
fn received(serf: &SerfAgent) -> BTreeMap<String, usize> {
    let mut received = BTreeMap::new();
    for line in serf.process.said().lines() {
        if let Some((_, name)) = line.split_once("Received event: user-event: ") {
            *received.entry(name.trim().to_owned()).or_default() += 1;
        }
    }
    received
}

#[tokio::test]
async fn events_of_either_kind_arrive_once_everywhere() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let nodes = mixed(&hosts).await;
    let mut streams = [stream(agent(&nodes[0]), None).await, stream(agent(&nodes[2]), None).await];
    let names: Vec<String> = nodes.iter().map(|node| format!("from-{}", node.name())).collect();
    for (node, name) in nodes.iter().zip(&names) {
        let said = node.run(&["event", "-coalesce=false", name, "payload"]).expect("the event is sent");
        assert_eq!(said, format!("Event '{name}' dispatched! Coalescing enabled: false\n"));
    }
    let expected: BTreeMap<String, usize> = names.iter().map(|name| (name.clone(), 1)).collect();
    for stream in &mut streams {
        let mut seen = BTreeMap::new();
        for _ in &names {
            *seen.entry(next_name(stream).await).or_default() += 1;
        }
        assert_eq!(seen, expected);
    }
    for serf in [serf(&nodes[1]), serf(&nodes[3])] {
        wait_for("Serf has them all", || async {
            let seen = received(serf);
            if seen.len() == expected.len() { Ok(()) } else { Err(format!("{seen:?}")) }
        })
        .await;
    }
    // Whatever comes twice comes before what is sent after it was seen everywhere, or while this takes its way.
    nodes[1].run(&["event", "-coalesce=false", "last"]).expect("the event is sent");
    for stream in &mut streams {
        assert_eq!(next_name(stream).await, "last");
    }
    for serf in [serf(&nodes[1]), serf(&nodes[3])] {
        wait_for("Serf has the last", || async {
            received(serf).contains_key("last").then_some(()).ok_or_else(|| "not yet".to_owned())
        })
        .await;
        let seen = received(serf);
        assert!(seen.values().all(|count| *count == 1), "{seen:?}");
    }
}

#[tokio::test]
async fn queries_of_either_kind_are_acknowledged_and_answered_once_by_each() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let nodes = mixed(&hosts).await;
    for asker in &nodes {
        // On a crowded machine answers may be late: then it is asked again.
        wait_for(&format!("all answer {}", asker.name()), || async {
            let said = asker.run(&["query", "-relay-factor", "2", "load", "cpu"])?;
            for node in &nodes {
                let ack = format!("Ack from '{}'\n", node.name());
                let count = said.matches(&ack).count();
                assert!(count <= 1, "{count} acks of {}:\n{said}", node.name());
                let answer = format!("Response from '{0}': {0} was asked cpu\n", node.name());
                let answers = said.matches(&answer).count();
                assert!(answers <= 1, "{answers} answers of {}:\n{said}", node.name());
                if (count, answers) != (1, 1) {
                    return Err(said);
                }
            }
            if said.contains("Total Acks: 4\nTotal Responses: 4\n") { Ok(()) } else { Err(said) }
        })
        .await;
        wait_for(&format!("those {} asks answer", asker.name()), || async {
            let said = asker.run(&["query", "-tag", "role=^sec", "-timeout", "2s", "load"])?;
            assert!(!said.contains("from 'm1'") && !said.contains("from 's1'"), "{said}");
            let all = ["Ack from 'm2'", "Response from 'm2'", "Ack from 's2'", "Response from 's2'"];
            if all.iter().all(|line| said.contains(line)) { Ok(()) } else { Err(said) }
        })
        .await;
    }
    // The same through the route: who is expected, and answers as lines.
    let request = QueryRequest {
        name: "load".to_owned(),
        payload: Payload::of(b"\xff"),
        nodes: vec!["s1".to_owned(), "m2".to_owned(), "nobody".to_owned()],
        tags: BTreeMap::new(),
        acks: true,
        relay_factor: 0,
        timeout_ms: Some(2000),
    };
    wait_for("the lines of a query", || async {
        let control = &agent(&nodes[0]).control;
        let mut lines =
            control.post_lines::<_, QueryLine>(QUERIES, &request).await.map_err(|e| e.to_string())?;
        let mut read = Vec::new();
        while let Some(line) = lines.next().await.map_err(|e| e.to_string())? {
            read.push(line);
        }
        assert!(
            matches!(read.first(), Some(QueryLine::Asked { timeout_ms: 2000, expected: 2, .. })),
            "{read:?}"
        );
        let Some(QueryLine::Done { acks: 2, responses: 2 }) = read.last() else {
            return Err(format!("{read:?}"));
        };
        // What a handler gets ends with a line break.
        for from in ["s1", "m2"] {
            let payload = Payload::of(&[from.as_bytes(), b" was asked \xff\n"].concat());
            let answer = QueryLine::Response { from: from.to_owned(), payload };
            assert!(read.contains(&answer), "{read:?}");
        }
        Ok(())
    })
    .await;
}

/// Asker, who is to answer and cannot send to it, and who relays.
const RELAYS: [[Kind; 3]; 3] = [
    [Kind::Muster, Kind::Serf, Kind::Muster],
    [Kind::Muster, Kind::Serf, Kind::Serf],
    [Kind::Serf, Kind::Muster, Kind::Muster],
];

#[tokio::test]
async fn answers_find_their_way_through_others_of_either_kind() {
    if !reference_is_here() {
        return;
    }
    let test = "api::answers_find_their_way_through_others_of_either_kind";
    let Some(network) = Network::own(test) else { return };
    for kinds in RELAYS {
        let hosts = network.hosts(1..=3);
        let seed = hosts.at(3, 7946);
        let start = |(host, kind)| {
            let flags = ["-retry-join", &*seed, "-retry-interval", "1s", "-event-handler", HANDLER];
            Node::start(kind, &hosts, host, ["asker", "answerer", "relay"][usize::from(host) - 1], &flags)
        };
        let nodes: Vec<Node> = (1..).zip(kinds).map(start).collect();
        whole(&nodes).await;
        network.cut(&[hosts.ip(1)], &[hosts.ip(2)], Traffic::Udp);
        // Serf's commands are run from the asker's own host.
        wait_for(&format!("{kinds:?}: the answer is relayed"), || async {
            let said = ask_inside(&nodes[0], &hosts, &["-relay-factor", "2", "load"])?;
            let answered = said.contains("Ack from 'answerer'")
                && said.contains("Response from 'answerer': answerer was asked");
            assert!(said.matches("Ack from 'answerer'").count() <= 1, "{said}");
            if answered { Ok(()) } else { Err(said) }
        })
        .await;
        let said = wait_for("the relay's own answer", || async {
            let said = ask_inside(&nodes[0], &hosts, &["load"])?;
            if said.contains("Ack from 'relay'") { Ok(said) } else { Err(said) }
        })
        .await;
        assert!(!said.contains("from 'answerer'"), "nothing passes without a relay: {said}");
        network.heal();
    }
}

/// Asks on the asker's own host: its RPC listens there, and its control socket is a file.
fn ask_inside(asker: &Node, hosts: &Hosts, rest: &[&str]) -> Result<String, String> {
    match asker {
        Node::Muster(agent) => agent.run(&[&["query"], rest].concat()),
        Node::Serf(_) => {
            let mut command = std::process::Command::new("nsenter");
            let rpc = format!("-rpc-addr={}", hosts.at(1, 7373));
            command.arg(format!("--net=/run/netns/{}", hosts.ip(1))).args(["serf", "query", &rpc]).args(rest);
            let output = command.output().map_err(|error| error.to_string())?;
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            if output.status.success() { Ok(said) } else { Err(said) }
        }
    }
}

#[tokio::test]
async fn reachability_is_judged_as_real_serf_judges_it() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let mut nodes = mixed(&hosts).await;
    for node in &nodes {
        wait_for(&format!("{} reaches all", node.name()), || async {
            let said = node.run(&["reachability", "-verbose"])?;
            for name in ["m1", "s1", "m2", "s2"] {
                assert!(said.contains(&format!("\tAck from '{name}'\n")), "{said}");
            }
            if said.contains("Successfully contacted all live nodes") { Ok(()) } else { Err(said) }
        })
        .await;
    }
    // Stopped and not yet failed: alive in the list, and silent. On a crowded machine it may have failed by then.
    let stopped = Pid::from_raw(nodes[3].process().id().cast_signed()).expect("a process");
    wait_for("all say who is silent", || async {
        kill_process(stopped, Signal::STOP).expect("it is ours");
        let said: Vec<_> = std::thread::scope(|scope| {
            let asking: Vec<_> =
                nodes[..3].iter().map(|node| scope.spawn(|| node.run(&["reachability"]))).collect();
            asking.into_iter().map(|asking| asking.join().expect("no panic")).collect()
        });
        kill_process(stopped, Signal::CONT).expect("it is ours");
        whole(&nodes).await;
        let all_say = said
            .iter()
            .all(|said| said.as_ref().is_err_and(|said| said.contains("Missing acks from:\n\ts2\n")));
        if all_say { Ok(()) } else { Err(format!("{said:?}")) }
    })
    .await;
}

const OLD_KEY: &str = "cg8StVXbQJ0gPvMd9o7yrg==";
const NEW_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[tokio::test]
async fn our_command_exchanges_the_keys_of_both_kinds() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let seed = hosts.at(1, 7946);
    let flags = ["-encrypt", OLD_KEY, "-retry-join", &seed, "-retry-interval", "1s"];
    let nodes = [(1, Kind::Muster, "m"), (2, Kind::Serf, "s")]
        .map(|(host, kind, name)| Node::start(kind, &hosts, host, name, &flags));
    whole(&nodes).await;
    for (arguments, expected) in [
        (vec!["keys", "-install", NEW_KEY], "==> Successfully installed key!\n".to_owned()),
        (vec!["keys", "-use", NEW_KEY], "==> Successfully changed primary key!\n".to_owned()),
        (vec!["keys", "-list"], format!("\n{NEW_KEY}  [2/2]\n{OLD_KEY}                      [2/2]\n")),
        (vec!["keys", "-remove", OLD_KEY], "==> Successfully removed key!\n".to_owned()),
        (vec!["keys", "-list"], format!("\n{NEW_KEY}  [2/2]\n")),
    ] {
        wait_for(&format!("all answer {arguments:?}"), || async {
            let said = nodes[0].run(&arguments)?;
            if said.ends_with(&expected) { Ok(()) } else { Err(said) }
        })
        .await;
    }
    let failed = nodes[0].run(&["keys", "-remove", NEW_KEY]).expect_err("they seal with it");
    assert!(failed.contains("Error removing key: ") && failed.contains("reported failure"), "{failed}");
    assert!(failed.contains("muster: failed: s: "), "who refused is named: {failed}");
    whole(&nodes).await;
}

/// Milliseconds of `Estimated a <-> b rtt: 0.489 ms`.
fn milliseconds(said: &str) -> Option<f64> {
    said.split_once("rtt: ")?.1.split_once(" ms")?.0.parse().ok()
}

#[tokio::test]
async fn round_trips_are_estimated_as_real_serf_estimates_them() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let nodes = mixed(&hosts).await;
    let [muster, serf] = [&nodes[0], &nodes[1]];
    for pair in [["s1", "s2"], ["m2", "s2"], ["m1", "s1"]] {
        // Each has heard of the others' places at other times, so the two agree about, not exactly.
        wait_for(&format!("both agree how far {pair:?} are"), || async {
            let [ours, theirs] = [muster, serf].map(|node| node.run(&[&["rtt"], &pair[..]].concat()));
            let (ours, theirs) = (ours?, theirs?);
            assert!(ours.starts_with(&format!("Estimated {} <-> {} rtt: ", pair[0], pair[1])), "{ours}");
            let (Some(a), Some(b)) = (milliseconds(&ours), milliseconds(&theirs)) else {
                return Err(ours + &theirs);
            };
            // A fifth, or what a crowded machine adds and takes away between two probes.
            if (a - b).abs() <= (0.2 * a.max(b)).max(2.0) { Ok(()) } else { Err(format!("{a} ms, {b} ms")) }
        })
        .await;
    }
    let query = RttQuery { from: "s1".to_owned(), to: None };
    let rtt: Rtt = agent(muster).control.get(&query.to_path()).await.expect("an estimate");
    assert_eq!((&*rtt.from, &*rtt.to), ("s1", "m1"));
    let nobody = muster.run(&["rtt", "nobody"]).expect_err("nobody has no coordinate");
    assert!(nobody.contains("Could not find a coordinate for node \"nobody\""), "{nobody}");
}

#[tokio::test]
async fn a_stream_that_is_cut_goes_on_where_it_stopped() {
    if !reference_is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let nodes = mixed(&hosts).await;
    let muster = agent(&nodes[0]);
    let names: Vec<String> = (0..30).map(|number| format!("e{number}")).collect();
    let mut first = stream(muster, None).await;
    let mut place = None;
    let mut seen = Vec::new();
    for (at, name) in names.iter().enumerate() {
        nodes[1 + at % 3].run(&["event", "-coalesce=false", name]).expect("the event is sent");
        if at == 9 {
            seen.push(next_name(&mut first).await);
            place = first.last_id().map(str::to_owned);
        }
    }
    drop(first);
    let place = place.expect("the stream has ids");
    let mut again = stream(muster, Some(&place)).await;
    while seen.len() < names.len() {
        seen.push(next_name(&mut again).await);
    }
    let mut expected = names.clone();
    expected.sort();
    seen.sort();
    assert_eq!(seen, expected, "none is lost and none comes twice");

    // Another life of the agent knows nothing of it, and says so.
    let mut nodes = nodes;
    nodes[0].leave().await;
    nodes[0].restart();
    whole(&nodes).await;
    let mut after = stream(agent(&nodes[0]), Some(&place)).await;
    let told = after.next().await.expect("the stream is whole");
    assert_eq!(told, Some(StreamEvent::Missed { count: None }));
}

#[tokio::test]
async fn monitor_shows_the_log_and_what_happens_and_ends_with_0() {
    let hosts = Hosts::claim();
    let agent = Agent::start(&hosts, 1, "watched", AgentOptions::default());
    agent.sees("watched", "alive").await;
    let mut command = std::process::Command::new(muster_e2e::binary());
    command.args(["monitor", "--socket"]).arg(agent.control.socket());
    let mut monitor = Process::start("monitor", &mut command);
    wait_for("the event is shown", || async {
        agent.run(&["event", "deploy", "v1"])?;
        let said = monitor.said();
        if said.contains("==> user deploy: v1 (ltime ") { Ok(()) } else { Err(said) }
    })
    .await;
    let said = monitor.said();
    assert!(said.contains("[INFO] serf: EventMemberJoin: watched"), "what was logged before: {said}");
    monitor.signal(Signal::INT);
    assert_eq!(monitor.ends().await.code(), Some(0));
}

/// Most bytes the agent ever held.
fn peak_kib(agent: &Agent) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.process.id())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("Linux tells it");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

async fn is_served(agent: &Agent) {
    let _: Info = agent.control.get(INFO).await.expect("commands are served");
    agent.run(&["members"]).expect("commands are served");
}

/// A connection that asks for `path` and never reads.
fn deaf(agent: &Agent, path: &str) -> std::io::Result<UnixStream> {
    let mut stream = UnixStream::connect(agent.control.socket())?;
    stream.set_write_timeout(Some(Duration::from_millis(100)))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes())?;
    Ok(stream)
}

#[tokio::test]
async fn hostile_clients_are_bounded_and_others_served() {
    let hosts = Hosts::claim();
    let agent = Agent::start(&hosts, 1, "attacked", AgentOptions::default().flag("-log-level=warn"));
    agent.sees("attacked", "alive").await;
    let mut quick = stream(&agent, None).await;

    // As many streams as there may be, none of which is read, and then events that nobody of them takes.
    let mut held: Vec<UnixStream> = (0..80).filter_map(|_| deaf(&agent, EVENTS_STREAM).ok()).collect();
    is_served(&agent).await;
    let payload = Payload::of("x".repeat(400).as_bytes());
    for _ in 0..3000 {
        let event = EventRequest { name: "storm".to_owned(), payload: payload.clone(), coalesce: false };
        let () = agent.control.post(EVENTS, &event).await.expect("the event is sent");
        assert_eq!(next_name(&mut quick).await, "storm", "who reads misses nothing");
    }
    is_served(&agent).await;
    println_peak("deaf streams", &agent);

    // A thousand that say nothing, or begin to.
    for at in 0..1000 {
        let Ok(mut stream) = UnixStream::connect(agent.control.socket()) else { continue };
        if at % 2 == 0 {
            let _ = stream.write_all(b"POST /api/v1/events HTTP/1.1\r\nhost: x\r\n");
        }
        held.push(stream);
        if at % 250 == 0 {
            is_served(&agent).await;
        }
    }
    is_served(&agent).await;
    println_peak("silent connections", &agent);
    drop(held);

    // Heads and bodies without end, and noise.
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..200 {
        let Ok(mut stream) = UnixStream::connect(agent.control.socket()) else { continue };
        let _ = stream.set_write_timeout(Some(Duration::from_secs(5)));
        let bytes = match round % 4 {
            0 => {
                format!("GET /api/v1/members HTTP/1.1\r\nhost: x\r\nx: {}", "y".repeat(1 << 20)).into_bytes()
            }
            1 => [
                &b"POST /api/v1/queries HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n"[..],
                &vec![b'['; 1 << 20],
            ]
            .concat(),
            2 => format!("GET /api/v1/members?name={} HTTP/1.1\r\nhost: x\r\n\r\n", "(a|b){99}".repeat(900))
                .into_bytes(),
            _ => (0..10_000).map(|_| random.u8(..)).collect(),
        };
        // It is closed before all is taken.
        let _ = stream.write_all(&bytes);
    }
    is_served(&agent).await;
    println_peak("endless requests", &agent);
    assert!(!agent.process.said().contains("panicked"), "{}", agent.process.said());
}

/// Tells what an attack cost, and asserts that it is bounded.
#[allow(clippy::print_stdout, reason = "what was measured is for whoever reads the log")]
fn println_peak(after: &str, agent: &Agent) {
    let peak = peak_kib(agent);
    println!("after {after} the agent has held at most {peak} KiB");
    assert!(peak <= PEAK_KIB_MAX, "{peak} KiB after {after}");
}
