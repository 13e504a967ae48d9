//! Keys of `[services.NAME]`: they exist once for each service that is named, and so in files only.

use super::PLAIN;
use crate::config::key::{Fallback, Key, Kind, Section};

/// In the order of the file.
pub(crate) static TABLE: &[&Key] = &[&FROM, &PORTS, &TAGS];

/// Most services that may be named: far more than a node has sinks.
pub(crate) const SERVICES_MAX: usize = 256;

const SERVICE: Key = Key { section: Section::Service, ..PLAIN };

pub(crate) static FROM: Key = Key {
    name: "from",
    kind: Kind::Networks,
    fallback: Fallback::Unset("anywhere"),
    help: "Networks that may serve it: the member's address must be in one of them.\n\n\
           Whatever stands here, loopback addresses are believed only by a node that is itself on loopback, link-local and \
           multicast ones never.",
    ..SERVICE
};

pub(crate) static PORTS: Key = Key {
    name: "ports",
    kind: Kind::Ports,
    fallback: Fallback::Unset("any"),
    help: "Ports that it may be served on.",
    ..SERVICE
};

pub(crate) static TAGS: Key = Key {
    name: "tags",
    kind: Kind::Tags,
    fallback: Fallback::Unset("none"),
    help: "Tags that a member must have to serve it, each with this value.",
    ..SERVICE
};
