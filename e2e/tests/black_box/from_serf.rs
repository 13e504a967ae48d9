//! The migration page (`docs/from-serf.md`), followed: three agents of real Serf with handlers, snapshots and a stream of
//! events are replaced one by one, without a leave, and one is replaced back.

use muster_e2e::{Hosts, Kind, SerfAgent, binary, reference_is_here, serf, wait_for};
use rustix::process::Signal;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

const NAMES: [&str; 3] = ["a", "b", "c"];

/// The cluster, and what its handlers have written.
struct Cluster {
    agents: Vec<SerfAgent>,
    directory: TempDir,
    /// Events sent so far; each one's payload is its number.
    sent: usize,
}

impl Cluster {
    async fn start(hosts: &Hosts) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let start = |(name, host): (&&str, u8)| {
            let path = |what: &str| directory.path().join(format!("{name}.{what}"));
            // As on the page: one line per event, with what it is about.
            let handler =
                format!("echo \"$SERF_EVENT $SERF_USER_EVENT $(cat)\" >> {}", path("log").display());
            let config = serde_json::json!({
                "tags": {"role": "web"},
                "snapshot_path": path("snapshot"),
                "event_handlers": [format!("user:tick={handler}"), format!("member-leave,member-failed={handler}")],
            });
            std::fs::write(path("json"), config.to_string()).expect("the file can be written");
            let file = path("json");
            let flags = ["-config-file", file.to_str().expect("temporary files have plain names")];
            SerfAgent::of(Kind::Serf, hosts, host, name, &flags)
        };
        let agents: Vec<SerfAgent> = NAMES.iter().zip(1..).map(start).collect();
        for agent in &agents {
            agent.is_up().await;
            // Once. A join in the files would skip what was said while its node was away, as chance has it.
            agent.run(&["join", &agents[0].address]).expect("it joins");
        }
        let cluster = Self { agents, directory, sent: 0 };
        cluster.is_whole().await;
        cluster
    }

    /// Before anything is touched: the new binary understands each agent's files, and asks each old agent.
    fn can_be_replaced(&self) {
        for agent in &self.agents {
            let file = self.directory.path().join(format!("{}.json", agent.name));
            let check = Command::new(binary()).args(["check", "agent", "--config-file"]).arg(file).output();
            let check = check.expect("the binary runs");
            // The old agent holds the ports; that is a note.
            assert_eq!(check.status.code(), Some(0), "{}", String::from_utf8_lossy(&check.stderr));
            let members =
                Command::new(serf(Kind::Muster)).args(["members", "-rpc-addr", &agent.rpc]).output();
            let members = members.expect("our serf runs").stdout;
            assert_eq!(members.iter().filter(|byte| **byte == b'\n').count(), self.agents.len());
        }
    }

    /// Each of them shows all of them alive, at their addresses.
    async fn is_whole(&self) {
        let mut wanted: Vec<_> =
            self.agents.iter().map(|agent| (agent.name.clone(), agent.address.clone())).collect();
        wanted.sort();
        for agent in &self.agents {
            wait_for(&format!("{} sees all of them", agent.name), || async {
                let members = agent.members()?.members;
                let alive =
                    members.iter().filter(|member| member.status == "alive" && member.tags["role"] == "web");
                let mut seen: Vec<_> =
                    alive.map(|member| (member.name.clone(), member.addr.clone())).collect();
                seen.sort();
                if seen == wanted && members.len() == wanted.len() {
                    Ok(())
                } else {
                    Err(format!("{members:?}"))
                }
            })
            .await;
        }
    }

    /// Some events, from the agent after the `nth`, which is not touched now.
    fn send(&mut self, nth: usize) {
        let from = &self.agents[(nth + 1) % self.agents.len()];
        for _ in 0..5 {
            let number = self.sent.to_string();
            from.run(&["event", "-coalesce=false", "tick", &number]).expect("the event is sent");
            self.sent += 1;
        }
    }

    /// The handlers of each have seen each event once, and nobody go.
    async fn all_is_told(&self) {
        for name in NAMES {
            let path: PathBuf = self.directory.path().join(format!("{name}.log"));
            let wanted: Vec<String> = (0..self.sent).map(|number| format!("user tick {number}")).collect();
            wait_for(&format!("{name} is told of each event once"), || async {
                let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
                let mut lines: Vec<&str> = text.lines().collect();
                lines.sort_by_key(|line| {
                    line.rsplit(' ').next().and_then(|number| number.parse::<usize>().ok())
                });
                if lines == wanted { Ok(()) } else { Err(format!("{lines:?}")) }
            })
            .await;
        }
    }

    /// One step of the page: events before, while it is away, and after.
    async fn replace(&mut self, nth: usize, kind: Kind) {
        self.send(nth);
        self.all_is_told().await;
        self.agents[nth].process.signal(Signal::TERM);
        let ended = self.agents[nth].process.ends().await;
        assert_eq!(ended.code(), Some(1), "{}", self.agents[nth].process.said());
        self.send(nth);
        self.agents[nth].restart_as(kind);
        self.agents[nth].is_up().await;
        self.send(nth);
        self.is_whole().await;
        self.send((nth + 2) % NAMES.len());
        self.all_is_told().await;
    }
}

#[tokio::test]
async fn a_running_cluster_is_replaced_node_by_node_and_nobody_notices() {
    if !reference_is_here() {
        return;
    }
    let mut cluster = Cluster::start(&Hosts::claim()).await;
    cluster.can_be_replaced();
    for nth in [2, 1, 0] {
        cluster.replace(nth, Kind::Muster).await;
        let info = cluster.agents[nth].run(&["info"]).expect("it answers");
        assert!(info.contains("version = muster "), "{info}");
    }
    cluster.replace(1, Kind::Serf).await;
}
