//! What can be said of a configuration without asking HAProxy: lines that no current one takes, and a door left open.
//!
//! `haproxy -c` stops at the first section that it does not understand, and knows nothing of who can reach a socket. Each entry
//! here is one that HAProxy 2.6 and 3.0 were seen to refuse; what only some versions refuse is theirs to say.

use crate::config::{Config, Line, Section, TooLong};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

/// Something about one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// From 1.
    pub line: usize,
    /// Whether HAProxy starts all the same.
    pub gravity: Gravity,
    /// In words.
    pub words: String,
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gravity {
    /// No current HAProxy starts with it.
    Refused,
    /// It starts, and does more than most want.
    Risky,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.words)
    }
}

/// First words of lines in proxies: since which version they are gone, if HAProxy says so, and what does it now.
const GONE: [(&str, &str, &str); 33] = [
    ("appsession", "1.6", "`stick on` or `cookie`"),
    ("block", "2.1", "`http-request deny`"),
    ("clitimeout", "2.1", "`timeout client`"),
    ("contimeout", "2.1", "`timeout connect`"),
    ("grace", "2.5", "`grace` in the global section"),
    ("monitor-net", "", "`http-request return status 200 if { src NETWORK }`"),
    ("redisp", "2.1", "`option redispatch`"),
    ("redispatch", "2.1", "`option redispatch`"),
    ("reqadd", "2.1", "`http-request add-header`"),
    ("reqallow", "2.1", "`http-request allow`"),
    ("reqdel", "2.1", "`http-request del-header`"),
    ("reqdeny", "2.1", "`http-request deny`"),
    ("reqiallow", "2.1", "`http-request allow`"),
    ("reqidel", "2.1", "`http-request del-header`"),
    ("reqideny", "2.1", "`http-request deny`"),
    ("reqipass", "2.1", "a condition"),
    ("reqirep", "2.1", "`http-request replace-header`"),
    ("reqitarpit", "2.1", "`http-request tarpit`"),
    ("reqpass", "2.1", "a condition"),
    ("reqrep", "2.1", "`http-request replace-path`, `replace-uri` or `replace-header`"),
    ("reqsetbe", "", "`use_backend`"),
    ("reqtarpit", "2.1", "`http-request tarpit`"),
    ("rspadd", "2.1", "`http-response add-header`"),
    ("rspdel", "2.1", "`http-response del-header`"),
    ("rspdeny", "2.1", "`http-response deny`"),
    ("rspidel", "2.1", "`http-response del-header`"),
    ("rspideny", "2.1", "`http-response deny`"),
    ("rspirep", "2.1", "`http-response replace-header`"),
    ("rsprep", "2.1", "`http-response replace-header`"),
    ("srvtimeout", "2.1", "`timeout server`"),
    // With a word before them.
    ("timeout clitimeout", "2.1", "`timeout client`"),
    ("timeout contimeout", "2.1", "`timeout connect`"),
    ("timeout srvtimeout", "2.1", "`timeout server`"),
];
/// The same of options and modes, which stand behind another word.
const GONE_BEHIND: [(&str, &str, &str, &str); 4] = [
    ("option", "forceclose", "2.0", "nothing, or `option httpclose`"),
    ("option", "http-tunnel", "2.1", "nothing"),
    ("option", "http_proxy", "2.5", "`http-request set-dst` and `do-resolve`"),
    ("mode", "health", "", "`http-request return status 200`"),
];
/// The same of the global section.
const GONE_GLOBAL: [(&str, &str, &str); 3] = [
    ("nbproc", "2.5", "nothing: threads use all processors"),
    ("tune.chksize", "", "`tune.bufsize`"),
    ("debug", "", "the flag `-d`"),
];

/// Reads `text` for what is wrong with it whatever HAProxy runs it. A template of one is read as well: the lines are its own.
///
/// # Errors
/// It is too long.
pub fn lint(text: &str) -> Result<Vec<Finding>, TooLong> {
    Ok(Config::read(text)?.sections.iter().flat_map(of_section).collect())
}

/// An example of each line that is called refused, and whether it stands in the global section: to try them with a real one.
pub fn refused_lines() -> Vec<(bool, String)> {
    let of_proxies = GONE.iter().map(|(word, ..)| (false, format!("{word} 1 2")));
    let behind = GONE_BEHIND.iter().map(|(key, word, ..)| (false, format!("{key} {word}")));
    let of_global = GONE_GLOBAL.iter().map(|(word, ..)| (true, format!("{word} 1")));
    of_proxies.chain(behind).chain(of_global).collect()
}

fn of_section(section: &Section) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(address_in_head(section));
    if section.is("global") {
        findings.extend(section.lines.iter().filter_map(gone_global));
        findings.extend(section.lines.iter().filter_map(open_door));
    } else if ["defaults", "frontend", "backend", "listen"].iter().any(|kind| section.is(kind)) {
        findings.extend(section.lines.iter().filter_map(gone));
    }
    findings
}

/// `listen NAME ADDRESS`, as HAProxy had it before there was `bind`.
fn address_in_head(section: &Section) -> Option<Finding> {
    let [kind, name, address, ..] = section.head.words.as_slice() else { return None };
    let had_one = kind == "listen" || kind == "frontend";
    (had_one && address != "from").then(|| {
        refused(
            &section.head,
            format!("`{kind} {name} {address}` has an address, which HAProxy takes no longer: write `bind {address}` on a line of its own"),
        )
    })
}

fn gone(line: &Line) -> Option<Finding> {
    // `no option forceclose` is refused as well.
    let words = match line.words.as_slice() {
        [no, rest @ ..] if no == "no" => rest,
        words => words,
    };
    let (first, second) = (words.first()?.as_str(), words.get(1).map(String::as_str).unwrap_or_default());
    let pair = format!("{first} {second}");
    let plain = GONE.iter().find(|(word, ..)| *word == first || *word == pair);
    let found = plain.map(|(word, since, instead)| (String::from(*word), *since, *instead)).or_else(|| {
        let behind = GONE_BEHIND.iter().find(|(key, word, ..)| *key == first && *word == second);
        behind.map(|(_, _, since, instead)| (pair.clone(), *since, *instead))
    });
    found.map(|(word, since, instead)| is_gone(line, &word, since, instead))
}

fn gone_global(line: &Line) -> Option<Finding> {
    let found = GONE_GLOBAL.iter().find(|(word, ..)| line.is(word))?;
    Some(is_gone(line, found.0, found.1, found.2))
}

fn is_gone(line: &Line, word: &str, since: &str, instead: &str) -> Finding {
    let since = if since.is_empty() { String::new() } else { format!(" since HAProxy {since}") };
    refused(line, format!("`{word}` is gone{since}; in its place: {instead}"))
}

fn refused(line: &Line, words: String) -> Finding {
    Finding { line: line.number, gravity: Gravity::Refused, words }
}

/// `stats socket ADDRESS ... level admin` where others can reach it: whoever does commands HAProxy, and is asked for no password.
fn open_door(line: &Line) -> Option<Finding> {
    let [stats, socket, addresses, rest @ ..] = line.words.as_slice() else { return None };
    let is_admin = rest.windows(2).any(|pair| pair[0] == "level" && pair[1] == "admin");
    if stats != "stats" || socket != "socket" || !is_admin {
        return None;
    }
    let open = addresses.split(',').find(|address| is_open(address))?;
    Some(Finding {
        line: line.number,
        gravity: Gravity::Risky,
        words: format!(
            "whoever reaches `{open}` commands this HAProxy, without a password (`level admin`): bind it to 127.0.0.1 or to a path, \
             or in a container publish its port on the host's loopback only"
        ),
    })
}

/// Whether others than this host can reach it. What only the environment knows is not guessed.
fn is_open(address: &str) -> bool {
    const LOCAL: [&str; 5] = ["/", "unix@", "abns@", "fd@", "sockpair@"];
    if LOCAL.iter().any(|start| address.starts_with(start)) || address.contains('$') {
        return false;
    }
    let bare = ["ipv4@", "ipv6@", "tcp@", "tcp4@", "tcp6@"]
        .iter()
        .find_map(|family| address.strip_prefix(family))
        .unwrap_or(address);
    let host = bare.rsplit_once(':').map_or(bare, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(ip) => !ip.to_canonical().is_loopback(),
        Err(_) => host != "localhost",
    }
}

#[cfg(test)]
mod tests;
