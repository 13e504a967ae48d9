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
