//! A member of a mixed cluster, of either kind: what both can be told and asked.

use crate::process::run;
use crate::{Agent, AgentOptions, Hosts, Process, SerfAgent, wait_for};
use muster_control::routes::MemberRow;
use rustix::process::Signal;
use std::collections::BTreeMap;

/// Whose agent it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "two names")]
pub enum Kind {
    Muster,
    Serf,
}

/// A running agent. Flags are Serf's; ours are the same.
#[derive(Debug)]
#[allow(missing_docs, reason = "as Kind")]
pub enum Node {
    Muster(Agent),
    Serf(SerfAgent),
}

impl Node {
    /// Starts an agent on the network's `host`-th address.
    pub fn start(kind: Kind, hosts: &Hosts, host: u8, name: &str, flags: &[&str]) -> Self {
        match kind {
            Kind::Muster => {
                let options = flags.iter().fold(AgentOptions::default(), |options, flag| options.flag(flag));
                Self::Muster(Agent::start(hosts, host, name, options))
            }
            Kind::Serf => Self::Serf(SerfAgent::start(hosts, host, name, flags)),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Muster(agent) => &agent.name,
            Self::Serf(serf) => &serf.name,
        }
    }

    /// `ip:port` of its gossip.
    pub fn address(&self) -> &str {
        match self {
            Self::Muster(agent) => &agent.address,
            Self::Serf(serf) => &serf.address,
        }
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        match self {
            Self::Muster(agent) => &mut agent.process,
            Self::Serf(serf) => &mut serf.process,
        }
    }

    /// Everything it has printed so far, by every life of it.
    pub fn said(&self) -> String {
        match self {
            Self::Muster(agent) => agent.process.said(),
            Self::Serf(serf) => serf.process.said(),
        }
    }

    /// The members it knows.
    pub async fn members(&self) -> Result<Vec<MemberRow>, String> {
        match self {
            Self::Muster(agent) => agent.members().await.map(|members| members.members),
            Self::Serf(serf) => serf.members().map(|members| members.members),
        }
    }

    /// What it knows of `name`.
    pub async fn member(&self, name: &str) -> Result<Option<MemberRow>, String> {
        Ok(self.members().await?.into_iter().find(|member| member.name == name))
    }

    /// Waits until it knows `name` in `status`.
    pub async fn sees(&self, name: &str, status: &str) {
        wait_for(&format!("{} sees {name} {status}", self.name()), || async {
            let seen = self.member(name).await?.map(|member| member.status);
            if seen.as_deref() == Some(status) { Ok(()) } else { Err(format!("seen as {seen:?}")) }
        })
        .await;
    }

    /// Joins through `seed`, once.
    pub async fn join(&self, seed: &str) {
        wait_for(&format!("{} joins {seed}", self.name()), || async { self.run(&["join", seed]).map(drop) })
            .await;
    }

    /// Leaves in order, as an operator would have it do, and ends.
    pub async fn leave(&mut self) {
        self.process().signal(Signal::INT);
        self.process().ends().await;
    }

    /// Starts it again after its end, as it was started.
    pub fn restart(&mut self) {
        match self {
            Self::Muster(agent) => agent.restart(),
            Self::Serf(serf) => serf.restart(),
        }
    }

    /// Forces `name` out, with each kind's own command.
    pub fn force_leave(&self, name: &str, prune: bool) {
        let flags: &[&str] = if prune { &["-prune"] } else { &[] };
        let arguments = [&["force-leave"], flags, &[name]].concat();
        self.run(&arguments).unwrap_or_else(|said| panic!("{} refuses: {said}", self.name()));
    }

    /// Runs one of its kind's commands about it; its output when it succeeds.
    pub fn run(&self, arguments: &[&str]) -> Result<String, String> {
        match self {
            Self::Muster(agent) => agent.run(arguments),
            Self::Serf(serf) => serf.run(arguments),
        }
    }

    /// Its figures, as the reference's command prints them.
    pub fn figures(&self) -> Result<String, String> {
        match self {
            Self::Muster(agent) => run(&mut agent.serf(&["info"])),
            Self::Serf(serf) => serf.run(&["info"]),
        }
    }

    /// Lines of its log in which it takes somebody for failed.
    pub fn failures(&self) -> Vec<String> {
        self.lines(&["EventMemberFailed", "member-failed"])
    }

    /// Lines of its log with one of `words`.
    pub fn lines(&self, words: &[&str]) -> Vec<String> {
        let said = self.said();
        said.lines().filter(|line| words.iter().any(|word| line.contains(word))).map(str::to_owned).collect()
    }
}

/// Waits until each of `nodes` sees exactly them alive, at their addresses.
pub async fn whole<'a>(nodes: impl IntoIterator<Item = &'a Node>) {
    let nodes: Vec<&Node> = nodes.into_iter().collect();
    let wanted: BTreeMap<&str, &str> = nodes.iter().map(|node| (node.name(), node.address())).collect();
    for node in &nodes {
        wait_for(&format!("{} sees {wanted:?} alive", node.name()), || async {
            let members = node.members().await?;
            let alive = members.iter().filter(|member| member.status == "alive");
            let alive: BTreeMap<&str, &str> = alive.map(|member| (&*member.name, &*member.addr)).collect();
            if alive == wanted { Ok(()) } else { Err(format!("{members:?}")) }
        })
        .await;
    }
}

/// Asserts that nobody ever took anybody for failed.
pub fn nobody_failed<'a>(nodes: impl IntoIterator<Item = &'a Node>) {
    for node in nodes {
        assert_eq!(node.failures(), Vec::<String>::new(), "{}:\n{}", node.name(), node.said());
    }
}
