//! Clusters of whole agents, of either product or both, whose logs are heard.

use crate::sightings::{Sightings, What};
use muster_e2e::{Hosts, PATIENCE, binary, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::net::unix::pipe::Receiver;

/// Whose agent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Kind {
    Muster,
    Serf,
}

/// Who a cluster is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Blend {
    All(Kind),
    /// Half and half.
    Mixed,
}

impl Blend {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::All(Kind::Muster) => "muster",
            Self::All(Kind::Serf) => "serf",
            Self::Mixed => "mixed",
        }
    }

    fn kind(self, host: u8) -> Kind {
        match self {
            Self::All(kind) => kind,
            // In pairs: a round takes two newcomers, and each step shall see both products.
            Self::Mixed if (host / 2).is_multiple_of(2) => Kind::Muster,
            Self::Mixed => Kind::Serf,
        }
    }
}

/// One running agent. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    /// When its process was started.
    pub(crate) begun: Instant,
    kind: Kind,
    address: String,
    rpc: String,
    socket: PathBuf,
    child: Child,
}

impl Node {
    fn start(
        kind: Kind,
        hosts: &Hosts,
        host: u8,
        directory: &TempDir,
        seed: Option<&str>,
        tags: &[&str],
    ) -> (Self, Receiver) {
        let name = format!("n{host}");
        let (address, rpc) = (hosts.at(host, 7946), hosts.at(host, 7373));
        let socket = directory.path().join(format!("{name}.sock"));
        let mut command = match kind {
            Kind::Muster => {
                let mut command = Command::new(binary());
                command.args(["agent", "--node", &name, "--bind", &address, "--rpc-addr", &rpc, "--socket"]);
                command.arg(&socket);
                command
            }
            Kind::Serf => {
                let mut command = Command::new("serf");
                command.args(["agent", "-node", &name, "-bind", &address, "-rpc-addr", &rpc]);
                command
            }
        };
        // Both understand these.
        command.args(seed.iter().flat_map(|seed| ["-join", seed]));
        command.args(tags.iter().flat_map(|tag| ["-tag", tag]));
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        let second = writer.try_clone().expect("a pipe can be shared");
        command.stdin(Stdio::null()).stdout(writer).stderr(second);
        let begun = Instant::now();
        let child = command.spawn().unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        // Its copy of the writing end closes with it, so that the reader sees the agent's end.
        drop(command);
        let says = Receiver::from_owned_fd(OwnedFd::from(reader)).expect("it is a pipe");
        (Self { name, begun, kind, address, rpc, socket, child }, says)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its RPC listens.
    pub(crate) fn rpc(&self) -> &str {
        &self.rpc
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Asks for an orderly leave, as both products understand it.
    pub(crate) fn interrupt(&self) {
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            kill_process(pid, Signal::INT).expect("it runs");
        }
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end.
    pub(crate) async fn ends(&mut self) {
        wait_for(&format!("{} ends", self.name), || {
            let ended = self.child.try_wait();
            async move { if let Ok(Some(_)) = ended { Ok(()) } else { Err(format!("{ended:?}")) } }
        })
        .await;
    }

    /// Sets a tag by the product's own command; `Err` when that refuses.
    pub(crate) async fn set_tag(&self, tag: &str) -> Result<(), String> {
        let mut command = match self.kind {
            Kind::Muster => {
                let mut command = tokio::process::Command::new(binary());
                command.args(["tags", "--socket"]).arg(&self.socket);
                command
            }
            Kind::Serf => {
                let mut command = tokio::process::Command::new("serf");
                command.args(["tags", &format!("-rpc-addr={}", self.rpc)]);
                command
            }
        };
        let output = command.args(["-set", tag]).output().await.map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A cluster, and what its agents say.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) blend: Blend,
    pub(crate) sightings: Sightings,
    /// Those that stay; the first is the seed and carries a balancer's tags.
    pub(crate) members: Vec<Node>,
    hosts: Hosts,
    directory: TempDir,
    next_host: u8,
}

impl Cluster {
    /// `size` agents that all know each other.
    pub(crate) async fn start(blend: Blend, size: usize) -> Self {
        let mut cluster = Self {
            blend,
            sightings: Sightings::new(),
            members: Vec::new(),
            hosts: Hosts::claim(),
            directory: TempDir::new().expect("a temporary directory can be made"),
            next_host: 1,
        };
        let begun = Instant::now();
        let seed = cluster.start_one();
        wait_for("the seed listens", || async {
            TcpStream::connect(&seed.address).await.map(drop).map_err(|error| error.to_string())
        })
        .await;
        cluster.members.push(seed);
        for _ in 1..size {
            let node = cluster.start_one();
            cluster.members.push(node);
        }
        let everybody = cluster.names();
        let pairs = everybody
            .iter()
            .flat_map(|by| everybody.iter().filter(move |of| *of != by).map(|of| (by.clone(), of.clone())))
            .collect();
        let known = cluster.sightings.all(What::Join, &pairs, begun, 3 * PATIENCE).await;
        assert_eq!(known.missing, 0, "a cluster of {size} ({}) does not find itself", blend.word());
        cluster
    }

    /// Starts another agent with a backend's tags, joining through the seed.
    pub(crate) fn start_one(&mut self) -> Node {
        let host = self.next_host;
        self.next_host += 1;
        let seed = self.members.first().map(|seed| seed.address.clone());
        let tags: &[&str] =
            if seed.is_none() { &["role=balancer", "balances=1"] } else { &["role=backend", "port=3000"] };
        let (node, says) =
            Node::start(self.blend.kind(host), &self.hosts, host, &self.directory, seed.as_deref(), tags);
        self.sightings.follow(&node.name, says);
        node
    }

    /// The address range of its agents.
    pub(crate) fn network(&self) -> String {
        format!("{}/24", self.hosts.ip(0))
    }

    /// The members' names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.members.iter().map(|node| node.name.clone()).collect()
    }

    /// (member, `name`) for every member.
    pub(crate) fn each_of(&self, name: &str) -> BTreeSet<(String, String)> {
        self.members.iter().map(|node| (node.name.clone(), name.to_owned())).collect()
    }
}

/// Time for rumours to fade, so that one step does not ride on the messages of the one before. No fact can be waited for:
/// the reference does not tell when its queues are empty.
pub(crate) const SETTLE: Duration = Duration::from_secs(3);
