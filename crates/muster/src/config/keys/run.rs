//! Keys of `[run]`: a whole node under one PID 1.

use super::PLAIN;
use crate::config::key::{Fallback, Key, Kind, Section};
use std::time::Duration;

const RUN: Key = Key { section: Section::Run, ..PLAIN };

pub(crate) static PROXY: Key = Key {
    name: "proxy",
    flag: "proxy",
    kind: Kind::Bool,
    fallback: Fallback::Unset("when anything is said about `[proxy]`"),
    help: "Whether this node balances: runs `muster proxy`, and tells the cluster so (tag `balances=1`).",
    ..RUN
};

pub(crate) static STOP_WITHIN: Key = Key {
    name: "stop_within",
    flag: "stop-within",
    kind: Kind::Duration { min: Duration::from_secs(1), max: Duration::from_secs(3600) },
    fallback: Fallback::Is("9s"),
    help: "Time for all of the node's end: withdrawn, drained, stopped.\n\nDocker kills everything 10 s after `docker stop`, \
           unless told otherwise (`stop_grace_period`).",
    ..RUN
};

pub(crate) static PLAIN_WAIT: Key = Key {
    name: "plain_wait",
    flag: "plain-wait",
    kind: Kind::Duration { min: Duration::ZERO, max: Duration::from_secs(3600) },
    fallback: Fallback::Is("3s 500ms"),
    help: "Time between the leave and the processes' end where members of plain Serf may balance.\n\nThey see a leave and \
           nothing else, and their handlers take some seconds to act on it.",
    ..RUN
};
