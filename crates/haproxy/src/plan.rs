//! What has to change in a running HAProxy, and whether it can without a reload.

use crate::change::{Change, Farewell, Leaving, New, ServerName, is_plain};
use crate::config::{Config, Line, Section};
use crate::place;
use crate::server::{Server, defaults, defaults_of, server};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// What this HAProxy can do at run time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Features {
    /// `add server` and `del server`, with checks: since 2.6 no longer experimental.
    pub dynamic_servers: bool,
}

impl Features {
    /// Of a version, as major and minor.
    pub fn of(version: (u32, u32)) -> Self {
        Self { dynamic_servers: version >= (2, 6) }
    }
}

/// How to get there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Plan {
    /// It runs what is wanted.
    Nothing,
    /// By commands.
    Change(Vec<Change>),
    /// Only a new process can.
    Reload(Reason),
}

/// What forces a reload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reason {
    /// Of the wanted text, from 1; `None`: something is missing there.
    pub line: Option<usize>,
    /// In words.
    pub words: String,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.words),
            None => f.write_str(&self.words),
        }
    }
}

/// Why a consistent hash is left to a reload.
const BY_ORDER: &str = "changes the servers, which `hash-type consistent` places by their numbers: without `id` on each of them these follow from \
                        their order at the start, and another balancer would choose otherwise";

/// From what runs to what is wanted. `leaving`: servers that run beside the text, since they still have sessions.
pub fn plan(
    running: &Config,
    wanted: &Config,
    leaving: &BTreeMap<ServerName, Leaving>,
    features: Features,
) -> Plan {
    match changes(running, wanted, leaving, features) {
        Ok(changes) if changes.is_empty() => Plan::Nothing,
        Ok(changes) => Plan::Change(changes),
        Err(reason) => Plan::Reload(reason),
    }
}

fn changes(
    running: &Config,
    wanted: &Config,
    leaving: &BTreeMap<ServerName, Leaving>,
    features: Features,
) -> Result<Vec<Change>, Reason> {
    let mut changes = Vec::new();
    let mut former = running.sections.iter();
    for section in &wanted.sections {
        let Some(before) = former.next() else { return Err(because(&section.head, "is a new section")) };
        if before.head != section.head {
            return Err(because(&section.head, "is another section, or in another place"));
        }
        same_but_for_servers(before, section)?;
        if section.has_servers() {
            let pair = Pair { running, before, wanted, section, leaving, features };
            changes.extend(pair.changes()?);
        }
    }
    match former.next() {
        Some(gone) => Err(Reason { line: None, words: format!("`{}` is no longer there", gone.head.text()) }),
        None => Ok(changes),
    }
}

fn because(line: &Line, why: &str) -> Reason {
    Reason { line: Some(line.number), words: format!("`{}` {why}", line.text()) }
}

/// Of a line that is in the running text only.
fn is_gone(line: &Line, why: &str) -> Reason {
    Reason { line: None, words: format!("`{}` is gone, and {why}", line.text()) }
}

/// A line that decides which others count (configuration manual, 2.4 "Conditional blocks").
fn condition(config: &Config) -> Option<&str> {
    let lines = config.sections.iter().flat_map(|section| &section.lines);
    lines.filter_map(|line| line.words.first()).map(String::as_str).find(|word| word.starts_with(".if"))
}

/// Whether everything is the same but for servers where they can change.
fn same_but_for_servers(before: &Section, section: &Section) -> Result<(), Reason> {
    let fixed = |of: &Section| {
        let is_fixed = |line: &&Line| !(of.has_servers() && line.is("server"));
        of.lines.iter().filter(is_fixed).cloned().collect::<Vec<_>>()
    };
    let (before, now) = (fixed(before), fixed(section));
    let mut former = before.iter();
    for line in &now {
        if former.next() != Some(line) {
            return Err(because(line, "is new, changed or in another place"));
        }
    }
    match former.next() {
        Some(gone) => Err(Reason {
            line: None,
            words: format!("`{}` is no longer in `{}`", gone.text(), section.head.text()),
        }),
        None => Ok(()),
    }
}

/// A section of both texts that has servers.
struct Pair<'c> {
    running: &'c Config,
    before: &'c Section,
    wanted: &'c Config,
    section: &'c Section,
    leaving: &'c BTreeMap<ServerName, Leaving>,
    features: Features,
}

impl Pair<'_> {
    fn changes(&self) -> Result<Vec<Change>, Reason> {
        let (former, now) = (by_name(self.before)?, by_name(self.section)?);
        self.in_their_places()?;
        let differs = |(name, line): &(&&str, &&Line)| former.get(**name) != Some(line);
        let new: Vec<&Line> = now.iter().filter(differs).map(|(_, line)| *line).collect();
        let gone: Vec<&Line> =
            former.iter().filter(|(name, _)| !now.contains_key(**name)).map(|(_, line)| *line).collect();
        let Some(first) = new.first().or(gone.first()).copied() else { return Ok(Vec::new()) };
        let backend = self.section.name().filter(|name| is_plain(name));
        let Some(backend) = backend else { return Err(because(&self.section.head, "has no usual name")) };
        if let Some(condition) = [self.running, self.wanted].into_iter().find_map(condition) {
            return Err(because(
                first,
                &format!("changes a server, and `{condition}` makes the rest depend on the start"),
            ));
        }
        let (defaults_before, defaults_now) = (
            defaults(self.running, self.before).map_err(|why| because(first, &why))?,
            defaults(self.wanted, self.section).map_err(|why| because(first, &why))?,
        );
        let mut changes = Vec::new();
        // Newcomers first: no backend is ever without servers that both texts give it.
        for line in new {
            let (name, wanted) = server(line, &defaults_now).map_err(|why| because(line, &why))?;
            let full = ServerName { backend: backend.to_string(), server: name.to_string() };
            let running = former.get(name).map(|line| server(line, &defaults_before));
            let running = running.transpose().map_err(|why| because(line, &why))?;
            changes.extend(self.changed(line, full, running.map(|(_, server)| server), wanted)?);
        }
        for line in gone {
            let (name, former) = server(line, &defaults_before).map_err(|why| is_gone(line, &why))?;
            self.takes_servers().map_err(|why| is_gone(line, &why))?;
            if !is_plain(name) {
                return Err(is_gone(line, "has a name that a command cannot hold"));
            }
            let farewell = self.farewell(&former).map_err(|why| is_gone(line, &why))?;
            let full = ServerName { backend: backend.to_string(), server: name.to_string() };
            changes.push(Change::Remove(full, Leaving(former), farewell));
        }
        Ok(changes)
    }

    /// Whether nobody stands where commands cannot put it.
    fn in_their_places(&self) -> Result<(), Reason> {
        if let Some(line) = place::among_defaults(self.before, self.section) {
            return Err(because(
                line,
                "is new, changed or in another place, and a `default-server` stands below a server",
            ));
        }
        let (balance, is_dynamic) = self.balance();
        let all_count = !is_dynamic || balance == "first" || self.hashes_by_order();
        let takes_all = self.has_option("allbackups");
        // Without that option the first one is.
        let counts = |line: &Line| all_count || !takes_all && line.words.iter().any(|word| word == "backup");
        match place::in_another_order(self.before, self.section, counts) {
            Some(line) if self.hashes_by_order() => Err(because(line, BY_ORDER)),
            Some(line) => Err(because(line, "is in another place, and here the order counts")),
            None => Ok(()),
        }
    }

    /// Whether servers can come and go while it runs; if not, why.
    fn takes_servers(&self) -> Result<(), String> {
        if !self.features.dynamic_servers {
            return Err("changes the servers, which this HAProxy cannot at run time".to_string());
        }
        // `first` takes them too, but in the order in which they came.
        // 2.6 was seen to make no cookie for one that was added: its clients lose it.
        if self.setting("cookie").is_some_and(|line| line.words.iter().any(|word| word == "dynamic")) {
            return Err(
                "changes the servers, which `cookie` with `dynamic` does not take at run time".to_string()
            );
        }
        if self.hashes_by_order() {
            return Err(BY_ORDER.to_string());
        }
        let (balance, is_dynamic) = self.balance();
        if is_dynamic && balance != "first" {
            return Ok(());
        }
        Err(format!("changes the servers, which `balance {balance}` does not take at run time"))
    }

    /// What keeps new requests away from one that leaves, and takes nothing from those that it has; if nothing does, why.
    fn farewell(&self, server: &Server) -> Result<Farewell, String> {
        let keeps_clients = ["cookie", "persist", "stick"].into_iter().any(|key| self.setting(key).is_some());
        if !keeps_clients {
            return Ok(Farewell::Drain);
        }
        // A drained one is still sent whoever sticks to it ("set server", management guide).
        if self.has_option("persist") || self.setting("force-persist").is_some() {
            return Err("clients that stick to it are sent there whatever its state".to_string());
        }
        if server.keywords.contains_key("on-marked-down") {
            return Err("clients stick to it until it is down, which would cut them off".to_string());
        }
        Ok(Farewell::Maintenance)
    }

    /// Whether weights can change while it runs; if not, why.
    fn takes_weights(&self) -> Result<(), String> {
        let (balance, is_dynamic) = self.balance();
        if is_dynamic {
            return Ok(());
        }
        Err(format!("has another weight, which `balance {balance}` does not take at run time"))
    }

    /// How it balances, and whether that is settled anew with each change (management guide, "set weight").
    fn balance(&self) -> (String, bool) {
        let (balance, is_hash) = self.algorithm();
        let algorithm = balance.split(['(', ' ']).next().unwrap_or_default();
        let is_dynamic = matches!(algorithm, "roundrobin" | "leastconn" | "random" | "first");
        (balance, is_dynamic || is_hash && self.is_consistent())
    }

    /// What `balance` says, and whether it chooses by a hash of the request.
    fn algorithm(&self) -> (String, bool) {
        let own = self.setting("balance").map(|line| line.words[1..].join(" "));
        let balance = own.unwrap_or_else(|| "roundrobin".to_string());
        let algorithm = balance.split(['(', ' ']).next().unwrap_or_default();
        let is_hash = matches!(algorithm, "source" | "uri" | "url_param" | "hdr" | "rdp-cookie" | "hash");
        (balance, is_hash)
    }

    fn is_consistent(&self) -> bool {
        self.setting("hash-type").and_then(|line| line.words.get(1)).is_some_and(|word| word == "consistent")
    }

    /// Whether it places servers by numbers that follow from their order (configuration manual, `hash-type` and `id`): who came and went while it
    /// runs has others than after a start with the same text.
    fn hashes_by_order(&self) -> bool {
        let has_number = |line: &Line| line.words.iter().skip(3).any(|word| word == "id");
        let servers = || self.before.of("server").chain(self.section.of("server"));
        self.algorithm().1 && self.is_consistent() && !servers().all(has_number)
    }

    /// Whether `option NAME` is said: by itself, else by the nearest defaults that say something of it.
    fn has_option(&self, name: &str) -> bool {
        let defaults = defaults_of(self.wanted, self.section);
        let mut said =
            [self.section].into_iter().chain(defaults).flat_map(|section| section.lines.iter().rev());
        let is_said = |line: &Line| match line.words.as_slice() {
            [option, word, ..] if option == "option" && word == name => Some(true),
            [no, option, word, ..] if no == "no" && option == "option" && word == name => Some(false),
            _ => None,
        };
        said.find_map(is_said).unwrap_or(false)
    }

    /// The line that decides on `key`: its own, else that of the nearest defaults.
    fn setting(&self, key: &'static str) -> Option<&Line> {
        let defaults = defaults_of(self.wanted, self.section);
        [self.section].into_iter().chain(defaults).find_map(|section| section.of(key).last())
    }

    fn changed(
        &self,
        line: &Line,
        name: ServerName,
        running: Option<Server>,
        wanted: Server,
    ) -> Result<Vec<Change>, Reason> {
        let words = wanted.keywords.iter().flat_map(|(keyword, values)| values.iter().chain([keyword]));
        if let Some(word) = words.chain([&wanted.address, &name.server]).find(|word| !is_plain(word)) {
            return Err(because(line, &format!("has `{word}`, which a command cannot hold")));
        }
        let needs_lookup = || because(line, "has an address that must be looked up");
        let Some(running) = running else {
            self.takes_servers().map_err(|why| because(line, &why))?;
            if wanted.socket_addr().is_none() {
                return Err(needs_lookup());
            }
            return match self.leaving.get(&name) {
                None => Ok(alloc::vec![Change::Add(name, New(wanted))]),
                Some(Leaving(former)) if former.is_same_but_for_settings(&wanted) => {
                    Ok(alloc::vec![Change::Revive(name, New(wanted))])
                }
                Some(_) => {
                    Err(because(line, "is set up otherwise than its predecessor, which still has sessions"))
                }
            };
        };
        if !running.is_same_but_for_settings(&wanted) {
            return Err(because(line, "is set up otherwise than before"));
        }
        let mut changes = Vec::new();
        if running.address != wanted.address {
            let (Some(_), Some(addr)) = (running.socket_addr(), wanted.socket_addr()) else {
                return Err(needs_lookup());
            };
            changes.push(Change::Address(name.clone(), addr));
        }
        if running.weight() != wanted.weight() {
            self.takes_weights().map_err(|why| because(line, &why))?;
            let Some(weight) = wanted.weight() else { return Err(because(line, "has no usual weight")) };
            changes.push(Change::Weight(name, weight));
        }
        Ok(changes)
    }
}

/// The servers of a section.
fn by_name(section: &Section) -> Result<BTreeMap<&str, &Line>, Reason> {
    let mut servers = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for line in section.of("server") {
        let name = line.words.get(1).map(String::as_str).unwrap_or_default();
        if !seen.insert(name) {
            return Err(because(line, "has a name that another server has"));
        }
        servers.insert(name, line);
    }
    Ok(servers)
}

#[cfg(test)]
mod tests;
