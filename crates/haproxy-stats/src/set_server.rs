//! What changes a server: `set server` and its elder forms.

use crate::command::{Answer, Board};
use crate::facts::{Missing, Server, State};
use crate::servers;
use alloc::format;
use alloc::string::{String, ToString};
use core::net::{IpAddr, SocketAddr};

/// The largest weight.
pub const WEIGHT_MAX: u16 = 256;

const USAGE: &str = "usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | agent-send | check-addr | check-port \
| fqdn | health | ssl | state | weight\n";

/// What is to be done. All names are there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// An operator says this of a server.
    State {
        /// The backend.
        backend: String,
        /// The server in it.
        server: String,
        /// What.
        state: State,
    },
    /// A server's weight is this one.
    Weight {
        /// The backend.
        backend: String,
        /// The server in it.
        server: String,
        /// At most [`WEIGHT_MAX`].
        weight: u16,
    },
    /// A server is elsewhere.
    Address {
        /// The backend.
        backend: String,
        /// The server in it.
        server: String,
        /// Where.
        addr: SocketAddr,
    },
    /// Counting begins anew.
    Clear {
        /// All counters, and not the highest values alone.
        all: bool,
    },
    /// A frontend takes no new clients, or does again.
    Pause {
        /// Its name.
        front: String,
        /// It takes none.
        is_paused: bool,
    },
}

/// A server that was named, and is there.
struct Named {
    backend: String,
    name: String,
    server: Server,
}

pub(crate) fn answer(command: &str, rest: &[&str], board: &dyn Board) -> Answer {
    let named = match named(rest.first().copied(), board) {
        Ok(named) => named,
        Err(words) => return Answer::said(words),
    };
    let rest = &rest[1..];
    match command {
        "get weight" => {
            let Server { weight, weight_initial, .. } = named.server;
            Answer::said(&format!("{weight} (initial {weight_initial})\n"))
        }
        "set weight" => weight(named, rest.first().copied()),
        "enable server" => state(named, State::Ready),
        "disable server" => state(named, State::Maintenance),
        _ => set(named, rest),
    }
}

/// `BACKEND/SERVER`, each by name or by `#` and its number.
fn named(word: Option<&str>, board: &dyn Board) -> Result<Named, &'static str> {
    let word = word.and_then(|word| word.split_once('/'));
    let (backend, server) = word.ok_or("Require 'backend/server'.\n")?;
    let (mut backend, mut name) = (backend.to_string(), server.to_string());
    if backend.starts_with('#') || name.starts_with('#') {
        let facts = board.facts();
        let at = servers::find(&facts, &backend).ok_or("No such backend.\n")?;
        let proxy = &facts.proxies[at];
        backend.clone_from(&proxy.name);
        let sid = name.strip_prefix('#').and_then(|number| number.parse::<usize>().ok());
        let of_number = sid.and_then(|sid| proxy.backend.as_ref()?.servers.get(sid.checked_sub(1)?));
        if let Some(server) = of_number {
            name.clone_from(&server.name);
        }
    }
    let server = board.server(&backend, &name).map_err(|missing| match missing {
        Missing::Backend => "No such backend.\n",
        Missing::Server => "No such server.\n",
    })?;
    Ok(Named { backend, name, server })
}

fn set(named: Named, rest: &[&str]) -> Answer {
    match rest {
        ["state", wanted, ..] => match *wanted {
            "ready" => state(named, State::Ready),
            "drain" => state(named, State::Drain),
            "maint" => state(named, State::Maintenance),
            _ => Answer::said("'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n"),
        },
        ["state"] => Answer::said("'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n"),
        ["weight", rest @ ..] => weight(named, rest.first().copied()),
        ["addr", rest @ ..] => address(named, rest),
        // HAProxy's own words for servers without what is to be changed.
        ["check-addr" | "check-port", ..] => {
            Answer::text("health checks are not enabled on this server\n".into())
        }
        ["agent-addr" | "agent-port", ..] => {
            Answer::text("agent checks are not enabled on this server\n".into())
        }
        ["agent" | "agent-send", ..] => Answer::said("agent checks are not enabled on this server.\n"),
        ["fqdn", ..] => Answer::said("set server <b>/<s> fqdn failed because no resolution is configured.\n"),
        ["ssl", ..] => {
            Answer::said("'set server <srv> ssl' cannot be set.  default-server should define ssl settings\n")
        }
        // What is seen of a server decides, and nobody can tell it otherwise.
        ["health", "up" | "stopping" | "down", ..] => Answer::said(
            "'set server <srv> health' is not done by Muster: what is seen of a server decides; use 'state'.\n",
        ),
        ["health", ..] => Answer::said("'set server <srv> health' expects 'up', 'stopping', or 'down'.\n"),
        _ => Answer::said(USAGE),
    }
}

fn state(named: Named, state: State) -> Answer {
    let change = Change::State { backend: named.backend, server: named.name, state };
    Answer { change: Some(change), ..Answer::said("") }
}

fn weight(named: Named, word: Option<&str>) -> Answer {
    let Some(word) = word else { return Answer::said("Require <weight> or <weight%>.\n") };
    match weight_of(word, named.server.weight_initial) {
        Ok(weight) => {
            let change = Change::Weight { backend: named.backend, server: named.name, weight };
            Answer { change: Some(change), ..Answer::said("") }
        }
        Err(words) => Answer::text(words.into()),
    }
}

/// HAProxy's reading (`server_parse_weight_change_request`): a number, or a percentage of the weight of the configuration.
fn weight_of(word: &str, initial: u16) -> Result<u16, &'static str> {
    let digits = word.strip_prefix('-').unwrap_or(word);
    let end = digits.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    if end == 0 {
        return Err("Empty weight string empty or preceded by garbage\n");
    }
    let is_percent = match &digits[end..] {
        "" => false,
        "%" => true,
        _ => return Err("Trailing garbage in weight string\n"),
    };
    let number = digits[..end].parse::<u64>().unwrap_or(u64::MAX);
    let is_negative = word.starts_with('-') && number > 0;
    if is_percent {
        if is_negative {
            return Err("Relative weight must be positive.\n\n");
        }
        let weight = u64::from(initial).saturating_mul(number) / 100;
        return Ok(u16::try_from(weight).unwrap_or(WEIGHT_MAX).min(WEIGHT_MAX));
    }
    let weight = u16::try_from(number).ok().filter(|weight| *weight <= WEIGHT_MAX && !is_negative);
    weight.ok_or("Absolute weight can only be between 0 and 256 inclusive.\n\n")
}

/// The sentences are `srv_update_addr_port`'s, but for ports that are none: HAProxy takes the low 16 bits of what it makes of them.
fn address(named: Named, rest: &[&str]) -> Answer {
    let said = |words: String| Answer::said(&format!("{words} by 'stats socket command'\n"));
    let Some(word) = rest.first() else {
        return Answer::said("set server <b>/<s> addr requires an address and optionally a port.\n");
    };
    if !named.server.is_fixed {
        return Answer::said(
            "'set server <srv> addr' is not done here: where a member is comes by gossip.\n",
        );
    }
    let Ok(ip) = word.parse::<IpAddr>() else { return said(format!("Invalid addr '{word}'")) };
    let old = named.server.addr;
    let mut words = match old {
        Some(old) if old.ip() == ip => "no need to change the addr".to_string(),
        Some(old) => format!("IP changed from '{}' to '{ip}'", old.ip()),
        None => format!("IP changed from '(none)' to '{ip}'"),
    };
    let mut port = old.map_or(0, |old| old.port());
    if let ["port", rest @ ..] = &rest[1..] {
        let text = rest.first().copied().unwrap_or_default();
        let Some(wanted) = text.parse::<u16>().ok().filter(|wanted| *wanted > 0) else {
            return said(format!("{words}, problem converting port '{text}' to an int"));
        };
        let change = match wanted == port {
            true => ", no need to change the port".to_string(),
            false => format!(", port changed from '{port}' to '{wanted}'"),
        };
        words.push_str(&change);
        port = wanted;
    }
    let addr = SocketAddr::new(ip, port);
    if old == Some(addr) {
        return said(words);
    }
    let change = Change::Address { backend: named.backend, server: named.name, addr };
    Answer { change: Some(change), ..said(words) }
}
