//! The reference: Debian's `serf` 0.9.4.

use crate::hosts::Launcher;
use crate::process::run;
use crate::{Agent, Hosts, Kind, Process, binary, skip, wait_for};
use muster_control::routes::Members;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Whether the reference is here.
pub fn serf_is_installed() -> bool {
    Path::new("/usr/bin/serf").exists()
}

/// Whether the reference is here; says so and fails under CI when it is not.
pub fn reference_is_here() -> bool {
    let here = serf_is_installed();
    if !here {
        skip("Debian's package serf is not installed");
    }
    here
}

/// A command of Serf's binary that asks the agent behind `rpc`; of no arguments, its help.
pub(crate) fn rpc_command(rpc: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("serf");
    if let Some((name, rest)) = arguments.split_first() {
        command.arg(name).arg(format!("-rpc-addr={rpc}")).args(rest);
    }
    command
}

/// The command `serf` of a kind: the reference's, or ours by that name.
pub fn serf(kind: Kind) -> &'static Path {
    static OURS: OnceLock<PathBuf> = OnceLock::new();
    if kind == Kind::Serf {
        return Path::new("/usr/bin/serf");
    }
    OURS.get_or_init(|| {
        let (directory, file) = (binary().parent(), binary().file_name());
        let (directory, file) = directory.zip(file).expect("the binary is a file in a directory");
        let directory = directory.join("called-serf");
        std::fs::create_dir_all(&directory).expect("a directory beside the binary can be made");
        let link = directory.join("serf");
        // Another run may have made it.
        let _ = std::os::unix::fs::symlink(Path::new("..").join(file), &link);
        assert!(link.exists(), "{} leads to the binary", link.display());
        link
    })
}

/// A `serf agent`: the real one, or ours called so.
#[derive(Debug)]
pub struct SerfAgent {
    /// Node name.
    pub name: String,
    /// `ip:port` of its gossip.
    pub address: String,
    /// The process.
    pub process: Process,
    /// `ip:port` of its RPC.
    pub rpc: String,
    program: &'static Path,
    arguments: Vec<String>,
    launcher: Launcher,
}

impl SerfAgent {
    /// Starts the reference on the network's `host`-th address: gossip on 7946, RPC on 7373.
    pub fn start(hosts: &Hosts, host: u8, name: &str, flags: &[&str]) -> Self {
        Self::of(Kind::Serf, hosts, host, name, flags)
    }

    /// The same with the `serf` of either kind.
    pub fn of(kind: Kind, hosts: &Hosts, host: u8, name: &str, flags: &[&str]) -> Self {
        let (address, rpc) = (hosts.at(host, 7946), hosts.at(host, 7373));
        let fixed = ["agent", "-node", name, "-bind", &address, "-rpc-addr", &rpc];
        let arguments: Vec<String> = fixed.iter().chain(flags).map(|&text| text.to_owned()).collect();
        let (launcher, program) = (hosts.launcher(host), serf(kind));
        let process = Self::spawn(&launcher, program, name, &arguments);
        Self { name: name.into(), process, address, rpc, program, arguments, launcher }
    }

    fn spawn(launcher: &Launcher, program: &Path, name: &str, arguments: &[String]) -> Process {
        Process::start(&format!("serf {name}"), launcher.command(program).args(arguments))
    }

    /// Starts it again after its end, as it was started.
    pub fn restart(&mut self) {
        self.process.succeed(Self::spawn(&self.launcher, self.program, &self.name, &self.arguments));
    }

    /// Starts it again after its end, as it was started, but of another kind.
    pub fn restart_as(&mut self, kind: Kind) {
        self.program = serf(kind);
        self.restart();
    }

    /// One of its commands about it.
    pub fn serf(&self, arguments: &[&str]) -> Command {
        rpc_command(&self.rpc, arguments)
    }

    /// Runs one of its commands; its output when it succeeds.
    pub fn run(&self, arguments: &[&str]) -> Result<String, String> {
        run(&mut self.serf(arguments))
    }

    /// The members it knows.
    pub fn members(&self) -> Result<Members, String> {
        let text = self.run(&["members", "-format", "json"])?;
        serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))
    }

    /// Waits until it answers its RPC.
    pub async fn is_up(&self) {
        wait_for(&format!("serf {} is up", self.name), || async { self.members().map(drop) }).await;
    }

    /// Waits until it knows `name` in `status`.
    pub async fn sees(&self, name: &str, status: &str) {
        wait_for(&format!("serf {} sees {name} {status}", self.name), || async {
            let members = self.members()?.members;
            let seen = members.iter().find(|member| member.name == name).map(|member| member.status.clone());
            if seen.as_deref() == Some(status) { Ok(()) } else { Err(format!("seen as {seen:?}")) }
        })
        .await;
    }
}

/// The reference on the network's `host`-th address, up; or a word why not.
pub async fn reference(hosts: &Hosts, host: u8, name: &str, flags: &[&str]) -> Option<SerfAgent> {
    if !reference_is_here() {
        return None;
    }
    let serf = SerfAgent::start(hosts, host, name, flags);
    serf.is_up().await;
    Some(serf)
}

/// Waits until both know the same members with the same addresses, tags, states and protocol versions.
pub async fn agree(muster: &Agent, serf: &SerfAgent, count: usize) {
    wait_for("both know the same members", || async {
        let mut theirs = serf.members()?.members;
        theirs.sort_by(|a, b| a.name.cmp(&b.name));
        let ours = muster.members().await?.members;
        if ours.len() == count && ours == theirs { Ok(()) } else { Err(format!("{ours:#?}\n{theirs:#?}")) }
    })
    .await;
}
