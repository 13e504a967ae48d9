//! `stats`: the page and the socket on which tools ask HAProxy how it is.

use crate::address::{Listen, listens};
use crate::args::Args;
use crate::bind::octal;
use crate::time::time;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use muster_haproxy::Env;
use muster_routes::{At, Place};

/// The page of statistics of a frontend.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatsPage {
    /// The beginning of the paths that it is at.
    pub uri: String,
    /// It does not say which version this is.
    pub hide_version: bool,
    /// Names and passwords of those who may see it; everybody without any.
    pub auth: Vec<(String, String)>,
    /// What browsers are told that the password is for.
    pub realm: Option<String>,
    /// How often a browser asks again.
    pub refresh: Option<Duration>,
    /// Its forms change servers.
    pub admin: bool,
}

impl Default for StatsPage {
    fn default() -> Self {
        Self {
            uri: "/haproxy?stats".into(),
            hide_version: false,
            auth: Vec::new(),
            realm: None,
            refresh: None,
            admin: false,
        }
    }
}

/// What a socket of statistics obeys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// It tells what is harmless.
    User,
    /// It tells all.
    Operator,
    /// It changes what is asked of it.
    Admin,
}

/// A socket on which tools ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatsSocket {
    /// Where.
    pub at: At,
    /// Where that was written.
    pub place: Place,
    /// What it obeys.
    pub level: Level,
    /// A new process may take over the listening sockets there.
    pub exposes_listeners: bool,
}

/// Reads what stands behind `stats` in a frontend. The page is there from the first such line on, as in HAProxy.
pub(crate) fn page(page: &mut StatsPage, mut args: Args<'_>) -> Result<(), String> {
    match args.value("stats")? {
        "enable" => {}
        "hide-version" => page.hide_version = true,
        "uri" => page.uri = args.value("stats uri")?.into(),
        "realm" => page.realm = Some(args.value("stats realm")?.into()),
        "refresh" => {
            // Without a unit these are seconds, for once.
            let text = args.value("stats refresh")?;
            let is_bare = text.bytes().all(|byte| byte.is_ascii_digit());
            let text = if is_bare { format!("{text}s") } else { text.into() };
            page.refresh = Some(time(&text, "stats refresh")?);
        }
        "auth" => {
            let text = args.value("stats auth")?;
            let (name, password) = text.split_once(':').ok_or("`stats auth` takes NAME:PASSWORD")?;
            page.auth.push((name.into(), password.into()));
        }
        "admin" => match (args.next(), args.next()) {
            (Some("if"), Some("TRUE")) | (Some("unless"), Some("FALSE")) => page.admin = true,
            (Some("if"), Some("FALSE")) | (Some("unless"), Some("TRUE")) => page.admin = false,
            _ => {
                return Err("of `stats admin`, `if TRUE` is done by Muster; say who may see the page by `stats auth`".into());
            }
        },
        "http-request" => return Err("`stats http-request` is not done by Muster; use `stats auth`, or `http-request deny` with a path".into()),
        "scope" | "show-desc" | "show-legends" | "show-modules" | "show-node" => {
            return Err("how the page looks cannot be chosen; leave this line out".into());
        }
        other => return Err(format!("`stats {other}` is not known here; there is enable, uri, hide-version, auth, realm, refresh, admin")),
    }
    args.end()
}

/// Reads what stands behind `stats socket`.
pub(crate) fn socket(mut args: Args<'_>, place: &Place, env: Env<'_>) -> Result<Vec<StatsSocket>, String> {
    let listens = listens(args.value("stats socket")?, env)?;
    let (mut mode, mut level, mut exposes_listeners) = (None, Level::Operator, false);
    while let Some(word) = args.next() {
        match word {
            "mode" => mode = Some(octal(args.value("mode")?)?),
            "level" => {
                level = match args.value("level")? {
                    "user" => Level::User,
                    "operator" => Level::Operator,
                    "admin" => Level::Admin,
                    other => return Err(format!("`level {other}`: there is user, operator, admin")),
                };
            }
            "expose-fd" => match args.value("expose-fd")? {
                "listeners" => exposes_listeners = true,
                other => return Err(format!("`expose-fd {other}`: there is listeners")),
            },
            "user" | "group" | "uid" | "gid" => {
                return Err(format!(
                    "`stats socket ... {word}` is not done by Muster: the socket belongs to whoever starts the balancer; open it with `mode`"
                ));
            }
            "process" | "thread" => {
                return Err(format!("`stats socket ... {word}` has no meaning here; leave it out"));
            }
            other => {
                return Err(format!(
                    "`stats socket ... {other}` is not known here; there is mode, level, expose-fd listeners"
                ));
            }
        }
    }
    let made = listens.into_iter().map(|listen| {
        let at = match listen {
            Listen::Tcp(_) if mode.is_some() => return Err("`mode` is for sockets in the file system".into()),
            Listen::Tcp(addr) => At::Tcp(addr),
            Listen::Unix(path) => At::Unix { path, mode },
        };
        Ok(StatsSocket { at, place: place.clone(), level, exposes_listeners })
    });
    made.collect()
}
