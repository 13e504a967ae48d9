//! The page of statistics: who may see it, at which paths, and what its forms do.
//!
//! A form that changes something is obeyed only when it can be no other site's: a browser says which page sent it (`Origin`,
//! `Sec-Fetch-Site`), and a page without a password is not obeyed under a name, since somebody's DNS may make any name point here.

mod html;

use crate::command::Board;
use crate::facts::{Facts, State};
use crate::set_server::Change;
use crate::stat::{self, Form, Wanted};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

/// Largest form that is read, in bytes: some hundreds of servers.
pub const FORM_BYTES_MAX: usize = 64 * 1024;

/// How a page is (HAProxy's `stats` lines).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PageSettings {
    /// The beginning of the paths that it is at.
    pub uri: String,
    /// It does not say which version this is.
    pub hides_version: bool,
    /// Names and passwords of those who may see it; everybody without any.
    pub auth: Vec<(String, String)>,
    /// What browsers are told that the password is for.
    pub realm: Option<String>,
    /// How often a browser asks again.
    pub refresh: Option<Duration>,
    /// Servers can be put into maintenance, drained and put back.
    pub is_admin: bool,
}

/// A request, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ask<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path, with the query.
    pub target: &'a str,
    /// Its `Host`.
    pub host: Option<&'a str>,
    /// `Authorization`.
    pub authorization: Option<&'a str>,
    /// `Origin`.
    pub origin: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub fetch_site: Option<&'a str>,
    /// The body of a form, at most [`FORM_BYTES_MAX`]; `None` if it is longer.
    pub form: Option<&'a [u8]>,
}

/// What is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Of the body.
    pub content_type: &'static str,
    /// More fields of the head.
    pub fields: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
    /// What is to be done.
    pub changes: Vec<Change>,
}

impl Reply {
    fn new(status: u16, content_type: &'static str, body: String) -> Self {
        let fields = alloc::vec![
            // Nothing of other sites in it, and it in none of theirs.
            (
                "Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
                    .into()
            ),
            ("X-Content-Type-Options", "nosniff".into()),
        ];
        Self { status, content_type, fields, body, changes: Vec::new() }
    }

    fn text(status: u16, words: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", format!("{words}\n"))
    }
}

/// Whether a request is for the page. As in HAProxy, all paths that begin as it does are its own.
pub fn is_for(settings: &PageSettings, target: &str) -> bool {
    target.starts_with(&settings.uri)
}

/// Answers a request that is for the page.
pub fn reply(settings: &PageSettings, ask: &Ask<'_>, board: &dyn Board) -> Reply {
    if !is_let_in(settings, ask.authorization) {
        let realm: String = settings
            .realm
            .as_deref()
            .unwrap_or("HAProxy Statistics")
            .chars()
            .filter(|char| !matches!(char, '"' | '\\'))
            .collect();
        let mut reply = Reply::text(401, "Name and password are needed.");
        reply.fields.push(("WWW-Authenticate", format!("Basic realm=\"{realm}\"")));
        return reply;
    }
    let options: Vec<&str> =
        ask.target.get(settings.uri.len()..).unwrap_or_default().split(';').skip(1).collect();
    match ask.method {
        "GET" | "HEAD" => shown(settings, &options, board),
        "POST" => posted(settings, ask, board),
        _ => Reply::text(405, "The page of statistics takes GET, HEAD and POST."),
    }
}

fn shown(settings: &PageSettings, options: &[&str], board: &dyn Board) -> Reply {
    let facts = board.facts();
    let form = match (options.contains(&"csv"), options.contains(&"json")) {
        (true, _) => Some((Form::Csv, "text/plain; charset=utf-8")),
        (_, true) => Some((Form::Json, "application/json")),
        _ => None,
    };
    if let Some((form, content_type)) = form {
        let mut body: String = stat::show(facts, Wanted::all(form)).collect();
        // The blank line is the socket's.
        body.truncate(body.trim_end_matches('\n').len() + 1);
        return Reply::new(200, content_type, body);
    }
    let mut reply = Reply::new(200, "text/html; charset=utf-8", html::page(settings, options, &facts));
    if let Some(refresh) = settings.refresh.filter(|_| !options.contains(&"norefresh")) {
        reply.fields.push(("Refresh", refresh.as_secs().max(1).to_string()));
    }
    reply
}

/// Whether somebody with this `Authorization` (RFC 7617) may see the page.
fn is_let_in(settings: &PageSettings, authorization: Option<&str>) -> bool {
    if settings.auth.is_empty() {
        return true;
    }
    let given = authorization.and_then(|words| {
        let (scheme, credentials) = words.split_once(' ')?;
        let decoded = STANDARD.decode(credentials.trim()).ok()?;
        scheme.eq_ignore_ascii_case("basic").then_some(decoded)
    });
    let Some(given) = given else { return false };
    // All are looked at in full, so that the time says nothing of how far a guess was right.
    settings.auth.iter().fold(false, |found, (name, password)| {
        is_same(&given, format!("{name}:{password}").as_bytes()) | found
    })
}

fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differing = one.iter().zip(other).fold(0, |differing, (one, other)| differing | (one ^ other));
    core::hint::black_box(differing) == 0 && one.len() == other.len()
}

/// Whether a form is no other site's.
fn is_own(settings: &PageSettings, ask: &Ask<'_>) -> Result<(), &'static str> {
    let Some(host) = ask.host else { return Err("The request has no Host.") };
    let is_cross = ask.fetch_site.is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let of_origin = ask.origin.map(|origin| origin.split_once("://").map(|(_, host)| host));
    if is_cross
        || of_origin.is_some_and(|origin| origin.is_none_or(|origin| !origin.eq_ignore_ascii_case(host)))
    {
        return Err("The form was sent by a page of another site.");
    }
    if settings.auth.is_empty() && !is_address(host) {
        return Err(
            "Without `stats auth`, forms are obeyed only where the page is reached by an address or as localhost.",
        );
    }
    Ok(())
}

fn is_address(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    host.parse::<SocketAddr>().is_ok()
        || bare.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
}

/// What a form asks for: HAProxy's fields `b`, the backend, `s`, each server, and `action`.
fn posted(settings: &PageSettings, ask: &Ask<'_>, board: &dyn Board) -> Reply {
    if !settings.is_admin {
        return done(settings, "DENY", Vec::new());
    }
    if let Err(why) = is_own(settings, ask) {
        return Reply::text(403, why);
    }
    let Some(form) = ask.form else { return done(settings, "EXCD", Vec::new()) };
    let (mut backend, mut action, mut servers) = (String::new(), String::new(), Vec::new());
    for (name, value) in form.split(|byte| *byte == b'&').filter_map(pair) {
        match name.as_str() {
            "b" => backend = value,
            "action" => action = value,
            "s" => servers.push(value),
            _ => {}
        }
    }
    let state = match action.as_str() {
        "ready" | "enable" => State::Ready,
        "drain" => State::Drain,
        "maint" | "disable" => State::Maintenance,
        _ => return done(settings, "ERRP", Vec::new()),
    };
    if let Some(number) = backend.strip_prefix('#').and_then(|number| number.parse::<usize>().ok()) {
        let facts = board.facts();
        let named = number.checked_sub(Facts::FIRST_ID).and_then(|at| facts.proxies.get(at));
        backend = named.map(|proxy| proxy.name.clone()).unwrap_or_default();
    }
    let asked = servers.len();
    let known = servers.into_iter().filter(|server| board.server(&backend, server).is_ok());
    let changes: Vec<Change> =
        known.map(|server| Change::State { backend: backend.clone(), server, state }).collect();
    let outcome = match changes.len() {
        0 if asked == 0 => "NONE",
        0 => "ERRP",
        count if count < asked => "PART",
        _ => "DONE",
    };
    done(settings, outcome, changes)
}

/// Back to the page, which says in HAProxy's word what became of it.
fn done(settings: &PageSettings, outcome: &str, changes: Vec<Change>) -> Reply {
    let mut reply = Reply { changes, ..Reply::text(303, "See the page.") };
    reply.fields.push(("Location", format!("{};st={outcome}", settings.uri)));
    reply
}

/// A field of a form (WHATWG URL, 5.1).
fn pair(bytes: &[u8]) -> Option<(String, String)> {
    let at = bytes.iter().position(|byte| *byte == b'=')?;
    Some((unescaped(&bytes[..at])?, unescaped(&bytes[at + 1..])?))
}

fn unescaped(bytes: &[u8]) -> Option<String> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(plain).ok()
}
