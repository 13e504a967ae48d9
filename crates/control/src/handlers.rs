//! Bodies of the routes about event handlers.

use serde::{Deserialize, Serialize};

/// All handlers of the node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Handlers {
    /// In the order in which they were added.
    pub handlers: Vec<HandlerRow>,
}

/// A handler and what it did so far. Exactly one of `shell`, `command` and `webhook` is there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct HandlerRow {
    /// Unique on this node.
    pub name: String,
    /// Which events: `member-join`, `user:deploy`, ...
    pub on: Vec<String>,
    /// A script for `/bin/sh`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
    /// A program and its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// A URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// As Serf has it: once for every filter that wants an event, in turn with all others of this kind.
    pub is_serf: bool,
    /// Bursts are gathered for it.
    pub coalesce: bool,
    /// How long a run may take; absent: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Runs at a time.
    pub concurrency: usize,
    /// Events that may wait.
    pub queue: usize,
    /// From the configuration; else it was added while the agent runs, and ends with it.
    pub is_configured: bool,
    /// Events that wait.
    pub queued: usize,
    /// Runs in progress.
    pub running: usize,
    /// Runs that ended.
    pub runs: u64,
    /// Those of them that did not succeed.
    pub failures: u64,
    /// Events for which there was no room.
    pub dropped: u64,
    /// The last run that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastRun>,
}

/// How a run went.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct LastRun {
    /// `member-join`, `user:deploy`, ...
    pub event: String,
    /// When it ended, before the answer.
    pub ago_ms: u64,
    /// How long it took.
    pub took_ms: u64,
    /// Exit code 0, or an HTTP status of 2xx.
    pub success: bool,
    /// Of a program that exited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// How it ended, in words.
    pub end: String,
    /// The last lines of what it printed, up to 2 KiB.
    pub output: String,
}

/// A handler to add. One of `shell`, `command` and `webhook`; what is absent is as documented for the file.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AddHandler {
    /// Unique on this node.
    pub name: String,
    /// Which events; none means all.
    pub on: Vec<String>,
    /// A script for `/bin/sh`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
    /// A program and its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// A URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// As Serf has it.
    pub is_serf: bool,
    /// Gather bursts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coalesce: Option<bool>,
    /// How long a run may take; 0: for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Runs at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<usize>,
    /// Events that may wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<usize>,
}

/// Which handler to remove.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct RemoveHandler {
    /// Its name.
    pub name: String,
}
