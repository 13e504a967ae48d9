//! What HAProxy answers, as facts. Bounded by the bytes that the caller reads; a line that is not understood is left out.

use crate::change::{Command, ServerName, state, weight};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

/// `srv_admin_state` of "show servers state": an operator forced maintenance.
const FORCED_MAINT: u32 = 0x01;
/// The configuration disables it, which it does by forcing maintenance.
const CONFIGURED_MAINT: u32 = 0x04;
/// An operator forced a drain.
const FORCED_DRAIN: u32 = 0x08;

/// Of `show info`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Info {
    /// The process that answers.
    pub pid: u32,
    /// For how long it has run.
    pub uptime_s: u64,
    /// Major and minor.
    pub version: (u32, u32),
}

/// Reads `show info`; `None` if it is none.
pub fn info(reply: &str) -> Option<Info> {
    let field = |name: &str| {
        let line = reply.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(str::trim)
    };
    let mut version = field("Version")?.split(['.', '-']).map(|part| part.parse().ok());
    Some(Info {
        pid: field("Pid")?.parse().ok()?,
        uptime_s: field("Uptime_sec")?.parse().ok()?,
        version: (version.next()??, version.next()??),
    })
}

/// A server as `show servers state` has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerState {
    /// Which.
    pub name: ServerName,
    /// Where it is; `None` if HAProxy looks it up.
    pub address: Option<SocketAddr>,
    admin: u32,
    weight: u16,
}

impl ServerState {
    /// What sets in a new process what an operator set by hand in this one; nothing if nobody did. `expected`: the weight that it would
    /// have else.
    pub fn by_hand(&self, expected: Option<u16>) -> Vec<Command> {
        let mut commands = Vec::new();
        if self.admin & FORCED_MAINT != 0 && self.admin & CONFIGURED_MAINT == 0 {
            commands.push(state(&self.name, "maint"));
        } else if self.admin & FORCED_DRAIN != 0 {
            commands.push(state(&self.name, "drain"));
        }
        if expected.is_some_and(|expected| expected != self.weight) {
            commands.push(weight(&self.name, self.weight));
        }
        commands
    }
}

/// What 2.2 calls its own sockets to the workers, once it was reloaded.
const MASTER: &str = "MASTER";

/// Reads `show servers state`.
pub fn server_states(reply: &str) -> Vec<ServerState> {
    state_lines(reply).into_iter().map(|(_, state)| state).collect()
}

/// The same with the line of each.
pub(crate) fn state_lines(reply: &str) -> Vec<(&str, ServerState)> {
    let mut lines = reply.lines().map(str::trim);
    let header = lines.by_ref().find_map(|line| line.strip_prefix("# "));
    let columns: Vec<&str> = header.unwrap_or_default().split(' ').collect();
    let place = |name: &str| columns.iter().position(|column| *column == name);
    let (Some(backend), Some(server), Some(admin), Some(weight)) =
        (place("be_name"), place("srv_name"), place("srv_admin_state"), place("srv_uweight"))
    else {
        return Vec::new();
    };
    let (ip, port, fqdn) = (place("srv_addr"), place("srv_port"), place("srv_fqdn"));
    let read = |line| {
        let words: Vec<&str> = str::split(line, ' ').collect();
        let word = |nth: Option<usize>| nth.and_then(|nth| words.get(nth)).copied();
        let (ip, fqdn) = (word(ip)?, word(fqdn));
        let name =
            ServerName { backend: word(Some(backend))?.to_string(), server: word(Some(server))?.to_string() };
        if name.backend == MASTER && ip == "-" {
            return None;
        }
        let ip = ip.parse::<IpAddr>().ok().filter(|_| fqdn.is_none_or(|fqdn| fqdn == "-"));
        let port = word(port).and_then(|port| port.parse().ok());
        let state = ServerState {
            name,
            address: ip.zip(port).map(|(ip, port)| SocketAddr::new(ip, port)),
            admin: words.get(admin)?.parse().ok()?,
            weight: words.get(weight)?.parse().ok()?,
        };
        Some((line, state))
    };
    lines.filter_map(read).collect()
}

/// What a server is doing, of `show stat`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Load {
    /// Which.
    pub name: ServerName,
    /// Where it is, if HAProxy says so: to those with the level of an operator.
    pub address: Option<SocketAddr>,
    /// HAProxy's word: `UP`, `DOWN`, `MAINT`, `DRAIN`, `no check`, ...
    pub status: String,
    /// Sessions on it and waiting for it.
    pub in_flight: u32,
    /// Sessions so far.
    pub requests: u64,
    /// Of those, ones that failed on it.
    pub failures: u64,
    /// Why its check says what it says.
    pub check: Option<String>,
}

impl Load {
    /// Whether the check of a server that is drained has said something: `DRAIN 1/3` is one of which only a failure would change
    /// anything, and that has had no check yet, or a failed one.
    pub fn is_judged(&self) -> bool {
        self.status == "DRAIN" || self.status.starts_with("DOWN")
    }

    /// Of a server that is no longer there, but for what it still has.
    pub fn gone(name: ServerName, address: Option<SocketAddr>, in_flight: u32) -> Self {
        let status = "DRAIN".to_string();
        Self { name, address, status, in_flight, requests: 0, failures: 0, check: None }
    }
}

/// Reads `show stat`: the servers.
pub fn loads(reply: &str) -> Vec<Load> {
    let mut lines = reply.lines();
    let header = lines.by_ref().find_map(|line| line.strip_prefix("# "));
    let columns: Vec<&str> = header.unwrap_or_default().split(',').collect();
    let place = |name: &str| columns.iter().position(|column| *column == name);
    let places = ["pxname", "svname", "status", "qcur", "scur", "stot", "econ", "eresp", "last_chk", "addr"]
        .map(place);
    let read = |line: &str| {
        let fields = fields(line);
        let at = |nth: usize| fields.get(places[nth]?).map(String::as_str);
        let count = |nth: usize| at(nth).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let name = ServerName { backend: at(0)?.to_string(), server: at(1)?.to_string() };
        if name.server == "FRONTEND" || name.server == "BACKEND" {
            return None;
        }
        Some(Load {
            status: at(2)?.to_string(),
            in_flight: u32::try_from(count(3).saturating_add(count(4))).unwrap_or(u32::MAX),
            requests: count(5),
            failures: count(6).saturating_add(count(7)),
            check: at(8).filter(|text| !text.is_empty()).map(ToString::to_string),
            address: at(9).and_then(|text| text.parse().ok()),
            name,
        })
    };
    lines.filter_map(read).collect()
}

/// The fields of a line of CSV (RFC 4180): some are quoted.
fn fields(line: &str) -> Vec<String> {
    let mut fields = alloc::vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        let Some(field) = fields.last_mut() else { break };
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => {
                field.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => field.push(char),
        }
    }
    fields
}

/// Reads `show sess`: how many sessions each server has. An old worker of 2.2 says nothing of its servers in `show stat`.
pub fn sessions(reply: &str) -> BTreeMap<ServerName, u32> {
    let mut sessions = BTreeMap::new();
    for line in reply.lines() {
        let word = |key: &str| line.split(' ').find_map(|word| word.strip_prefix(key));
        let (Some(backend), Some(server)) = (word("be="), word("srv=")) else { continue };
        // `<none>`: it waits for a request.
        if !server.starts_with('<') {
            let name = ServerName { backend: backend.to_string(), server: server.to_string() };
            let count: &mut u32 = sessions.entry(name).or_default();
            *count = count.saturating_add(1);
        }
    }
    sessions
}

/// Of the master's `show proc`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Processes {
    /// How often it was reloaded.
    pub reloads: Option<u64>,
    /// How often that failed, if it says so (2.5).
    pub failed: Option<u64>,
    /// Those that take connections.
    pub workers: Vec<Process>,
    /// Those that finish what they have.
    pub old_workers: Vec<Process>,
}

/// One worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Process {
    /// Its number.
    pub pid: u32,
}

/// Reads `show proc`.
pub fn processes(reply: &str) -> Processes {
    let mut found = Processes::default();
    let mut is_old = false;
    // 2.2 has one more column.
    let at_reloads = if reply.contains("<relative PID>") { 3 } else { 2 };
    for line in reply.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            is_old = title.trim() == "old workers";
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(pid) = words.first().and_then(|pid| pid.parse().ok()) else { continue };
        match words.get(1) {
            Some(&"master") => {
                found.reloads = words.get(at_reloads).and_then(|count| count.parse().ok());
                let at = words.iter().position(|word| *word == "[failed:");
                found.failed = at
                    .and_then(|at| words.get(at + 1))
                    .and_then(|count| count.trim_end_matches(']').parse().ok());
            }
            Some(&"worker") if is_old => found.old_workers.push(Process { pid }),
            Some(&"worker") => found.workers.push(Process { pid }),
            _ => {}
        }
    }
    found
}

impl Processes {
    /// Whether a reload since `before` failed: where the master counts those, and where it does not (2.2), one that has nobody who
    /// takes connections in the name of the new configuration.
    pub fn failed_since(&self, before: &Self) -> bool {
        match (before.failed, self.failed) {
            (Some(before), Some(now)) => now > before,
            _ => self.reloads > before.reloads && self.workers.is_empty() && !self.old_workers.is_empty(),
        }
    }
}

/// What the master says of a reload that failed; `None` if it says nothing of that kind (before 2.7 it says nothing at all).
pub fn refusal(reload_reply: &str) -> Option<String> {
    let failed = reload_reply.lines().any(|line| line.trim() == "Success=0");
    failed.then(|| {
        let rest: Vec<&str> = reload_reply
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("Success=") && *line != "--")
            .collect();
        rest.join("\n")
    })
}

#[cfg(test)]
mod tests;
