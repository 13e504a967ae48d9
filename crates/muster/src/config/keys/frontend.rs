//! Keys of `[proxy.frontends.NAME]`. Its rules are tables of their own: [`crate::config::rules`].

use super::PLAIN;
use crate::config::key::{Applies, Fallback, Key, Kind, Section};

/// In the order of the file.
pub(crate) static TABLE: &[&Key] = &[&LISTEN, &MODE, &SERVICE];

/// Most frontends that may be named: far more than a host has addresses to listen on.
pub(crate) const FRONTENDS_MAX: usize = 256;

const FRONTEND: Key = Key { section: Section::Frontend, applies: Applies::Live, ..PLAIN };

pub(crate) static LISTEN: Key = Key {
    name: "listen",
    kind: Kind::Listeners,
    fallback: Fallback::Unset("has to be given"),
    help: "Addresses to take clients on, with the options of `listen` in `[proxy]`: `\"0.0.0.0:443 tls\"`.",
    ..FRONTEND
};

pub(crate) static MODE: Key = Key {
    name: "mode",
    kind: Kind::Word { words: &["http", "tcp"], also: &[] },
    fallback: Fallback::Is("http"),
    help: "What is decided upon: each request of `http`, or each connection of `tcp`, whatever is spoken on it.\n\n\
           In `tcp`, rules know where a client comes from and nothing of what it says: `from`, `not_from`, `tls`, `service`, `deny`.",
    ..FRONTEND
};

pub(crate) static SERVICE: Key = Key {
    name: "service",
    fallback: Fallback::Unset("none: 503"),
    help: "Service that gets what no rule has sent elsewhere. Each service that is named has a section `[services.NAME]`.",
    ..FRONTEND
};
