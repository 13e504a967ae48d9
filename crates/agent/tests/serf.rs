//! An agent of ours and the real Serf in one cluster. Needs Debian's `serf`; says so when it is not there.
#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod common;

use common::{Net, Node, config, until};
use muster_agent::Ended;
use muster_control::routes::{self, MemberRow, Members};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const SERF: &str = "/usr/bin/serf";

/// `true` when these tests cannot run here.
#[expect(clippy::print_stderr, reason = "whoever reads the run must know what was not tested")]
fn skipped() -> bool {
    let missing = !Path::new(SERF).exists();
    assert!(!missing || std::env::var_os("CI").is_none(), "CI must have {SERF}");
    if missing {
        eprintln!("skipped: {SERF} is not installed");
    }
    missing
}

/// A real Serf agent; killed when dropped.
struct Serf {
    child: Child,
    rpc: String,
}

impl Serf {
    async fn start(node: &str, ip: Ipv4Addr, join: Option<Ipv4Addr>) -> Self {
        let rpc = format!("{ip}:7373");
        let mut command = Command::new(SERF);
        command.args(["agent", "-profile", "local", "-tag", "role=db", "-tag", "zone=a", "-node", node]);
        command.args(["-bind", &ip.to_string(), "-rpc-addr", &rpc]);
        command.args(join.map(|ip| format!("-retry-join={ip}")));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let serf = Self { child: command.spawn().unwrap(), rpc };
        until("serf answers", async || serf.try_members()).await;
        serf
    }

    fn try_members(&self) -> Option<Vec<MemberRow>> {
        let output =
            Command::new(SERF).args(["members", "-format", "json", "-rpc-addr", &self.rpc]).output().unwrap();
        let members: Members = serde_json::from_slice(&output.stdout).ok()?;
        Some(members.members)
    }

    fn members(&self) -> Vec<MemberRow> {
        let mut members = self.try_members().unwrap();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        members
    }

    async fn sees(&self, wanted: &[(&str, &str)]) {
        until(&format!("serf's members are {wanted:?}"), async || {
            let members = self.members();
            let seen: Vec<_> = members.iter().map(|row| (row.name.as_str(), row.status.as_str())).collect();
            (seen == wanted).then_some(())
        })
        .await;
    }

    fn command(&self, arguments: &[&str]) {
        let status =
            Command::new(SERF).args(arguments).env("SERF_RPC_ADDR", &self.rpc).stdout(Stdio::null()).status();
        assert!(status.unwrap().success(), "serf {arguments:?}");
    }

    /// Kills it as a crash would.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Serf {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Both sides show the same rows: names, addresses, tags, states, versions.
async fn agree(ours: &Node, serf: &Serf) {
    until("both show the same members", async || {
        let Members { members } = ours.client.get(routes::MEMBERS).await.unwrap();
        (members == serf.members()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn serf_joins_us_and_both_show_the_same() {
    if skipped() {
        return;
    }
    let net = Net::random();
    let ours = Node::start(config("ours", net.ip(1), &[])).await;
    let serf = Serf::start("real", net.ip(2), Some(net.ip(1))).await;
    ours.sees(&[("ours", "alive"), ("real", "alive")]).await;
    agree(&ours, &serf).await;
    let Members { members } = ours.client.get(routes::MEMBERS).await.unwrap();
    assert_eq!(
        members[1].tags,
        [("role", "db"), ("zone", "a")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
    );
}

#[tokio::test]
async fn we_join_serf_leave_and_come_back() {
    if skipped() {
        return;
    }
    let net = Net::random();
    let serf = Serf::start("real", net.ip(1), None).await;
    for _ in 0..2 {
        let ours = Node::start(config("ours", net.ip(2), &[net.ip(1)])).await;
        serf.sees(&[("ours", "alive"), ("real", "alive")]).await;
        agree(&ours, &serf).await;
        assert_eq!(ours.leave().await.unwrap(), Ended::Left);
        serf.sees(&[("ours", "left"), ("real", "alive")]).await;
    }
}

#[tokio::test]
async fn serf_leaves_and_is_seen_as_left() {
    if skipped() {
        return;
    }
    let net = Net::random();
    let ours = Node::start(config("ours", net.ip(1), &[])).await;
    let serf = Serf::start("real", net.ip(2), Some(net.ip(1))).await;
    ours.sees(&[("ours", "alive"), ("real", "alive")]).await;
    serf.command(&["leave"]);
    ours.sees(&[("ours", "alive"), ("real", "left")]).await;
}

#[tokio::test]
async fn a_killed_serf_is_seen_as_failed_and_rejoins_under_its_name() {
    if skipped() {
        return;
    }
    let net = Net::random();
    let ours = Node::start(config("ours", net.ip(1), &[])).await;
    let serf = Serf::start("real", net.ip(2), Some(net.ip(1))).await;
    ours.sees(&[("ours", "alive"), ("real", "alive")]).await;
    serf.kill();
    ours.sees(&[("ours", "alive"), ("real", "failed")]).await;
    let serf = Serf::start("real", net.ip(2), Some(net.ip(1))).await;
    ours.sees(&[("ours", "alive"), ("real", "alive")]).await;
    agree(&ours, &serf).await;
}

#[tokio::test]
async fn serf_sees_changed_tags_and_a_forced_leave() {
    if skipped() {
        return;
    }
    let net = Net::random();
    let ours = Node::start(config("ours", net.ip(1), &[])).await;
    let serf = Serf::start("real", net.ip(2), Some(net.ip(1))).await;
    ours.sees(&[("ours", "alive"), ("real", "alive")]).await;
    serf.command(&["tags", "-set", "zone=b", "-delete", "role"]);
    until("the changed tags are seen", async || {
        let Members { members } = ours.client.get(routes::MEMBERS).await.unwrap();
        (members[1].tags == [("zone".to_owned(), "b".to_owned())].into()).then_some(())
    })
    .await;
    // A third, killed, is declared left by the real one.
    let third = Serf::start("third", net.ip(3), Some(net.ip(1))).await;
    ours.sees(&[("ours", "alive"), ("real", "alive"), ("third", "alive")]).await;
    third.kill();
    ours.sees(&[("ours", "alive"), ("real", "alive"), ("third", "failed")]).await;
    serf.sees(&[("ours", "alive"), ("real", "alive"), ("third", "failed")]).await;
    serf.command(&["force-leave", "third"]);
    ours.sees(&[("ours", "alive"), ("real", "alive"), ("third", "left")]).await;
}
