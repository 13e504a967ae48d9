//! The log in the system's log, as a syslog receives it from either kind.

use muster_e2e::{Hosts, Kind, Network, Node, reference_is_here, wait_for};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

/// A `/dev` of the test's own namespace with a `log` that it reads.
fn own_log() -> (tempfile::TempDir, UnixDatagram) {
    let dir = tempfile::tempdir().expect("a place for tests");
    let mount = |from: &Path, to: &Path| {
        let mounted = Command::new("mount").arg("--rbind").args([from, to]).status().expect("mount runs");
        assert!(mounted.success(), "{}", to.display());
    };
    for device in ["null", "zero", "random", "urandom"] {
        let place = dir.path().join(device);
        std::fs::write(&place, "").expect("it is ours");
        mount(&Path::new("/dev").join(device), &place);
    }
    let log = UnixDatagram::bind(dir.path().join("log")).expect("nobody has it");
    log.set_nonblocking(true).expect("a socket can");
    mount(dir.path(), Path::new("/dev"));
    (dir, log)
}

#[tokio::test]
async fn both_kinds_tell_the_systems_log() {
    if !reference_is_here() {
        return;
    }
    let Some(_network) = Network::own("syslog::both_kinds_tell_the_systems_log") else { return };
    let (_dir, log) = own_log();
    let hosts = Hosts::claim();
    for (host, kind, program) in [(1, Kind::Serf, "serf"), (2, Kind::Muster, "muster")] {
        let node = Node::start(kind, &hosts, host, "n", &["-syslog", "-log-level", "info"]);
        let mut lines = Vec::new();
        let is_the_join = |line: &String| {
            line.starts_with("<133>")
                && line.contains(&format!(" {program}["))
                && line.contains("]: serf: EventMemberJoin: n ")
        };
        wait_for("the join is in the system's log", || {
            let mut buffer = [0; 4096];
            while let Ok(length) = log.recv(&mut buffer) {
                lines.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
            }
            let told = lines.iter().any(is_the_join);
            let (all, said) = (lines.join("\n"), node.said());
            async move { if told { Ok(()) } else { Err(format!("{all}\n{said}")) } }
        })
        .await;
    }
}
