//! The stack Muster replaces, as people glue it together: real Serf, whose handler writes HAProxy's file from the member list
//! and reloads a real HAProxy.

use crate::results::spread_ms;
use crate::setup::first_answer;
use muster_e2e::{Backend, Hosts, Process, SerfAgent, serf_is_installed, wait_for};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

const RUNS: u8 = 20;

/// Renders and reloads on every member event, as the handlers of that stack do.
const HANDLER: &str = r#"#!/bin/bash
cat >/dev/null
exec 9>"$DIR/lock"; flock 9
{
  printf 'global\n  maxconn 1000\ndefaults\n  mode http\n  timeout connect 2s\n  timeout client 30s\n  timeout server 30s\n'
  printf '  option redispatch\n  retries 3\nfrontend http\n  bind %s\n  default_backend app\nbackend app\n  balance roundrobin\n' "$FRONT"
  serf members -rpc-addr="$RPC" -status=alive -tag role=backend | while read -r name address _; do
    [ -n "$name" ] && printf '  server %s %s:3000 check inter 1s\n' "$name" "${address%:*}"
  done
} > "$DIR/haproxy.cfg"
9>&- haproxy -D -f "$DIR/haproxy.cfg" -p "$DIR/pid" $( [ -s "$DIR/pid" ] && echo -sf "$(cat "$DIR/pid")" )
"#;

/// Times from starting a backend's Serf agent to its first proxied request, or why they could not be taken.
pub(crate) async fn joins() -> Value {
    if !serf_is_installed() || !Path::new("/usr/sbin/haproxy").exists() {
        return json!("skipped: Debian's packages serf and haproxy are not installed");
    }
    let hosts = Hosts::claim();
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let script = directory.path().join("handler.sh");
    std::fs::write(&script, HANDLER).expect("the handler can be written");
    let front = hosts.at(1, 8080);
    let mut command = Command::new("serf");
    command
        .args([
            "agent",
            "-node",
            "ha",
            "-bind",
            &hosts.at(1, 7946),
            "-rpc-addr",
            &hosts.at(1, 7373),
            "-event-handler",
        ])
        .arg(format!("member-join,member-leave,member-failed=bash {}", script.display()))
        .env("DIR", directory.path())
        .env("RPC", hosts.at(1, 7373))
        .env("FRONT", &front);
    // Dropped in reverse: first the agent, so that no handler starts another HAProxy, then the last one started.
    let _haproxy = Haproxy(directory.path().join("pid"));
    let _balancer = Process::start("serf ha", &mut command);
    wait_for("the old stack's balancer is up", || async {
        tokio::net::TcpStream::connect(&front).await.map(drop).map_err(|error| error.to_string())
    })
    .await;
    let mut samples = Vec::new();
    for run in 0..RUNS {
        let host = 10 + run;
        let name = format!("s{host}");
        let _app = Backend::start(&hosts, host, &name).await;
        let started = Instant::now();
        let mut agent =
            SerfAgent::start(&hosts, host, &name, &["-tag", "role=backend", "-join", &hosts.at(1, 7946)]);
        samples.push(first_answer(&front, &name, started).await);
        agent.process.signal(rustix::process::Signal::INT);
        agent.process.ends().await;
    }
    spread_ms(&samples)
}

/// The HAProxy that the handler started last, by its PID file; it would outlive a broken-off measurement.
struct Haproxy(PathBuf);

impl Drop for Haproxy {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(&self.0) {
            let _ = Command::new("kill").args(["-9", pid.trim()]).status();
        }
    }
}
