//! Bodies of the route about what happened: facts with time, observer and reason.

use crate::routes::HISTORY;
use crate::routes::QueryString;
use serde::{Deserialize, Serialize};

/// Most facts of one answer.
pub const FACTS_MAX: u32 = 10_000;
/// Facts of an answer, when not asked otherwise.
pub const FACTS_USUAL: u32 = 200;

/// Words of [`Fact::kind`]. Later releases may add some.
pub const KINDS: [&str; 10] = [
    "agent",
    "member",
    "backend",
    "ejection",
    "readiness",
    "render",
    "reload",
    "config",
    "operator",
    "history",
];

/// One thing that happened, as the observer saw it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Fact {
    /// Grows with each fact of a file; 0 before it is kept.
    pub id: u64,
    /// When, by the observer's clock: milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// `agent`: it started or ended. `member`, `backend`: another state. `ejection`: what a sink found about a backend.
    /// `readiness`: of this node's services. `render`, `reload`: of templates. `config`: it was read again. `operator`:
    /// somebody commanded the agent. `history`: of these facts themselves. Later releases may add words.
    pub kind: String,
    /// The node that it is about.
    pub node: String,
    /// The service, the group of templates or the command that it is about; empty if none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// What it became or what was done, in a word: `failed`, `ready`, `ejected`, `changed`.
    pub what: String,
    /// Its address; empty if none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub addr: String,
    /// Who saw it: a node, or a sink of it.
    pub observer: String,
    /// Why, with the evidence; empty if nobody said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// Which facts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(default)]
pub struct HistoryQuery {
    /// About this node only.
    pub node: Option<String>,
    /// Not before this time: milliseconds since 1970-01-01 UTC.
    pub since: Option<u64>,
    /// Before this time: milliseconds since 1970-01-01 UTC.
    pub until: Option<u64>,
    /// Of these kinds, with commas between them.
    pub kind: Option<String>,
    /// Most facts of the answer: 200 when absent, at most 10000.
    pub limit: Option<u32>,
    /// The first ones behind this id, oldest first. Absent: the last ones.
    pub cursor: Option<u64>,
    /// Instead of facts: the cluster as it was at this time, in milliseconds since 1970-01-01 UTC.
    pub at: Option<u64>,
}

impl HistoryQuery {
    /// [`HISTORY`] with this query.
    pub fn to_path(&self) -> String {
        let number = |value: Option<u64>| value.map(|value| value.to_string());
        QueryString::of(HISTORY)
            .with("node", self.node.as_deref())
            .with("since", number(self.since).as_deref())
            .with("until", number(self.until).as_deref())
            .with("kind", self.kind.as_deref())
            .with("limit", number(self.limit.map(u64::from)).as_deref())
            .with("cursor", number(self.cursor).as_deref())
            .with("at", number(self.at).as_deref())
            .done()
    }
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(default)]
pub struct History {
    /// Where the facts are kept, in words.
    pub kept: String,
    /// Facts since the agent began that were dropped before they could be kept.
    pub dropped: u64,
    /// Oldest first.
    pub facts: Vec<Fact>,
    /// The `cursor` with which the next question goes on behind these facts.
    pub next: u64,
    /// The cluster at the time that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<Was>,
}

/// The cluster as it was, made of facts: each state is the last fact that says it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Was {
    /// The time that was asked for: milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// The members, by name.
    pub members: Vec<Fact>,
    /// The backends, by service and node.
    pub backends: Vec<Fact>,
    /// What is not known, and why, in words.
    pub unknown: Vec<String>,
}
