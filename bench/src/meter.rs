//! Packets and bytes on the wire, counted by the kernel's packet filter where they leave an address.

use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

/// What left one network, IP headers included.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

/// Counters of several networks. They go when it is dropped.
#[derive(Debug)]
pub(crate) struct Meter {
    table: String,
    networks: usize,
}

impl Meter {
    /// Counts what is sent from each network, from now on; or why it cannot.
    pub(crate) fn install(networks: &[String]) -> Result<Self, String> {
        let table = format!("muster_bench_{}", std::process::id());
        let mut rules = format!("table ip {table} {{\nchain sent {{ type filter hook output priority 0;\n");
        for network in networks {
            rules += &format!("ip saddr {network} counter\n");
        }
        rules += "}\n}\n";
        nft(&["-f", "-"], &rules)?;
        Ok(Self { table, networks: networks.len() })
    }

    /// In the order of the networks.
    pub(crate) fn read(&self) -> Result<Vec<Traffic>, String> {
        let text = nft(&["--json", "list", "table", "ip", &self.table], "")?;
        let listed: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let traffic: Vec<Traffic> =
            listed["nftables"].as_array().into_iter().flatten().filter_map(counted).collect();
        if traffic.len() == self.networks { Ok(traffic) } else { Err(format!("unexpected counters: {text}")) }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let _ = nft(&["delete", "table", "ip", &self.table], "");
    }
}

/// The counter of one rule.
fn counted(object: &Value) -> Option<Traffic> {
    let counter = object["rule"]["expr"].as_array()?.iter().find_map(|part| part.get("counter"))?;
    Some(Traffic { packets: counter["packets"].as_u64()?, bytes: counter["bytes"].as_u64()? })
}

fn nft(arguments: &[&str], input: &str) -> Result<String, String> {
    let cannot = |why: &dyn std::fmt::Display| format!("skipped: traffic is counted by nft, as root: {why}");
    let mut child = Command::new("nft")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| cannot(&error))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(|error| cannot(&error))?;
    }
    let output = child.wait_with_output().map_err(|error| cannot(&error))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(cannot(&String::from_utf8_lossy(&output.stderr))),
    }
}
