//! Files as sections of lines (configuration manual, 2.1).

use crate::refusal::Refusals;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use muster_haproxy::{CONFIG_BYTES_MAX, Env, lint, words_in};
use muster_routes::Place;

/// One file.
#[derive(Clone, Copy, Debug)]
pub struct Source<'s> {
    /// As it was named.
    pub name: &'s str,
    /// What stands in it.
    pub text: &'s str,
}

/// A line with words.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) place: Place,
    pub(crate) words: Vec<String>,
}

/// What a section is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Global,
    Defaults,
    Frontend,
    Backend,
    Listen,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Defaults => "defaults",
            Self::Frontend => "frontend",
            Self::Backend => "backend",
            Self::Listen => "listen",
        }
    }

    /// Clients come there, or it says something for those where they do.
    pub(crate) fn has_clients(self) -> bool {
        matches!(self, Self::Defaults | Self::Frontend | Self::Listen)
    }

    /// The same of servers.
    pub(crate) fn has_servers(self) -> bool {
        matches!(self, Self::Defaults | Self::Backend | Self::Listen)
    }
}

/// A section: its own line, and those in it.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) kind: Kind,
    pub(crate) head: Line,
    pub(crate) lines: Vec<Line>,
}

/// Sections that Muster has no use for, and what does the same.
const OTHERS: [(&str, &str); 16] = [
    ("acme", "write `tls = \"auto\"` in muster.toml"),
    ("cache", "put a cache behind or before the balancer"),
    ("crt-store", "name certificates in muster.toml"),
    ("dynamic-update", "backends come and go by gossip"),
    ("fcgi-app", "put a web server that speaks FastCGI behind the balancer"),
    ("healthcheck", "write the check into the backend"),
    ("http-errors", "use `http-request return`"),
    ("log-forward", "`muster log` takes syslog"),
    ("log-profile", "use `option httplog` or `option tcplog`"),
    ("mailers", "use a handler of events, see `muster handlers`"),
    ("peers", "balancers learn of each other by gossip"),
    ("program", "`muster run` runs programs"),
    ("resolvers", "names of servers are looked up at the start; backends that move join by gossip"),
    ("ring", "`muster log` keeps logs"),
    ("traces", "use `muster monitor`"),
    ("userlist", "let the program behind the balancer ask for passwords"),
];

/// Cuts the files into sections; those of no use to us are refused and left out.
pub(crate) fn cut(sources: &[Source<'_>], env: Env<'_>, refusals: &mut Refusals) -> Vec<Section> {
    let mut sections = Vec::new();
    for source in sources {
        let file: Arc<str> = source.name.into();
        // What no current HAProxy takes is said in its own words; each such line is refused once.
        let gone = match lint::lint(source.text) {
            Ok(findings) => findings,
            Err(too_long) => {
                debug_assert!(source.text.len() > CONFIG_BYTES_MAX);
                refusals.add(&Place::new(&file, 1), too_long.to_string());
                continue;
            }
        };
        let mut gone =
            gone.into_iter().filter(|finding| finding.gravity == lint::Gravity::Refused).peekable();
        let mut section: Option<Section> = None;
        let mut is_outside = true;
        for (text, number) in source.text.split('\n').zip(1_u32..) {
            let place = Place::new(&file, number);
            let line_env = |name: &str| match name {
                ".FILE" => Some(String::from(source.name)),
                ".LINE" => Some(number.to_string()),
                name => env(name),
            };
            let words = match words_in(text.trim_end_matches('\r'), &line_env) {
                Ok(words) => words,
                Err(broken) => {
                    refusals.add(&place, broken.to_string());
                    continue;
                }
            };
            let Some(first) = words.first() else { continue };
            let is_gone = gone.next_if(|finding| finding.line == number as usize);
            if let Some(kind) = kind_of(first) {
                sections.extend(section.take());
                if let Some(finding) = &is_gone {
                    refusals.add(&place, finding.words.clone());
                }
                section = Some(Section { kind, head: Line { place, words }, lines: Vec::new() });
                is_outside = false;
            } else if let Some((word, instead)) = OTHERS.iter().find(|(word, _)| word == first) {
                sections.extend(section.take());
                refusals.add(&place, format!("a section `{word}` is nothing that Muster has; {instead}"));
                is_outside = false;
            } else if let Some(finding) = is_gone {
                refusals.add(&place, finding.words);
            } else if first.starts_with('.') {
                let words = format!(
                    "`{first}` makes a part of the file conditional, which Muster does not read; write what is to hold"
                );
                refusals.add(&place, words);
            } else if let Some(section) = &mut section {
                section.lines.push(Line { place, words });
            } else if is_outside {
                let words = format!(
                    "`{first}` stands before the first section; begin one, such as `global` or `defaults`"
                );
                refusals.add(&place, words);
            }
        }
        sections.extend(section);
    }
    sections
}

fn kind_of(word: &str) -> Option<Kind> {
    let all = [Kind::Global, Kind::Defaults, Kind::Frontend, Kind::Backend, Kind::Listen];
    all.into_iter().find(|kind| kind.word() == word)
}
