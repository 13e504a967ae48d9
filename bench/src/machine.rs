//! Where figures were taken: without that they mean nothing.

use serde_json::{Value, json};
use std::fs::read_to_string;
use std::process::Command;

/// Processor, cores, memory, kernel, and the versions of what was measured.
pub(crate) fn describe() -> Value {
    let cpu = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let memory = read_to_string("/proc/meminfo").unwrap_or_default();
    json!({
        "cpu": model.trim_start_matches([' ', '\t', ':']),
        "cores": std::thread::available_parallelism().map(usize::from).unwrap_or(0),
        "memory": memory.lines().next().unwrap_or_default().trim_start_matches("MemTotal:").trim(),
        "kernel": read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        "load_before": read_to_string("/proc/loadavg").unwrap_or_default().trim(),
        "muster": said(muster_e2e::binary().to_string_lossy().as_ref(), &["--version"]),
        "serf": said("serf", &["version"]),
        "haproxy": said("haproxy", &["-v"]),
    })
}

fn said(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("not installed").to_owned()
}

/// How many cores worked while something was measured, on its behalf or not: the agents' own share stands beside it.
#[derive(Debug)]
pub(crate) struct Busy {
    began: std::time::Instant,
    ticks: u64,
}

impl Busy {
    pub(crate) fn begin() -> Self {
        Self { began: std::time::Instant::now(), ticks: busy_ticks() }
    }

    pub(crate) fn cores(&self) -> f64 {
        // 100 ticks a second, on every Linux (USER_HZ).
        let seconds = (busy_ticks() - self.ticks) as f64 / 100.0;
        (seconds / self.began.elapsed().as_secs_f64() * 100.0).round() / 100.0
    }
}

/// `/proc/stat`: user, nice, system, idle, iowait, irq, softirq.
fn busy_ticks() -> u64 {
    let stat = read_to_string("/proc/stat").unwrap_or_default();
    let numbers =
        stat.lines().next().unwrap_or_default().split_whitespace().skip(1).take(7).map(str::parse::<u64>);
    numbers
        .enumerate()
        .filter(|(column, _)| ![3, 4].contains(column))
        .filter_map(|(_, ticks)| ticks.ok())
        .sum()
}
