//! Keys of `[haproxy]`: a real HAProxy that follows the fleet.

use super::PLAIN;
use crate::config::key::{Applies, Fallback, Key, Kind, Section};
use std::time::Duration;

const HAPROXY: Key = Key { section: Section::Haproxy, applies: Applies::Live, ..PLAIN };

pub(crate) const OFF: &str = "off";
pub(crate) const MANAGED: &str = "managed";
pub(crate) const SHADOW: &str = "shadow";

pub(crate) static MODE: Key = Key {
    name: "mode",
    flag: "haproxy",
    kind: Kind::Word { words: &[OFF, MANAGED, "attached", SHADOW], also: &[] },
    fallback: Fallback::Is(OFF),
    help: "Whether the agent keeps a HAProxy right, and which.\n\n\
           `managed`: one that `muster run` starts and keeps. `attached`: one that runs already. `shadow`: likewise, but nothing is \
           touched; what would be done is told. In the first two this node balances, and tells the cluster so (tag `balances=1`).",
    applies: Applies::Restart,
    ..HAPROXY
};

pub(crate) static TEMPLATE: Key = Key {
    name: "template",
    flag: "haproxy-template",
    kind: Kind::Path,
    fallback: Fallback::Is("/etc/muster/haproxy.cfg.hb"),
    help: "Template of its configuration.\n\nServers that come and go in it are changed while HAProxy runs, where the balance and \
           the servers' keywords allow; all else is a reload without a connection refused.",
    ..HAPROXY
};

pub(crate) static CONFIG: Key = Key {
    name: "config",
    flag: "haproxy-config",
    kind: Kind::Path,
    fallback: Fallback::Is("/etc/haproxy/haproxy.cfg"),
    help: "The file that HAProxy is started with.\n\nIt always says what is wanted, so that a HAProxy that starts anew is right.",
    applies: Applies::Restart,
    ..HAPROXY
};

pub(crate) static SOCKET: Key = Key {
    name: "socket",
    flag: "haproxy-socket",
    kind: Kind::Path,
    fallback: Fallback::Is("/run/haproxy/admin.sock"),
    help: "Its runtime API: what `stats socket PATH level admin` in the template names.",
    ..HAPROXY
};

pub(crate) static MASTER: Key = Key {
    name: "master",
    flag: "haproxy-master",
    kind: Kind::Path,
    fallback: Fallback::Is("/run/haproxy/master.sock"),
    help: "Its master's socket (`haproxy -W -S PATH`), by which it reloads and tells of old workers.",
    applies: Applies::Restart,
    ..HAPROXY
};

pub(crate) static RELOAD: Key = Key {
    name: "reload",
    flag: "haproxy-reload",
    kind: Kind::Words,
    fallback: Fallback::Unset("by the master's socket"),
    help: "Program that reloads it, for one without a master.\n\nWhat its old processes still have in flight is not known then.",
    ..HAPROXY
};

pub(crate) static PROGRAM: Key = Key {
    name: "program",
    flag: "haproxy-program",
    kind: Kind::Path,
    fallback: Fallback::Is("haproxy"),
    help: "HAProxy itself: what checks a new configuration, and what `muster run` starts.",
    applies: Applies::Restart,
    ..HAPROXY
};

pub(crate) static RELOAD_WITHIN: Key = Key {
    name: "reload_within",
    flag: "haproxy-reload-within",
    kind: Kind::Duration { min: Duration::from_millis(100), max: Duration::from_secs(3600) },
    fallback: Fallback::Is("10s"),
    help: "Longest time that a check and a reload may take each.",
    ..HAPROXY
};

pub(crate) static OLD_WORKERS_MAX: Key = Key {
    name: "old_workers_max",
    flag: "haproxy-old-workers-max",
    kind: Kind::Count { min: 1, max: 1000 },
    fallback: Fallback::Is("16"),
    help: "Old workers that may still finish what they have; another reload waits until one has ended.",
    ..HAPROXY
};

pub(crate) static SETTLE: Key = Key {
    name: "settle",
    flag: "haproxy-settle",
    kind: Kind::Duration { min: Duration::ZERO, max: Duration::from_secs(3600) },
    fallback: Fallback::Is("10ms"),
    help: "Time without a change of the fleet after which HAProxy is changed; 500 ms after the first of several, it is anyway.",
    ..HAPROXY
};
