//! What PID 1 costs: the time until its first child runs, memory, wake-ups when nothing happens, and the processor time of a service that
//! dies at once, for ever. Beside tini, where it is installed.

use muster_e2e::{Process, binary};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const STARTS: usize = 100;
/// How long nothing is to happen.
const QUIET: Duration = Duration::from_secs(20);

pub(crate) async fn measure() -> Value {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let [quiet, crashing] = ["quiet", "crashing"].map(|name| folder.path().join(name));
    service(&quiet, "exec sleep 1000");
    service(&crashing, "exit 1");
    let init = |etc: &Path| {
        let mut command = Command::new(binary());
        command.arg("init").arg("--etc").arg(etc).arg("--control").arg(etc.join("control"));
        command
    };
    let nothing = folder.path().join("nothing");
    let figures = json!({
        "until_the_command_runs_ms": {
            "without PID 1": starts(|| Command::new("/bin/true")),
            "muster --": starts(|| with(Command::new(binary()), &["--", "/bin/true"])),
            "muster init": starts(|| with(init(&nothing), &["--no-control", "/bin/true"])),
            "tini": if has_tini() {
                starts(|| with(Command::new("tini"), &["-s", "--", "/bin/true"]))
            } else {
                skipped()
            },
        },
        "one quiet service": idle("muster init", &mut init(&quiet)).await,
        "one command": idle("muster --", &mut with(Command::new(binary()), &["--", "sleep", "1000"])).await,
        "one command, tini": if has_tini() {
            idle("tini", &mut with(Command::new("tini"), &["-s", "--", "sleep", "1000"])).await
        } else {
            skipped()
        },
        "a service that dies at once": idle("muster init", &mut init(&crashing)).await,
    });
    println!("{figures:#}");
    figures
}

fn has_tini() -> bool {
    Path::new("/usr/bin/tini").exists()
}

fn skipped() -> Value {
    json!("skipped: Debian's package tini is not installed")
}

fn with(mut command: Command, words: &[&str]) -> Command {
    command.args(words);
    command
}

fn service(etc: &Path, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    let folder = etc.join("services.d/it");
    std::fs::create_dir_all(&folder).expect("folders can be made");
    let run = folder.join("run");
    std::fs::write(&run, format!("#!/bin/sh\n{script}\n")).expect("files can be written");
    std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o755)).expect("and their modes set");
}

/// Milliseconds from a start to the end of a command that does nothing.
fn starts(command: impl Fn() -> Command) -> Value {
    let mut samples: Vec<f64> = (0..STARTS)
        .map(|_| {
            let started = Instant::now();
            match command().status() {
                Ok(status) if status.success() => started.elapsed().as_secs_f64() * 1e3,
                other => panic!("it does not run: {other:?}"),
            }
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    let rounded = |ms: f64| (ms * 1e3).round() / 1e3;
    json!({ "median": rounded(samples[STARTS / 2]), "max": rounded(samples[STARTS - 1]) })
}

/// What it needs while nothing, or always the same, happens.
async fn idle(name: &str, command: &mut Command) -> Value {
    let process = Process::start(name, command);
    // Until it is where it stays; and then the time that is measured.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let id = process.id();
    let before = (wake_ups(id), ticks(id));
    tokio::time::sleep(QUIET).await;
    let after = (wake_ups(id), ticks(id));
    let seconds = QUIET.as_secs_f64();
    json!({
        "wake_ups_per_s": (after.0 - before.0) as f64 / seconds,
        // In hundredths of a second each.
        "own_cpu_ms_per_s": (after.1 - before.1) as f64 * 10.0 / seconds,
        "resident_kib": kib(id, "smaps_rollup", "Rss:"),
        "private_kib": kib(id, "smaps_rollup", "Private_Dirty:") + kib(id, "smaps_rollup", "Private_Clean:"),
        "anonymous_kib": kib(id, "smaps_rollup", "Anonymous:"),
    })
}

fn wake_ups(id: u32) -> u64 {
    kib(id, "status", "voluntary_ctxt_switches:")
}

/// User and system time of the process itself, without its children's.
fn ticks(id: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let behind_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let field =
        |n: usize| behind_name.split(' ').nth(n).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    field(11) + field(12)
}

/// The number behind a word in a file of `/proc`.
fn kib(id: u32, file: &str, word: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(word)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
