//! The product's own processes.

use crate::hosts::Launcher;
use crate::process::run;
use crate::serf::rpc_command;
use crate::{Hosts, Process, wait_for};
use muster_control::client::Client;
use muster_control::routes::{FLEET, FLEET_REPORTS, MEMBERS, Members};
use muster_fleet::{Picture, Report};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

/// The built binary: `BINARY_UNDER_TEST`, or a release build made now.
pub fn binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("BINARY_UNDER_TEST") {
            return path.into();
        }
        let output = Command::new(env!("CARGO"))
            .args(["build", "--release", "--package", "muster", "--message-format=json-render-diagnostics"])
            .stderr(std::process::Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "the release build failed");
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|message| message["target"]["name"] == "muster")
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .expect("cargo names the executable it built")
    })
}

/// How an agent is started.
#[derive(Clone, Debug, Default)]
pub struct AgentOptions {
    /// Seeds.
    pub join: Vec<String>,
    /// Tags, `k=v`.
    pub tags: Vec<String>,
    /// Further flags.
    pub flags: Vec<String>,
}

impl AgentOptions {
    /// Joins through this seed.
    #[must_use]
    pub fn join(mut self, seed: impl Into<String>) -> Self {
        self.join.push(seed.into());
        self
    }
    /// Carries this tag, `k=v`.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        self.tags.push(tag.into());
        self
    }
    /// A further flag.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.into());
        self
    }
}

/// A `muster agent` with its control socket.
#[derive(Debug)]
pub struct Agent {
    /// Node name.
    pub name: String,
    /// `ip:port` of its gossip.
    pub address: String,
    /// The process.
    pub process: Process,
    /// Its control socket.
    pub control: Client,
    /// `ip:port` of its RPC.
    pub rpc: String,
    options: AgentOptions,
    launcher: Launcher,
    directory: TempDir,
}

impl Agent {
    /// Starts an agent on the network's `host`-th address, port 7946.
    pub fn start(hosts: &Hosts, host: u8, name: &str, options: AgentOptions) -> Self {
        let directory = TempDir::new().expect("a temporary directory can be made");
        let address = hosts.at(host, 7946);
        let socket = directory.path().join("m.sock");
        let launcher = hosts.launcher(host);
        let rpc = hosts.at(host, 7373);
        let process = Self::spawn(&launcher, name, &address, &rpc, &socket, &options);
        Self {
            name: name.into(),
            address,
            process,
            control: Client::new(socket),
            rpc,
            options,
            launcher,
            directory,
        }
    }

    fn spawn(
        launcher: &Launcher,
        name: &str,
        address: &str,
        rpc: &str,
        socket: &std::path::Path,
        options: &AgentOptions,
    ) -> Process {
        let mut command = launcher.command(binary());
        command.args(["agent", "--node", name, "--bind", address, "--rpc-addr", rpc, "--socket"]).arg(socket);
        for seed in &options.join {
            command.args(["--join", seed]);
        }
        for tag in &options.tags {
            command.args(["--tag", tag]);
        }
        command.args(&options.flags);
        Process::start(&format!("agent {name}"), &mut command)
    }

    /// Starts it again after its end, with the same name, address and socket path.
    pub fn restart(&mut self) {
        let socket = self.directory.path().join("m.sock");
        let next = Self::spawn(&self.launcher, &self.name, &self.address, &self.rpc, &socket, &self.options);
        self.process.succeed(next);
    }

    /// Runs one of our commands about it; its output when it succeeds.
    pub fn run(&self, arguments: &[&str]) -> Result<String, String> {
        run(Command::new(binary()).args(arguments).env("MUSTER_SOCKET", self.control.socket()))
    }

    /// A command of Serf's own binary about it, by RPC.
    pub fn serf(&self, arguments: &[&str]) -> Command {
        rpc_command(&self.rpc, arguments)
    }

    /// The members it knows.
    pub async fn members(&self) -> Result<Members, String> {
        self.control.get(MEMBERS).await.map_err(|error| error.to_string())
    }

    /// Waits until it knows `name` in `status`.
    pub async fn sees(&self, name: &str, status: &str) {
        wait_for(&format!("{} sees {name} {status}", self.name), || async {
            let members = self.members().await?.members;
            let seen = members.iter().find(|member| member.name == name).map(|member| member.status.clone());
            if seen.as_deref() == Some(status) { Ok(()) } else { Err(format!("seen as {seen:?}")) }
        })
        .await;
    }

    /// Its picture.
    pub async fn picture(&self) -> Result<Picture, String> {
        self.control.get(FLEET).await.map_err(|error| error.to_string())
    }

    /// The last report of its proxy.
    pub async fn report(&self) -> Result<Report, String> {
        let reports: Vec<Report> =
            self.control.get(FLEET_REPORTS).await.map_err(|error| error.to_string())?;
        reports.into_iter().next().ok_or_else(|| "no report yet".to_owned())
    }
}

/// A `muster proxy` that follows an agent.
#[derive(Debug)]
pub struct Proxy {
    /// `ip:port` it listens on.
    pub address: String,
    /// The process.
    pub process: Process,
}

impl Proxy {
    /// Starts a proxy for service `backend` on the agent's own address, port 8080.
    pub fn start(hosts: &Hosts, host: u8, agent: &Agent) -> Self {
        Self::start_with(hosts, host, agent, &[])
    }

    /// The same with further flags.
    pub fn start_with(hosts: &Hosts, host: u8, agent: &Agent, flags: &[&str]) -> Self {
        let address = hosts.at(host, 8080);
        let mut command = Command::new(binary());
        command
            .args(["proxy", "--listen", &address, "--service", "backend", "--socket"])
            .arg(agent.control.socket())
            .args(flags);
        Self { address, process: Process::start("proxy", &mut command) }
    }
}

/// A `muster demo backend`: a real web application as a process of its own.
#[derive(Debug)]
pub struct Backend {
    /// `ip:port` it listens on.
    pub address: String,
    /// The process.
    pub process: Process,
}

impl Backend {
    /// Starts the application on the network's `host`-th address, port 3000, and waits until it accepts connections.
    pub async fn start(hosts: &Hosts, host: u8, name: &str) -> Self {
        let address = hosts.at(host, 3000);
        let mut command = Command::new(binary());
        command
            .args(["demo", "backend", "--listen", &address])
            .env("SERVER_NAME", name)
            .env("SERVER_TAG", "e2e");
        let backend = Self { process: Process::start(&format!("backend {name}"), &mut command), address };
        wait_for(&format!("backend {name} listens"), || async {
            tokio::net::TcpStream::connect(&backend.address)
                .await
                .map(drop)
                .map_err(|error| error.to_string())
        })
        .await;
        backend
    }
}
