//! Questions to the cluster, and the answers as they come.

use super::Payload;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A question.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct QueryRequest {
    /// Its name: any text that does not begin with `_serf_`.
    pub name: String,
    /// What goes with it. All of the question together takes at most 1024 bytes.
    #[serde(flatten)]
    pub payload: Payload,
    /// Only nodes of these names; none means any.
    #[serde(default)]
    pub nodes: Vec<String>,
    /// Only nodes on which each of these tags matches its regular expression, which is not anchored. A tag that a node does
    /// not have counts as empty.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Everybody who is asked says so at once.
    #[serde(default = "yes")]
    pub acks: bool,
    /// Through how many others each answer comes a second time, in case the direct way is broken.
    #[serde(default)]
    pub relay_factor: u8,
    /// How many milliseconds answers count; absent means as long as Serf would wait in a cluster of this size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

fn yes() -> bool {
    true
}

/// One line of the answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum QueryLine {
    /// First: it was asked.
    Asked {
        /// Its time on the cluster's query clock: as the stream of events shows it.
        ltime: u64,
        /// For so many milliseconds answers count.
        timeout_ms: u64,
        /// So many members that are alive pass its filters, as far as this node knows.
        expected: usize,
    },
    /// A node has it.
    Ack {
        /// Which.
        from: String,
    },
    /// A node's answer.
    Response {
        /// Whose.
        from: String,
        /// The answer.
        #[serde(flatten)]
        payload: Payload,
    },
    /// Last: no answer counts any more.
    Done {
        /// How many acknowledged.
        acks: usize,
        /// How many answered.
        responses: usize,
    },
}
