//! A handler that never ends, beside one that works: what the second still gets.

use crate::cluster::Kind;
use crate::rpc::{Rpc, numbered};
use muster_e2e::{Hosts, binary, wait_for};
use serde_json::{Map, Value, json};
use std::fs::read_to_string;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const EVENTS: u64 = 20;
/// The reference would wait for ever.
const LIMIT: Duration = Duration::from_secs(10);

pub(crate) async fn measure() -> Value {
    let mut row = Map::new();
    for kind in [Kind::Muster, Kind::Serf] {
        row.insert(format!("{kind:?}").to_lowercase(), one(kind).await);
    }
    Value::Object(row)
}

async fn one(kind: Kind) -> Value {
    let (hosts, directory) =
        (Hosts::claim(), tempfile::tempdir().expect("a temporary directory can be made"));
    let seen = directory.path().join("seen");
    let (bind, rpc) = (hosts.at(1, 7946), hosts.at(1, 7373));
    let works = format!("user:works=echo seen >> {}", seen.display());
    let mut command = match kind {
        Kind::Serf => Command::new("serf"),
        Kind::Muster => Command::new(binary()),
    };
    command.args(["agent", "-node", "lone", "-bind", &bind, "-rpc-addr", &rpc]);
    if kind == Kind::Muster {
        command.arg("--socket").arg(directory.path().join("muster.sock"));
    }
    // Ends with its agent, however that ends.
    let hangs = "user:hangs=exec tail -f --pid=$PPID /dev/null";
    command.args(["-event-handler", hangs, "-event-handler", &works]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the agent can be started");
    let mut session = wait_for("the agent's RPC answers", || Rpc::connect(&rpc)).await;
    session.ask(&numbered("hangs", b"")).await.expect("the event is taken");
    let begun = Instant::now();
    for number in 0..EVENTS {
        session.ask(&numbered("works", &number.to_be_bytes())).await.expect("the event is taken");
    }
    let count = || read_to_string(&seen).map_or(0, |text| text.lines().count() as u64);
    while count() < EVENTS && begun.elapsed() < LIMIT {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (handled, after_s) = (count(), begun.elapsed().as_secs_f64());
    let _ = child.kill();
    let _ = child.wait();
    println!("hung handler, {kind:?}: {handled} of {EVENTS} handled beside it after {after_s:.2} s");
    json!({ "events_beside_it": EVENTS, "handled": handled, "after_s": after_s, "waited_at_most_s": LIMIT.as_secs() })
}
