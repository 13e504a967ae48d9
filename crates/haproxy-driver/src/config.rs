//! Which HAProxy, and how it reloads.

use std::path::PathBuf;
use std::time::Duration;

/// What the driver must know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// The file that HAProxy is started with.
    pub file: PathBuf,
    /// Its runtime API, `stats socket ... level admin`.
    pub socket: PathBuf,
    /// How it reloads.
    pub reload: Reload,
    /// Touch nothing, and say what would be done.
    pub is_shadow: bool,
    /// How long a reload may take.
    pub reload_within: Duration,
    /// So long a newcomer may not answer from here before HAProxy's own check is to say whether it does. Most are only slow to start: they
    /// begin as soon as they answer, where a check would let them wait for its next turn.
    pub checked_after: Duration,
    /// Workers that may finish what they have, beside the one that takes connections.
    pub old_workers_max: usize,
}

/// How it reloads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reload {
    /// By its master's socket (`haproxy -W -S PATH`), which also tells of old workers.
    Master(PathBuf),
    /// By a program and its arguments. What old workers still have cannot be told then.
    Command(Vec<String>),
}
