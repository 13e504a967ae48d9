//! Keys of `[services.NAME]`: they exist once for each service that is named, and so in files only.

use super::{DAY, PLAIN, duration};
use crate::config::key::{Applies, Fallback, Key, Kind, Section};
use std::time::Duration;

/// In the order of the file.
pub(crate) static TABLE: &[&Key] = &[
    &FROM,
    &PORTS,
    &TAGS,
    &BACKENDS,
    &UPSTREAM_PROTOCOL,
    &MAINTENANCE,
    &MAINTENANCE_FILE,
    &MAINTENANCE_PAGE,
    &RETRY_AFTER,
];

/// Most services that may be named: far more than a node has sinks.
pub(crate) const SERVICES_MAX: usize = 256;

const SERVICE: Key = Key { section: Section::Service, ..PLAIN };
const OF_PROXY: Key = Key { applies: Applies::Live, ..SERVICE };

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

pub(crate) static BACKENDS: Key = Key {
    name: "backends",
    kind: Kind::Texts,
    fallback: Fallback::Unset("the members whose tags offer it"),
    help: "Its backends, `IP:PORT`, or `IP:PORT/WEIGHT`, instead of those that the cluster tells of.\n\n\
           A proxy all of whose services have theirs written down needs no agent.",
    ..OF_PROXY
};

pub(crate) static UPSTREAM_PROTOCOL: Key = Key {
    name: "upstream_protocol",
    kind: Kind::Word { words: &["http1", "h2c"], also: &[] },
    fallback: Fallback::Unset("as `[proxy]` says"),
    help: "What its backends speak: http1, or h2c (HTTP/2 without TLS), which gRPC needs.",
    ..OF_PROXY
};

pub(crate) static MAINTENANCE: Key = Key {
    name: "maintenance",
    kind: Kind::Bool,
    fallback: Fallback::Is("false"),
    help: "The service is closed: clients of the proxy get a page with 503 and `Retry-After`, and in TCP mode are hung up on.",
    ..OF_PROXY
};

pub(crate) static MAINTENANCE_FILE: Key = Key {
    name: "maintenance_file",
    kind: Kind::Path,
    fallback: Fallback::Unset("none"),
    help: "It is closed as long as this file exists, which the proxy looks for every second.",
    ..OF_PROXY
};

pub(crate) static MAINTENANCE_PAGE: Key = Key {
    name: "maintenance_page",
    kind: Kind::Path,
    fallback: Fallback::Unset("a sentence of text"),
    help: "File with the page; HTML by the name `.html`, else text. It is read when the configuration is.",
    ..OF_PROXY
};

pub(crate) static RETRY_AFTER: Key = Key {
    name: "retry_after",
    kind: duration(Duration::from_secs(1), DAY),
    fallback: Fallback::Is("1m"),
    help: "When clients are told to come again, in whole seconds.",
    ..OF_PROXY
};
