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
    &CHECK,
    &CHECK_HOST,
    &CHECK_STATUS,
    &CHECK_EVERY,
    &CHECK_TIMEOUT,
    &CHECK_RISE,
    &CHECK_FALL,
    &OUTLIERS,
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

const TIME: Kind = duration(Duration::from_millis(10), DAY);

pub(crate) static CHECK: Key = Key {
    name: "check",
    kind: Kind::Text,
    fallback: Fallback::Unset("nobody asks: gossip, and what requests see, decide"),
    help: "How the proxy asks its backends, beside all traffic, whether they are well: `tcp` (a connection), `http PATH`, or \
           `http METHOD PATH`.\n\n\
           Members whose agents tell when they are ready need none. A check may be wrong about all backends at once, so checks take \
           out a quarter of them in ten seconds at most, and where fewer than half are left, what checks say counts no more.",
    ..OF_PROXY
};

pub(crate) static CHECK_HOST: Key = Key {
    name: "check_host",
    kind: Kind::Text,
    fallback: Fallback::Unset("the backend's address"),
    help: "The name that a check by HTTP has in its `Host`.",
    ..OF_PROXY
};

pub(crate) static CHECK_STATUS: Key = Key {
    name: "check_status",
    kind: Kind::Texts,
    fallback: Fallback::Unset("200-399"),
    help: "Statuses that are a good answer to a check by HTTP: numbers, or ranges such as `200-299`.",
    ..OF_PROXY
};

pub(crate) static CHECK_EVERY: Key = Key {
    name: "check_every",
    kind: TIME,
    fallback: Fallback::Is("2s"),
    help: "From one check of a backend to the next, give or take a tenth; a quarter of that while it is on its way up or down.",
    ..OF_PROXY
};

pub(crate) static CHECK_TIMEOUT: Key = Key {
    name: "check_timeout",
    kind: TIME,
    fallback: Fallback::Unset("as `check_every`"),
    help: "How long a check may take. One that takes longer than `check_every` is not waited for either.",
    ..OF_PROXY
};

pub(crate) static CHECK_RISE: Key = Key {
    name: "check_rise",
    kind: Kind::Count { min: 1, max: 1000 },
    fallback: Fallback::Is("2"),
    help: "Good checks in a row that bring a backend back.",
    ..OF_PROXY
};

pub(crate) static CHECK_FALL: Key = Key {
    name: "check_fall",
    kind: Kind::Count { min: 1, max: 1000 },
    fallback: Fallback::Is("3"),
    help: "Bad checks in a row that take it out. One that never passed a check is out at its first bad one.",
    ..OF_PROXY
};

pub(crate) static OUTLIERS: Key = Key {
    name: "outliers",
    kind: Kind::Bool,
    fallback: Fallback::Is("false"),
    help: "Whether backends are compared with each other by what requests see, and the worst are left out for a while.\n\n\
           One is out that answers five times in a row with 500 or above, succeeds twenty percent less often than the others in ten \
           seconds (if that is not chance), or takes five times as long as they do. The first time for ten seconds, then twice as \
           long each time, five minutes at most; never so many that the rest cannot bear the traffic.",
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
