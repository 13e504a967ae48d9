//! The same service folders under s6 and under `muster init`, watched with s6's own tools: the same life.
//!
//! Each case is a service's files and a script that does something to it and prints what it sees. It runs against either kind, and
//! both must print the same. What differs on purpose is in `docs/from-s6.md`.

mod cases;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use cases::{CASES, Case};
use muster_e2e::{binary, skip};

/// What every script may use. `eventually` waits for a fact; nothing waits for a time.
const PRELUDE: &str = r#"
set -eu
eventually() { tries=0; until eval "$1" >/dev/null 2>&1; do tries=$((tries+1)); [ $tries -lt 250 ] || { echo "never: $1"; exit 1; }; sleep 0.02; done; }
logged() { eventually "grep -q -- '$1' $LOG"; }
often() { [ "$(grep -c -- "$1" $LOG)" -ge "$2" ]; }
stat() { s6-svstat -o up,wantedup,normallyup,ready,paused,exitcode,signal,signum $PLACE; }
"#;

#[test]
fn the_same_folders_give_the_same_life() {
    if !Path::new("/usr/bin/s6-svscan").exists() {
        return skip("s6 is not installed (apt install s6)");
    }
    // They wait far more than they work.
    let next = Mutex::new(CASES.iter());
    let differences = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(case) = { next.lock().expect("no case panics with it").next() } {
                    let (theirs, ours) = (life(case, Kind::S6), life(case, Kind::Muster));
                    if theirs != ours || theirs.contains("never:") || theirs.trim().is_empty() {
                        differences
                            .lock()
                            .expect("nor with this")
                            .push(format!("== {}\n-- s6:\n{theirs}-- muster:\n{ours}", case.fact));
                    }
                }
            });
        }
    });
    let differences = differences.into_inner().expect("all threads have ended");
    assert!(
        differences.is_empty(),
        "{} of {} cases:\n{}",
        differences.len(),
        CASES.len(),
        differences.join("\n")
    );
    assert!(CASES.len() >= 30, "the issue asks for thirty behaviours");
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    S6,
    Muster,
}

/// What the case's script printed.
fn life(case: &Case, kind: Kind) -> String {
    let folder = tempfile::tempdir().expect("a place for tests");
    let services = folder.path().join("services.d");
    for (file, text) in case.files {
        write(&services.join("x").join(file), text);
    }
    let log = folder.path().join("log");
    fs::write(&log, "").expect("the log is made");
    let (mut supervisor, place) = match kind {
        Kind::S6 => (s6(folder.path()), services.join("x")),
        Kind::Muster => (muster(folder.path()), folder.path().join("run/x")),
    };
    // A service that cannot be ended would be waited for by s6 for ever.
    let output = Command::new("timeout")
        .args(["60", "sh", "-c", &format!("{PRELUDE}\neventually 's6-svok $PLACE'\n{}", case.script)])
        .env("PLACE", &place)
        .env("LOG", &log)
        .output()
        .expect("sh runs");
    supervisor.kill().expect("it was still there");
    supervisor.wait().expect("it ends");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let said = said.replace(&*place.to_string_lossy(), "PLACE");
    // Two that fail alike are not alike.
    if output.status.success() { said } else { format!("never: {}\n{said}", output.status) }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("it is in a folder")).expect("folders can be made");
    fs::write(path, text).expect("files can be written");
    if text.starts_with("#!") {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("and made executable");
    }
}

fn s6(folder: &Path) -> Child {
    contained(folder)
        .arg("s6-svscan")
        .arg(folder.join("services.d"))
        .spawn()
        .expect("unshare and s6-svscan run")
}

fn muster(folder: &Path) -> Child {
    let mut command = contained(folder);
    command.arg(binary()).args(["init", "--etc"]).arg(folder).arg("--control").arg(folder.join("run"));
    command.env("MUSTER_CONTAINER_ENVIRONMENT", folder.join("environment")).env("S6_VERBOSITY", "0");
    command.spawn().expect("unshare and muster run")
}

/// In a process namespace of its own, whose end ends everybody in it.
fn contained(folder: &Path) -> Command {
    // Whoever runs the tests may ignore signals (nohup), and a shell cannot trap what it was born to ignore.
    let mut command = Command::new("env");
    command.args(["--default-signal", "unshare"]).args([
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "--",
    ]);
    command.env("LOG", folder.join("log")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}
