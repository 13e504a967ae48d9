//! An agent whose container gets too little CPU knows it and says it.

use muster_control::client::Client;
use muster_e2e::{Agent, AgentOptions, Hosts, Process, binary, says, skip, wait_for};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A group of cgroups of our own, removed when dropped: declared before the processes in it, which end first.
struct Group(PathBuf);

impl Group {
    /// One with the whole of a CPU, where this machine lets us have it.
    fn make() -> io::Result<Self> {
        let version_1 = Path::new("/sys/fs/cgroup/cpu");
        let root = if version_1.exists() { version_1 } else { Path::new("/sys/fs/cgroup") };
        if !version_1.exists() {
            fs::write(root.join("cgroup.subtree_control"), "+cpu")?;
        }
        let group = Self(root.join(format!("muster-e2e-{}", std::process::id())));
        fs::create_dir(&group.0)?;
        group.allow(100_000)?;
        Ok(group)
    }

    /// So many microseconds of each tenth of a second.
    fn allow(&self, quota_us: u32) -> io::Result<()> {
        if self.0.join("cpu.max").exists() {
            fs::write(self.0.join("cpu.max"), format!("{quota_us} 100000"))
        } else {
            fs::write(self.0.join("cpu.cfs_quota_us"), quota_us.to_string())
        }
    }

    /// A command that runs in it.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("sh");
        let procs = self.0.join("cgroup.procs");
        command.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]).arg(procs).arg(program);
        command
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A process that was just reaped may still be counted for a moment.
        while fs::remove_dir(&self.0).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy) {
            std::thread::yield_now();
        }
    }
}

#[tokio::test]
async fn an_agent_that_gets_too_little_cpu_says_so_and_trusts_itself_less() {
    let group = match Group::make() {
        Ok(group) => group,
        Err(error) => return skip(&format!("cannot make a cgroup with a CPU quota: {error}")),
    };
    let hosts = Hosts::claim();
    let peer = Agent::start(&hosts, 1, "peer", AgentOptions::default());
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let socket = directory.path().join("m.sock");
    let mut command = group.command(binary());
    command.args([
        "agent",
        "--node",
        "tight",
        "--bind",
        &hosts.at(2, 7946),
        "--join",
        &peer.address,
        "--socket",
    ]);
    let tight = Process::start("agent tight", command.arg(&socket));
    peer.sees("tight", "alive").await;
    let control = Client::new(socket);
    let info = || async {
        let info: muster_control::routes::Info =
            control.get(muster_control::routes::INFO).await.map_err(|error| error.to_string())?;
        let score: u32 = info.0["serf"]["health_score"].parse().map_err(|_| "no score".to_owned())?;
        Ok::<_, String>((info.0["muster"].get("cpu_throttled").cloned(), score))
    };
    assert_eq!(wait_for("it answers", info).await.0, None);
    assert!(!tight.said().contains("throttled"), "{}", tight.said());

    // A twentieth of a CPU, and an application that would take all of it.
    group.allow(5_000).expect("a quota that was set can be set again");
    let mut busy = group.command(Path::new("sh"));
    let _busy = Process::start("busy application", busy.args(["-c", "while :; do :; done"]));
    says("it knows", "this container's CPU was throttled for ", || tight.said()).await;
    let said = tight.said();
    let line = said.lines().find(|line| line.contains("throttled")).unwrap_or_default();
    assert!(line.contains("give it more CPU"), "{line}");
    assert!(line.contains("health_score=") && !line.contains("health_score=0"), "it doubts itself: {line}");
    // Whatever its peer answers meanwhile.
    for _ in 0..20 {
        let (share, score) = wait_for("it still answers", info).await;
        let share = share.unwrap_or_default();
        assert!(share.contains(" s of the last ") && score >= 1, "{share}, health score {score}");
    }
}
