//! The proxies, each with one thread on a core of its own, and the backends they have in common.

use super::{OTHER_CORE, THEIR_CORE};
use muster_e2e::{Agent, AgentOptions, Hosts, Process, Proxy, wait_for};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The hosts of the backends.
const BACKENDS: [u8; 2] = [11, 12];

/// One proxy.
#[derive(Debug)]
pub(crate) struct Rival {
    pub(crate) name: &'static str,
    /// Where it serves, `IP:PORT`.
    pub(crate) address: String,
    process: Process,
    /// Whom it follows.
    _agents: Vec<Agent>,
}

impl Rival {
    pub(crate) async fn muster(hosts: &Hosts) -> Self {
        let lb = Agent::start(hosts, 1, "lb", AgentOptions::default().tag("balances=1"));
        let mut agents = Vec::new();
        for host in BACKENDS {
            let options = AgentOptions::default().join(hosts.at(1, 7946)).tag("role=backend");
            agents.push(Agent::start(hosts, host, &format!("s{host}"), options));
        }
        let proxy = Proxy::start(hosts, 1, &lb);
        agents.push(lb);
        for agent in &agents {
            pin(agent.process.id(), OTHER_CORE);
        }
        Self::new("muster", proxy.address, proxy.process, agents).await
    }

    pub(crate) async fn haproxy(hosts: &Hosts, directory: &Path) -> Self {
        let address = hosts.at(2, 8080);
        let mut text = format!(
            "global\n  nbthread 1\n  maxconn 4096\ndefaults\n  mode http\n  timeout connect 1s\n  timeout client 1m\n  timeout server 1m\n  \
             option forwardfor\n  option redispatch\n  retries 3\n  http-reuse always\nfrontend in\n  bind {address}\n  default_backend web\n\
             backend web\n  balance roundrobin\n"
        );
        for host in BACKENDS {
            // Writing to a text does not fail.
            let _ = writeln!(text, "  server s{host} {} check", hosts.at(host, 3000));
        }
        let path = directory.join("haproxy.cfg");
        fs::write(&path, text).expect("the file can be written");
        let process =
            Process::start("haproxy", Command::new("/usr/sbin/haproxy").args(["-db", "-f"]).arg(path));
        Self::new("haproxy", address, process, Vec::new()).await
    }

    pub(crate) async fn nginx(hosts: &Hosts, directory: &Path) -> Self {
        let address = hosts.at(3, 8080);
        let mut servers = String::new();
        for host in BACKENDS {
            // Writing to a text does not fail.
            let _ = write!(servers, "server {}; ", hosts.at(host, 3000));
        }
        let text = format!(
            "upstream web {{ {servers} keepalive 64; }}\nserver {{\n  listen {address};\n  location / {{\n    proxy_pass http://web;\n    \
             proxy_http_version 1.1;\n    proxy_set_header Connection \"\";\n    proxy_set_header Host $http_host;\n    \
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n  }}\n}}\n"
        );
        let process = nginx(directory, "proxy", &text);
        Self::new("nginx", address, process, Vec::new()).await
    }

    async fn new(name: &'static str, address: String, process: Process, agents: Vec<Agent>) -> Self {
        let rival = Self { name, address, process, _agents: agents };
        serves(name, &rival.address).await;
        for pid in rival.pids() {
            pin(pid, THEIR_CORE);
        }
        rival
    }

    /// Its processes: nginx works in a child.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let parent = self.process.id();
        let children =
            fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        children.split_whitespace().filter_map(|pid| pid.parse().ok()).chain([parent]).collect()
    }
}

/// Two nginx that answer at once.
pub(crate) async fn backends(hosts: &Hosts, directory: &Path) -> Vec<Process> {
    fs::write(directory.join("64k"), vec![b'x'; 64 << 10]).expect("the file can be written");
    fs::write(directory.join("1m"), vec![b'x'; 1 << 20]).expect("the file can be written");
    let mut backends = Vec::new();
    for host in BACKENDS {
        let address = hosts.at(host, 3000);
        let text = format!(
            "server {{\n  listen {address};\n  keepalive_requests 1000000;\n  root {};\n  location = / {{ return 200 'hello, world'; }}\n}}\n",
            directory.display()
        );
        let backend = nginx(directory, &format!("backend{host}"), &text);
        serves("a backend", &address).await;
        let children =
            fs::read_to_string(format!("/proc/{0}/task/{0}/children", backend.id())).unwrap_or_default();
        for pid in children.split_whitespace().filter_map(|pid| pid.parse().ok()).chain([backend.id()]) {
            pin(pid, OTHER_CORE);
        }
        backends.push(backend);
    }
    backends
}

/// An nginx with one worker, which has `http` in its section of that name.
pub(crate) fn nginx(directory: &Path, name: &str, http: &str) -> Process {
    let path = directory.join(format!("{name}.conf"));
    let own = directory.join(name).display().to_string();
    let text = format!(
        "daemon off;\nworker_processes 1;\npid {own}.pid;\nerror_log {own}.log;\nevents {{ worker_connections 4096; }}\nhttp {{\n\
         access_log off;\nclient_body_temp_path {own}.body;\nproxy_temp_path {own}.temp;\nfastcgi_temp_path {own}.fcgi;\n\
         uwsgi_temp_path {own}.uwsgi;\nscgi_temp_path {own}.scgi;\nkeepalive_requests 1000000;\n{http}}}\n"
    );
    fs::write(&path, text).expect("the file can be written");
    let mut command = Command::new("/usr/sbin/nginx");
    Process::start(name, command.arg("-e").arg(format!("{own}.log")).arg("-c").arg(path))
}

async fn serves(name: &str, address: &str) {
    wait_for(&format!("{name} serves"), || async {
        match muster_e2e::exchange(address, "GET / HTTP/1.0\r\nHost: x\r\n\r\n") {
            Ok(answer) if answer.contains(" 200 ") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

/// To one core, with all its threads.
fn pin(pid: u32, core: &str) {
    let done = Command::new("taskset").args(["-a", "-c", "-p", core, &pid.to_string()]).output();
    assert!(done.is_ok_and(|output| output.status.success()), "{pid} cannot be pinned to core {core}");
}
