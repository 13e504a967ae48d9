//! What is asked, by wrk, and what it says of it.

use super::OTHER_CORE;
use std::path::Path;
use std::process::Command;

/// A kind of request.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    path: &'static str,
    /// What wrk is told beside.
    flags: &'static [&'static str],
    /// A body of so many bytes goes along, as a POST.
    body_bytes: usize,
}

pub(crate) const KINDS: [Kind; 5] = [
    Kind { name: "small GET", path: "/", flags: &[], body_bytes: 0 },
    Kind { name: "64 KiB GET", path: "/64k", flags: &[], body_bytes: 0 },
    Kind { name: "1 MiB GET", path: "/1m", flags: &[], body_bytes: 0 },
    Kind { name: "POST 1 KiB", path: "/", flags: &[], body_bytes: 1024 },
    Kind {
        name: "new connection per request",
        path: "/",
        flags: &["-H", "Connection: close"],
        body_bytes: 0,
    },
];

/// For how long each round asks.
const SECONDS: u32 = 3;
const CONNECTIONS: u32 = 50;

/// One round's figures.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Filled in by who looks at the proxy.
    pub(crate) cpu_us: f64,
}

/// The end of wrk's run says it in a form of our own: its own has units in it.
const DONE: &str = "done = function(summary, latency, requests)\n\
    local e = summary.errors\n\
    print(string.format('FIGURES %d %d %d %d %d', summary.requests, e.connect + e.read + e.write + e.status + e.timeout,\n\
        summary.duration, latency:percentile(50), latency:percentile(99)))\nend\n";

pub(crate) fn run(kind: &Kind, address: &str, scripts: &Path) -> Round {
    let script = scripts.join("wrk.lua");
    let body = match kind.body_bytes {
        0 => String::new(),
        bytes => format!("wrk.method = 'POST'\nwrk.body = string.rep('x', {bytes})\n"),
    };
    std::fs::write(&script, body + DONE).expect("the script can be written");
    let output = Command::new("taskset")
        .args(["-c", OTHER_CORE, "wrk", "-t1"])
        .args([format!("-c{CONNECTIONS}"), format!("-d{SECONDS}s")])
        .args(kind.flags)
        .arg("-s")
        .arg(&script)
        .arg(format!("http://{address}{}", kind.path))
        .output()
        .expect("taskset runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let figures = said.lines().find_map(|line| line.strip_prefix("FIGURES "));
    let figures: Vec<u64> =
        figures.unwrap_or_default().split(' ').filter_map(|figure| figure.parse().ok()).collect();
    let [requests, failed, took_us, p50_us, p99_us] = figures[..] else {
        panic!("wrk says no figures: {said}{}", String::from_utf8_lossy(&output.stderr))
    };
    Round {
        requests,
        failed,
        per_second: requests as f64 * 1e6 / took_us.max(1) as f64,
        p50_ms: p50_us as f64 / 1000.0,
        p99_ms: p99_us as f64 / 1000.0,
        cpu_us: 0.0,
    }
}
