//! Sections one by one: `global`, `defaults`, and the proxies with what they inherit.

use crate::acl::Acls;
use crate::args::Args;
use crate::bind::bind;
use crate::global::Global;
use crate::known;
use crate::redirect::redirect;
use crate::refusal::Refusals;
use crate::rule;
use crate::section::{Kind, Line, Section};
use crate::server::Server;
use crate::settings::Settings;
use crate::stats::{self, StatsPage};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use muster_haproxy::Env;
use muster_routes::{Action, Bind, Mode, Place, Rule};

/// All sections, read.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) global: Global,
    pub(crate) proxies: Vec<Proxy>,
}

/// A `frontend`, `backend` or `listen`.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) settings: Settings,
    pub(crate) binds: Vec<Bind>,
    /// There is a `bind`, be it right or wrong.
    pub(crate) has_bind: bool,
    /// `http-request` and `tcp-request connection`.
    pub(crate) requests: Vec<Rule>,
    /// `redirect`: behind all of the former.
    pub(crate) redirects: Vec<Rule>,
    /// `use_backend`: behind all of these.
    pub(crate) choices: Vec<Rule>,
    /// `http-response`.
    pub(crate) responses: Vec<Rule>,
    pub(crate) servers: Vec<Server>,
    server_lines: BTreeMap<String, u32>,
    pub(crate) stats: Option<StatsPage>,
}

/// Reads all sections.
pub(crate) fn read(sections: &[Section], env: Env<'_>, refusals: &mut Refusals) -> Draft {
    let mut draft = Draft::default();
    let mut named: BTreeMap<String, Settings> = BTreeMap::new();
    let mut last = Settings::default();
    for section in sections {
        let head = match Head::of(&section.head, section.kind) {
            Ok(head) => head,
            Err(words) => {
                refusals.add(&section.head.place, words);
                Head { name: "", from: None }
            }
        };
        let inherited = match head.from {
            None if section.kind == Kind::Defaults => Settings::default(),
            None => last.clone(),
            Some(from) => match named.get(from) {
                Some(settings) => settings.clone(),
                None => {
                    refusals
                        .add(&section.head.place, format!("there is no `defaults {from}` before this line"));
                    last.clone()
                }
            },
        };
        match section.kind {
            Kind::Global => {
                for line in &section.lines {
                    refusals.check(&line.place, draft.global.read(line, env));
                }
            }
            Kind::Defaults => {
                last = defaults(section, inherited, env, refusals);
                if !head.name.is_empty() {
                    named.insert(head.name.into(), last.clone());
                }
            }
            Kind::Frontend | Kind::Backend | Kind::Listen => {
                let mut proxy = Proxy::new(section, head.name, inherited);
                proxy.read(section, env, refusals);
                draft.proxies.push(proxy);
            }
        }
    }
    draft
}

/// The line that begins a section.
struct Head<'l> {
    name: &'l str,
    from: Option<&'l str>,
}

impl<'l> Head<'l> {
    fn of(line: &'l Line, kind: Kind) -> Result<Self, String> {
        let mut args = Args::new(&line.words);
        args.next();
        if kind == Kind::Global {
            args.end()?;
            return Ok(Self { name: "", from: None });
        }
        let name = match args.peek() {
            Some("from") | None if kind == Kind::Defaults => "",
            _ => args.value(kind.word())?,
        };
        if let Some(char) = name.chars().find(|char| !char.is_ascii_alphanumeric() && !"-_.:".contains(*char))
        {
            return Err(format!(
                "`{char}` may not be in the name of a section; HAProxy takes letters, digits and - _ . :"
            ));
        }
        let from = match args.next() {
            None => None,
            Some("from") => Some(args.value("from")?),
            Some(word) => {
                return Err(format!(
                    "`{word}` is one word too many here; `from DEFAULTS` may follow, or nothing"
                ));
            }
        };
        args.end()?;
        Ok(Self { name, from })
    }
}

fn defaults(section: &Section, mut settings: Settings, env: Env<'_>, refusals: &mut Refusals) -> Settings {
    for line in &section.lines {
        let read = settings.read(Kind::Defaults, line, env).unwrap_or_else(|| {
            let word = line.words.first().map_or("", String::as_str);
            Err(match word {
                "bind" | "server" | "use_backend" | "acl" | "redirect" | "stats" | "http-request"
                | "http-response" | "tcp-request" => {
                    format!("`{word}` cannot be a default here; write it where it is meant")
                }
                word => known::proxy(word),
            })
        });
        refusals.check(&line.place, read);
    }
    settings
}

impl Proxy {
    fn new(section: &Section, name: &str, settings: Settings) -> Self {
        Self {
            kind: section.kind,
            name: name.into(),
            place: section.head.place.clone(),
            settings,
            binds: Vec::new(),
            has_bind: section.lines.iter().any(|line| is(line, "bind")),
            requests: Vec::new(),
            redirects: Vec::new(),
            choices: Vec::new(),
            responses: Vec::new(),
            servers: Vec::new(),
            server_lines: BTreeMap::new(),
            stats: None,
        }
    }

    fn read(&mut self, section: &Section, env: Env<'_>, refusals: &mut Refusals) {
        let mut acls = Acls::default();
        // An acl that comes again adds to the one before, for the rules between them too.
        for line in section.lines.iter().filter(|line| is(line, "acl")) {
            let mut args = Args::new(&line.words);
            args.next();
            refusals.check(&line.place, acls.add(args, &line.place));
        }
        for line in section.lines.iter().filter(|line| !is(line, "acl")) {
            let read = match self.settings.read(self.kind, line, env) {
                Some(read) => read,
                None => self.line(line, &acls, env),
            };
            refusals.check(&line.place, read);
        }
    }

    /// A line that cannot stand in `defaults`.
    fn line(&mut self, line: &Line, acls: &Acls, env: Env<'_>) -> Result<(), String> {
        let mut args = Args::new(&line.words);
        let key = args.value("")?;
        let place = &line.place;
        match key {
            "bind" | "use_backend" | "tcp-request" => self.settings.of_clients(self.kind, key)?,
            "server" => self.settings.of_servers(self.kind, key)?,
            _ => {}
        }
        match key {
            "bind" => self.binds.extend(bind(args, place, env)?),
            "server" => {
                let server = self.settings.server.server(args, place, env)?;
                if let Some(first) = self.server_lines.insert(server.name.clone(), place.line) {
                    return Err(format!(
                        "there is a server `{}` already, at line {first}; give this one another name",
                        server.name
                    ));
                }
                self.servers.push(server);
            }
            "use_backend" => {
                let name = args.value(key)?;
                known::plain_name(name)?;
                let action = Action::Service(name.into());
                self.choices.push(Rule { when: acls.condition(args, place)?, action, place: place.clone() });
            }
            "redirect" => {
                let action = redirect(&mut args, false)?;
                self.redirects.push(Rule {
                    when: acls.condition(args, place)?,
                    action,
                    place: place.clone(),
                });
            }
            "http-request" => {
                let action = rule::request(&mut args)?;
                self.requests.push(Rule { when: acls.condition(args, place)?, action, place: place.clone() });
            }
            "http-response" => {
                let action = rule::response(&mut args)?;
                let when = acls.condition(args, place)?;
                if when.needs_http() {
                    return Err("the request is gone when its response comes, says HAProxy; only src, dst_port and ssl_fc can still be asked".into());
                }
                self.responses.push(Rule { when, action, place: place.clone() });
            }
            "tcp-request" => {
                let action = rule::connection(&mut args)?;
                if self.settings.mode == Mode::Http {
                    return Err("`tcp-request` is done in `mode tcp` only; use `http-request deny` with the same condition".into());
                }
                self.requests.push(Rule { when: acls.condition(args, place)?, action, place: place.clone() });
            }
            "stats" if self.kind == Kind::Backend => {
                return Err(
                    "a page of statistics belongs to a frontend here; write it into a `listen` of its own"
                        .into(),
                );
            }
            "stats" => stats::page(self.stats.get_or_insert_default(), args)?,
            word => return Err(known::proxy(word)),
        }
        Ok(())
    }
}

fn is(line: &Line, key: &str) -> bool {
    line.words.first().is_some_and(|word| word == key)
}
