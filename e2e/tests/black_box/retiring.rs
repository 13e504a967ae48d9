//! Whole nodes that are stopped and started, killed in part, or meet balancers that do not answer, under load: nothing fails.

use muster_control::routes::FLEET_REPORTS;
use muster_e2e::load::Loads;
use muster_e2e::{Hosts, Image, Process, WholeNode, binary, docker_is_here, skip, wait_for};
use muster_fleet::Report;
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How often a node is stopped; the figures of `make proof` take fifty.
fn times() -> usize {
    std::env::var("MUSTER_E2E_STOPS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

fn balancer(hosts: &Hosts, host: u8, name: &str) -> WholeNode {
    let listen = hosts.at(host, 8080);
    WholeNode::start(hosts, host, name, &format!("[proxy]\nlisten = [{listen:?}]\nservice = \"web\""))
}

/// Five hundred requests a second, half of them on connections of their own.
fn loads(address: &str) -> Loads {
    Loads::start(address, 250)
}

/// Waits until the balancer reports these backends as up, and no others.
async fn serves(balancer: &WholeNode, names: &[&str]) {
    wait_for(&format!("{} serves {names:?}", balancer.name), || async {
        let reports = balancer.control.get::<Vec<Report>>(FLEET_REPORTS).await.map_err(|e| e.to_string())?;
        let backends = reports.iter().flat_map(|report| &report.backends);
        let up: Vec<&str> = backends.filter(|one| one.state == "up").map(|one| one.node.as_str()).collect();
        if up == names { Ok(()) } else { Err(format!("{up:?}")) }
    })
    .await;
}

#[tokio::test]
async fn a_node_that_is_stopped_and_started_again_and_again_fails_no_request() {
    let hosts = Hosts::claim();
    let lb = balancer(&hosts, 1, "lb");
    let _stays = WholeNode::backend(&hosts, 10, "s10");
    let mut goes = WholeNode::backend(&hosts, 11, "s11");
    serves(&lb, &["s10", "s11"]).await;
    let loads = loads(&hosts.at(1, 8080));
    for _ in 0..times() {
        loads.pass(100).await;
        let status = goes.stop().await;
        assert!(status.success(), "{status}: {}", goes.process.said());
        loads.pass(50).await;
        goes.again();
        serves(&lb, &["s10", "s11"]).await;
    }
    let (all, failed) = loads.stop().await;
    eprintln!("{} stops, {all} requests, {} failed", times(), failed.len());
    assert!(failed.is_empty(), "{} of {all}: {failed:#?}\n{}", failed.len(), goes.process.said());
}

/// A request that takes its time, through the proxy of the very node that serves it.
#[tokio::test]
async fn a_node_that_balances_and_serves_waits_for_its_own_requests() {
    let hosts = Hosts::claim();
    let (front, app) = (hosts.at(1, 8080), hosts.at(1, 3000));
    let program = binary().display().to_string();
    let mut node = WholeNode::start(
        &hosts,
        1,
        "both",
        &format!(
            "[proxy]\nlisten = [{front:?}]\nservice = \"web\"\n[processes.app]\n\
             command = [{program:?}, \"demo\", \"backend\", \"--listen\", {app:?}]\nport = 3000\nservice = \"web\"\n\
             ready = \"tcp {app}\"\nstop_signal = \"KILL\""
        ),
    );
    serves(&node, &["both"]).await;
    let told = ask(
        &app,
        "POST /delay HTTP/1.1\r\nContent-Length: 10\r\nContent-Type: application/x-www-form-urlencoded\r\n",
        "delay=1500",
    )
    .await;
    assert!(told.contains(" 200 "), "{told}");
    let slow = tokio::spawn(async move { ask(&front, "GET / HTTP/1.1\r\n", "").await });
    wait_for("the request is in flight", || async {
        let reports = node.control.get::<Vec<Report>>(FLEET_REPORTS).await.map_err(|e| e.to_string())?;
        let mut backends = reports.iter().flat_map(|report| &report.backends);
        if backends.any(|one| one.in_flight > 0) { Ok(()) } else { Err(format!("{reports:?}")) }
    })
    .await;
    let status = node.stop().await;
    assert!(status.success(), "{status}: {}", node.process.said());
    let answer = slow.await.expect("no panic");
    assert!(answer.contains(" 200 "), "{answer}");
}

/// One request on a connection of its own; the whole answer.
async fn ask(address: &str, head: &str, body: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("somebody listens");
    let request = format!("{head}Host: x\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.expect("it is taken");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn agents_and_proxies_that_are_killed_cost_no_request_but_those_inside() {
    let hosts = Hosts::claim();
    let lb = balancer(&hosts, 1, "lb");
    let backends = [WholeNode::backend(&hosts, 10, "s10"), WholeNode::backend(&hosts, 11, "s11")];
    serves(&lb, &["s10", "s11"]).await;
    let all_loads = loads(&hosts.at(1, 8080));
    for _ in 0..times() {
        for node in [&lb, &backends[0]] {
            all_loads.pass(100).await;
            node.kill_service("agent");
        }
    }
    all_loads.pass(300).await;
    let (all, failed) = all_loads.stop().await;
    eprintln!("{} agents killed, {all} requests, {} failed", 2 * times(), failed.len());
    assert!(failed.is_empty(), "{} of {all}: {failed:#?}", failed.len());

    let all_loads = loads(&hosts.at(1, 8080));
    for _ in 0..times() {
        all_loads.pass(100).await;
        lb.kill_service("proxy");
    }
    all_loads.pass(300).await;
    let (all, failed) = all_loads.stop().await;
    let refused = failed.iter().filter(|why| why.contains("connect:")).count();
    eprintln!("{} proxies killed, {all} requests, {} cut, {refused} refused", times(), failed.len());
    assert_eq!(refused, 0, "{failed:#?}");
    // What was inside the proxy when it was killed: at most what all connections had under way.
    assert!(failed.len() <= times() * 50, "{failed:#?}");
}

#[tokio::test]
async fn a_balancer_that_does_not_answer_is_not_waited_for_longer_than_agreed() {
    let hosts = Hosts::claim();
    let lb = balancer(&hosts, 1, "lb");
    let silent = balancer(&hosts, 2, "silent");
    let mut goes = WholeNode::backend(&hosts, 11, "s11");
    serves(&lb, &["s11"]).await;
    serves(&silent, &["s11"]).await;
    for service in ["agent", "proxy"] {
        let pid = silent.pid_of(service).expect("it runs");
        rustix::process::kill_process(pid, Signal::STOP).expect("it is ours");
    }
    let status = goes.stop().await;
    assert!(status.success(), "{status}: {}", goes.process.said());
    let said = goes.process.said();
    assert!(said.contains("not every balancer answered that nothing is in flight"), "{said}");
    assert!(said.contains("waiting_for=[\"silent\"]"), "who it was is told: {said}");
}

/// The stack that is replaced, beside: HAProxy, steered by a handler of Serf, which sees joins and leaves only.
#[tokio::test]
async fn a_node_that_leaves_beside_serf_and_haproxy_fails_no_request_either() {
    if !muster_e2e::serf_is_installed() {
        return;
    }
    if !Path::new("/usr/sbin/haproxy").exists() {
        return skip("haproxy is not installed (apt install haproxy)");
    }
    let hosts = Hosts::claim();
    let old = OldStack::start(&hosts);
    wait_for("the old stack's balancer is up", || async {
        tokio::net::TcpStream::connect(&old.front).await.map(drop).map_err(|error| error.to_string())
    })
    .await;
    let _stays = WholeNode::backend(&hosts, 10, "s10");
    let mut goes = WholeNode::backend(&hosts, 11, "s11");
    old.serves(&["s10", "s11"]).await;
    let loads = loads(&old.front);
    for _ in 0..times() {
        loads.pass(100).await;
        let status = goes.stop().await;
        assert!(status.success(), "{status}: {}", goes.process.said());
        goes.again();
        old.serves(&["s10", "s11"]).await;
    }
    let (all, failed) = loads.stop().await;
    eprintln!("{} stops beside HAProxy, {all} requests, {} failed", times(), failed.len());
    assert!(failed.is_empty(), "{} of {all}: {failed:#?}\n{}", failed.len(), goes.process.said());
}

/// Renders and reloads on every member event, as people's handlers do; HAProxy takes over its sockets, and does not close connections
/// on which a client is just about to ask something (without that option, a reload failed 11 of 182,951 requests so).
const HANDLER: &str = r#"#!/bin/bash
cat >/dev/null
exec 9>"$DIR/lock"; flock 9
{
  printf 'global\n  maxconn 1000\n  stats socket %s level admin expose-fd listeners\n' "$DIR/haproxy.sock"
  printf 'defaults\n  mode http\n  timeout connect 2s\n  timeout client 30s\n  timeout server 30s\n'
  printf '  option redispatch\n  retries 3\n  option idle-close-on-response\nfrontend http\n  bind %s\n  default_backend app\nbackend app\n' "$FRONT"
  serf members -rpc-addr="$RPC" -status=alive | while read -r name address _; do
    [ "$name" != ha ] && printf '  server %s %s:3000 check inter 200ms\n' "$name" "${address%:*}"
  done
} > "$DIR/new.cfg"
haproxy -c -q -f "$DIR/new.cfg" || exit 1
mv "$DIR/new.cfg" "$DIR/haproxy.cfg"
[ -S "$DIR/haproxy.sock" ] && old=(-x "$DIR/haproxy.sock" -sf $(cat "$DIR/pid")) || old=()
9>&- haproxy -D -f "$DIR/haproxy.cfg" -p "$DIR/pid" "${old[@]}"
"#;

struct OldStack {
    front: String,
    directory: tempfile::TempDir,
    _serf: Process,
}

impl OldStack {
    fn start(hosts: &Hosts) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let script: PathBuf = directory.path().join("handler.sh");
        std::fs::write(&script, HANDLER).expect("the handler can be written");
        let front = hosts.at(1, 8080);
        let mut command = Command::new("serf");
        command
            .args(["agent", "-node", "ha", "-bind", &hosts.at(1, 7946), "-rpc-addr", &hosts.at(1, 7373)])
            .args(["-encrypt", "bXVzdGVyLW11c3Rlci1tdXN0ZXItbXVzdGVyLW11c3Q=", "-event-handler"])
            .arg(format!("member-join,member-leave,member-failed=bash {}", script.display()))
            .env("DIR", directory.path())
            .env("RPC", hosts.at(1, 7373))
            .env("FRONT", &front);
        let _serf = Process::start("serf ha", &mut command);
        Self { front, directory, _serf }
    }

    /// Waits until the file names these and no others, and each has answered through HAProxy: it takes the file over a moment later.
    async fn serves(&self, names: &[&str]) {
        wait_for(&format!("HAProxy serves {names:?}"), || async {
            let file = std::fs::read_to_string(self.directory.path().join("haproxy.cfg")).unwrap_or_default();
            let mut servers: Vec<&str> = file
                .lines()
                .filter_map(|line| line.trim().strip_prefix("server ")?.split(' ').next())
                .collect();
            servers.sort_unstable();
            if servers != names {
                return Err(file);
            }
            let mut answered = BTreeSet::new();
            for _ in 0..4 * names.len() {
                answered.extend(self.who_answers().await);
            }
            let missing = names.iter().find(|name| !answered.contains(**name));
            missing.map_or(Ok(()), |name| Err(format!("{name} does not answer; {answered:?} do")))
        })
        .await;
    }

    async fn who_answers(&self) -> Option<String> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(&self.front).await.ok()?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await.ok()?;
        let (_, rest) = text.split_once("\"host\":\"")?;
        rest.split_once('"').map(|(host, _)| host.to_owned())
    }
}

impl Drop for OldStack {
    /// The HAProxy that the handler started last; it would outlive the test.
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(self.directory.path().join("pid")) {
            let _ = Command::new("kill").arg("-9").args(pid.split_whitespace()).status();
        }
    }
}

#[tokio::test]
async fn containers_that_are_stopped_and_started_fail_no_request() {
    if !docker_is_here() {
        return;
    }
    let image = Image::of(&[(
        "etc/muster/muster.toml",
        "[agent]\nrpc_addr = \"off\"\nencrypt = \"bXVzdGVyLW11c3Rlci1tdXN0ZXItbXVzdGVyLW11c3Q=\"\njoin = [\"lb\"]\n",
    )]);
    let network = image.network();
    let run = ["--entrypoint", "/usr/bin/muster"];
    let lb = network.start("lb", &run, &["run", "--proxy", "--service", "web", "--listen", ":8080"]);
    let app = ["run", "--role", "web", "--", "muster", "demo", "backend", "--listen", "0.0.0.0:3000"];
    let _stays = network.start("s1", &run, &app);
    let goes = network.start("s2", &run, &app);
    let address = format!("{}:8080", lb.address());
    for name in ["s1", "s2"] {
        lb.exec_says(&["muster", "members"], &format!("{name}  "));
    }
    lb.says("backends are ready");
    goes.says("member-update");
    let loads = loads(&address);
    for _ in 0..times() {
        loads.pass(100).await;
        assert_eq!(goes.stop(), 0, "{}", goes.said());
        loads.pass(50).await;
        goes.start_again();
        loads.pass(100).await;
    }
    let (all, failed) = loads.stop().await;
    eprintln!("{} containers stopped, {all} requests, {} failed", times(), failed.len());
    assert!(failed.is_empty(), "{} of {all}: {failed:#?}\n{}", failed.len(), goes.said());
}
