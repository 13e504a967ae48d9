//! A whole node: `muster run` as PID 1 of a namespace of its own, so that it takes everything with it, whatever ends it.

use crate::process::Process;
use crate::{Hosts, PATIENCE, binary};
use muster_control::client::Client;
use rustix::process::{Pid, Signal, kill_process};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A `muster run` on one of the hosts' addresses.
#[derive(Debug)]
pub struct WholeNode {
    /// Node name.
    pub name: String,
    /// The namespace's parent.
    pub process: Process,
    /// Its agent's control socket.
    pub control: Client,
    directory: TempDir,
    words: Vec<String>,
}

impl WholeNode {
    /// Starts it with this configuration; gossip on port 7946 of the `host`-th address, encrypted by a key that all share.
    pub fn start(hosts: &Hosts, host: u8, name: &str, configuration: &str) -> Self {
        let directory = TempDir::new().expect("a temporary directory can be made");
        let own = format!(
            "socket = {socket:?}\n{configuration}\n[agent]\nnode = {name:?}\nbind = {bind:?}\nadvertise = {bind:?}\n\
             rpc_addr = \"off\"\nencrypt = \"{KEY}\"\njoin = [{seed:?}]\n",
            socket = directory.path().join("m.sock"),
            bind = hosts.at(host, 7946),
            seed = hosts.at(1, 7946),
        );
        let file = directory.path().join("muster.toml");
        std::fs::write(&file, own).expect("the configuration can be written");
        let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
        let words =
            vec!["--config".into(), text(&file), "--control".into(), text(&directory.path().join("control"))];
        let process = spawn(name, &words);
        let control = Client::new(directory.path().join("m.sock"));
        Self { name: name.into(), process, control, directory, words }
    }

    /// One with an application of service `web`, on port 3000, that dies at once when it is told to stop: whatever it has in flight then would be cut.
    pub fn backend(hosts: &Hosts, host: u8, name: &str) -> Self {
        let program = binary().display().to_string();
        let (listen, ready) = (hosts.at(host, 3000), format!("tcp {}", hosts.at(host, 3000)));
        Self::start(
            hosts,
            host,
            name,
            &format!(
                "[processes.app]\ncommand = [{program:?}, \"demo\", \"backend\", \"--listen\", {listen:?}]\n\
                 environment = {{ SERVER_NAME = {name:?} }}\nport = 3000\nservice = \"web\"\nready = {ready:?}\n\
                 stop_signal = \"KILL\""
            ),
        )
    }

    /// Writes `new` in place of `old` in its configuration, and tells its agent so by HUP.
    pub fn reconfigure(&self, old: &str, new: &str) {
        let file = self.directory.path().join("muster.toml");
        let text = std::fs::read_to_string(&file).expect("it is there");
        assert!(text.contains(old), "{text}");
        std::fs::write(&file, text.replace(old, new)).expect("the configuration can be written");
        let agent = self.pid_of("agent").expect("it runs");
        kill_process(agent, Signal::HUP).expect("it is ours");
    }

    /// The process that is PID 1 in there.
    fn init(&self) -> Option<Pid> {
        let id = self.process.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
        Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
    }

    /// Sends its PID 1 a signal.
    pub fn signal(&self, signal: Signal) {
        if let Some(init) = self.init() {
            // Gone already: then there is nothing left to signal.
            let _ = kill_process(init, signal);
        }
    }

    /// TERM, then waits for its end.
    pub async fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.process.ends().await
    }

    /// Starts it again.
    pub fn again(&mut self) {
        let next = spawn(&self.name, &self.words);
        self.process.succeed(next);
    }

    /// The process of one of its services, as its control place tells.
    pub fn pid_of(&self, service: &str) -> Option<Pid> {
        let status = self.directory.path().join("control").join(service).join("supervise/status");
        // s6's status: two times of twelve bytes, then the number, high byte first. It is one of that namespace.
        let bytes = std::fs::read(status).ok()?;
        let inside = i64::from_be_bytes(bytes.get(24..32)?.try_into().ok()?);
        let init = self.init()?;
        descendants(init).into_iter().find(|pid| inside_of(*pid) == Some(inside))
    }

    /// Kills the process of a service, and waits until another has its place.
    pub fn kill_service(&self, service: &str) {
        let Some(before) = self.pid_of(service) else { panic!("{service} does not run") };
        let _ = kill_process(before, Signal::KILL);
        let began = Instant::now();
        while self.pid_of(service).is_none_or(|pid| pid == before) {
            assert!(began.elapsed() < PATIENCE, "{service} is not started again:\n{}", self.process.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Of no worth: it only keeps a balancer from refusing gossip that anybody could send.
const KEY: &str = "bXVzdGVyLW11c3Rlci1tdXN0ZXItbXVzdGVyLW11c3Q=";

fn spawn(name: &str, words: &[String]) -> Process {
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]).arg(binary()).arg("run").args(words);
    Process::start(name, &mut command)
}

fn descendants(of: Pid) -> Vec<Pid> {
    let id = of.as_raw_nonzero();
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    let own = children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
    own.flat_map(|pid| [vec![pid], descendants(pid)].concat()).collect()
}

/// The number that a process has in the innermost namespace.
fn inside_of(pid: Pid) -> Option<i64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    line.split_whitespace().last()?.parse().ok()
}
