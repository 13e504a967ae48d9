//! A `server` line, with what `default-server` adds: at run time HAProxy adds nothing by itself ("add server", management guide).

use crate::change::{ServerName, is_plain};
use crate::config::{Config, Line, Section};
use crate::words::words;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;

/// Keywords that "add server" takes in every version that has it, and how many values follow each. What is not here is
/// answered with a reload: it may depend on others, be settled at the start only, or be newer than this.
const KEYWORDS: [(&str, usize); 42] = [
    ("addr", 1),
    ("alpn", 1),
    ("backup", 0),
    ("ca-file", 1),
    ("check", 0),
    ("check-alpn", 1),
    ("check-proto", 1),
    ("check-send-proxy", 0),
    ("check-sni", 1),
    ("check-ssl", 0),
    ("ciphers", 1),
    ("ciphersuites", 1),
    ("crl-file", 1),
    ("crt", 1),
    ("disabled", 0),
    ("downinter", 1),
    ("error-limit", 1),
    ("fall", 1),
    ("fastinter", 1),
    ("id", 1),
    ("inter", 1),
    ("maxconn", 1),
    ("maxqueue", 1),
    ("minconn", 1),
    ("observe", 1),
    ("on-error", 1),
    ("on-marked-down", 1),
    ("on-marked-up", 1),
    ("pool-low-conn", 1),
    ("pool-max-conn", 1),
    ("pool-purge-delay", 1),
    ("port", 1),
    ("proto", 1),
    ("rise", 1),
    ("send-proxy", 0),
    ("send-proxy-v2", 0),
    ("sni", 1),
    ("ssl", 0),
    ("slowstart", 1),
    ("verify", 1),
    ("verifyhost", 1),
    ("weight", 1),
];
/// Keywords that take others away (configuration manual, 5.2).
const NEGATIONS: [(&str, &str); 6] = [
    ("no-backup", "backup"),
    ("no-check", "check"),
    ("no-check-ssl", "check-ssl"),
    ("no-send-proxy", "send-proxy"),
    ("no-send-proxy-v2", "send-proxy-v2"),
    ("no-ssl", "ssl"),
];

/// A server as it runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Server {
    pub(crate) address: String,
    /// Each keyword with its values. `BTreeMap`: their order makes no difference.
    pub(crate) keywords: BTreeMap<String, Vec<String>>,
}

impl Server {
    /// The address, if it is one that needs no looking up.
    pub(crate) fn socket_addr(&self) -> Option<SocketAddr> {
        self.address.parse().ok()
    }

    pub(crate) fn value(&self, keyword: &str) -> Option<&str> {
        self.keywords.get(keyword)?.first().map(String::as_str)
    }

    /// Its weight, as HAProxy has it.
    pub(crate) fn weight(&self) -> Option<u16> {
        self.value("weight").map_or(Some(1), |weight| weight.parse().ok())
    }

    /// `BACKEND/SERVER ADDRESS KEYWORDS`, as "add server" takes it. What a line cannot hold makes it one of which nothing is known.
    pub(crate) fn line(&self, name: &ServerName) -> String {
        let words = || {
            let keywords =
                self.keywords.iter().flat_map(|(keyword, values)| [keyword].into_iter().chain(values));
            [&self.address].into_iter().chain(keywords)
        };
        let mut line = name.to_string();
        if !words().all(|word| is_plain(word)) {
            return Self::unknown().line(name);
        }
        for word in words() {
            line.push(' ');
            line.push_str(word);
        }
        line
    }

    /// Reads what [`line`](Self::line) made.
    pub(crate) fn read_line(line: &str) -> Option<(ServerName, Self)> {
        let words = words(line);
        let [full, address, rest @ ..] = words.as_slice() else { return None };
        let (backend, name) = full.split_once('/')?;
        let mut keywords = BTreeMap::new();
        read(rest, &mut keywords).ok()?;
        let name = ServerName { backend: backend.to_string(), server: name.to_string() };
        Some((name, Self { address: address.clone(), keywords }))
    }

    /// Nothing is known of it: it is the same as no other.
    pub(crate) fn unknown() -> Self {
        // What no server has, and what can be read again.
        let keywords = BTreeMap::from([("on-error".to_string(), alloc::vec!["~".to_string()])]);
        Self { address: "~".to_string(), keywords }
    }

    /// The same but for what can be set while it runs.
    pub(crate) fn is_same_but_for_settings(&self, other: &Self) -> bool {
        let fixed = |server: &Self| {
            let mut keywords = server.keywords.clone();
            keywords.remove("weight");
            keywords
        };
        fixed(self) == fixed(other)
    }
}

impl Config {
    /// The weight of each server whose line is understood.
    pub fn weights(&self) -> BTreeMap<ServerName, u16> {
        let mut weights = BTreeMap::new();
        for section in self.sections.iter().filter(|section| section.has_servers()) {
            let (Some(backend), Ok(defaults)) = (section.name(), defaults(self, section)) else { continue };
            for line in section.of("server") {
                let Ok((name, server)) = server(line, &defaults) else { continue };
                let name = ServerName { backend: backend.into(), server: name.into() };
                weights.extend(server.weight().map(|weight| (name, weight)));
            }
        }
        weights
    }
}

/// Why a line cannot be understood well enough.
pub(crate) type Why = String;

/// What `default-server` says in `section`: first in the defaults that it takes, then in itself.
pub(crate) fn defaults(config: &Config, section: &Section) -> Result<BTreeMap<String, Vec<String>>, Why> {
    let mut keywords = BTreeMap::new();
    let inherited = defaults_of(config, section);
    for line in inherited.into_iter().rev().chain([section]).flat_map(|section| section.of("default-server"))
    {
        read(&line.words[1..], &mut keywords)?;
    }
    Ok(keywords)
}

/// The `defaults` sections whose settings `section` takes, the nearest first: the one that it names, else the last before it; and those
/// that this one names in turn (configuration manual, 4 "Proxies").
pub(crate) fn defaults_of<'c>(config: &'c Config, section: &Section) -> Vec<&'c Section> {
    let mut found: Vec<&Section> = Vec::new();
    loop {
        let last: &Section = found.last().copied().unwrap_or(section);
        let mut before = config
            .sections
            .iter()
            .filter(|other| other.is("defaults") && other.head.number < last.head.number.max(1))
            .filter(|_| last.head.number > 0);
        let next = match last.takes_from() {
            Some(name) => before.rfind(|defaults| defaults.name() == Some(name)),
            // Only what is no defaults section takes what it does not name.
            None if found.is_empty() => before.next_back(),
            None => None,
        };
        // Each stands before the one that names it: this ends.
        let Some(next) = next else { return found };
        found.push(next);
    }
}

/// `server NAME ADDRESS KEYWORDS`: name and server.
pub(crate) fn server<'l>(
    line: &'l Line,
    defaults: &BTreeMap<String, Vec<String>>,
) -> Result<(&'l str, Server), Why> {
    let [_, name, address, rest @ ..] = line.words.as_slice() else {
        return Err("a server has a name and an address".to_string());
    };
    let mut keywords = defaults.clone();
    read(rest, &mut keywords)?;
    Ok((name, Server { address: address.clone(), keywords }))
}

fn read(mut words: &[String], keywords: &mut BTreeMap<String, Vec<String>>) -> Result<(), Why> {
    while let Some((word, rest)) = words.split_first() {
        words = rest;
        if let Some((_, negated)) = NEGATIONS.iter().find(|(negation, _)| negation == word) {
            keywords.remove(*negated);
            continue;
        }
        let known = KEYWORDS.iter().find(|(keyword, _)| keyword == word);
        let Some((_, values)) = known else {
            return Err(alloc::format!("`{word}` cannot be given at run time"));
        };
        if words.len() < *values {
            return Err(alloc::format!("`{word}` has no value"));
        }
        let (values, rest) = words.split_at(*values);
        keywords.insert(word.clone(), values.to_vec());
        words = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_of_both_places_are_in_each_server_and_its_own_words_win() {
        let text = "defaults one\n default-server inter 1s check\ndefaults\n default-server inter 2s\n\
                    backend a from one\n default-server weight 5 fall 9\n server x 10.0.0.1:80 weight 7 no-check\n\
                    backend b\n server y 10.0.0.1:80\n";
        let config = Config::read(text).unwrap();
        let read = |nth: usize| {
            let section = &config.sections[nth];
            let line = section.of("server").next().unwrap();
            let (name, server) = server(line, &defaults(&config, section).unwrap()).unwrap();
            let words: Vec<String> = server
                .keywords
                .iter()
                .map(|(keyword, values)| {
                    alloc::format!("{keyword} {}", values.join(" ")).trim_end().to_string()
                })
                .collect();
            alloc::format!("{name}: {}", words.join(", "))
        };
        assert_eq!(read(3), "x: fall 9, inter 1s, weight 7");
        assert_eq!(read(4), "y: inter 2s");
    }

    #[test]
    fn defaults_that_are_taken_from_others_are_in_each_server_too() {
        let text = "defaults one\n default-server check inter 1s fall 9\ndefaults other\n default-server rise 9\n\
                    defaults two from one\n default-server inter 2s\nbackend from\n server x 10.0.0.1:80\n\
                    defaults from one\nbackend from from other\n";
        let config = Config::read(text).unwrap();
        let words = |nth: usize| -> Vec<String> {
            let found = defaults(&config, &config.sections[nth]).unwrap();
            found.iter().map(|(keyword, values)| alloc::format!("{keyword} {}", values.join(" "))).collect()
        };
        assert_eq!(words(4), ["check ", "fall 9", "inter 2s"]);
        assert_eq!(words(6), ["rise 9"]);
        let unnamed = &config.sections[5];
        assert_eq!(defaults_of(&config, unnamed)[0].name(), Some("one"));
    }

    #[test]
    fn a_server_is_the_same_after_it_was_written_down() {
        let line = |words: &str| Line { number: 1, words: crate::words::words(words) };
        let name = ServerName { backend: "b".into(), server: "a".into() };
        let again = |words: &str| {
            let line = line(words);
            let (_, former) = server(&line, &BTreeMap::new()).unwrap();
            let (full, server) = Server::read_line(&former.line(&name)).unwrap();
            assert_eq!(full, name);
            (former, server)
        };
        let (former, server) = again("server a 10.0.0.1:80 check inter 2s weight 7 backup");
        assert_eq!(server, former);
        // What a line cannot hold is the same as nothing, itself included.
        let (former, server) = again("server a 10.0.0.1:80 sni \"str(a b)\"");
        assert!(!server.is_same_but_for_settings(&former));
        assert_eq!(Server::read_line("b/a"), None);
        assert_eq!(Server::read_line("b 10.0.0.1:80"), None);
        assert_eq!(Server::read_line("b/a 10.0.0.1:80 nonsense"), None);
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        let line = |words: &str| Line { number: 1, words: crate::words::words(words) };
        let why = |words: &str| server(&line(words), &BTreeMap::new()).unwrap_err();
        assert_eq!(why("server a 10.0.0.1:80 cookie x"), "`cookie` cannot be given at run time");
        assert_eq!(why("server a 10.0.0.1:80 weight"), "`weight` has no value");
        assert_eq!(why("server a"), "a server has a name and an address");
    }
}
