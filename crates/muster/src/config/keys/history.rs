//! Keys of `[history]`: what the agent keeps of what happened.

use super::{DAY, PLAIN, duration};
use crate::config::key::{Fallback, Key, Kind, Section};
use std::time::Duration;

const HISTORY: Key = Key { section: Section::History, ..PLAIN };

pub(crate) static PATH: Key = Key {
    name: "path",
    flag: "history-path",
    kind: Kind::Path,
    fallback: Fallback::Unset("`history.db` beside the snapshot; without a snapshot, memory"),
    help: "File of the history: a database of SQLite, for `muster history`, sqlite3 and Grafana.\n\n\
           It need not exist; its folder must. Where no file can be, the history is kept in memory and ends with the agent, which is \
           said in the log.",
    ..HISTORY
};

pub(crate) static KEEP: Key = Key {
    name: "keep",
    flag: "history-keep",
    kind: duration(Duration::from_secs(60), Duration::from_secs(3660 * DAY.as_secs())),
    fallback: Fallback::Is("30d"),
    help: "How long facts are kept.\n\nThe last word about each member and backend stays for longer, since it still is true.",
    ..HISTORY
};

pub(crate) static MAX_SIZE: Key = Key {
    name: "max_size",
    flag: "history-max-size",
    kind: Kind::Count { min: 1 << 20, max: 1 << 40 },
    fallback: Fallback::Is("67108864"),
    help: "Most bytes of the history's file; the oldest facts make way. In memory, at most 4 MiB are used all the same.",
    ..HISTORY
};
