//! What a sink tells back. Evidence, never a command; losing one costs a graph, so each report is whole and repeated.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// One sink's account of itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Names the sink among those of this node, such as `proxy`.
    pub sink: String,
    /// Epoch of the picture it applies.
    pub epoch: u64,
    /// Version of the picture it applies.
    pub version: u64,
    /// Totals since the sink started.
    pub requests: u64,
    /// Requests that ended in an error of ours (502, 503, 504) or were cut.
    pub failed: u64,
    /// Of `failed`: unsafe requests in flight on a backend that died.
    pub failed_unsafe: u64,
    /// Requests that failed on one backend and succeeded on another.
    pub retried: u64,
    /// Every backend in the picture, and withdrawn ones until their last request is done.
    pub backends: Vec<BackendReport>,
}

/// One backend's part of a report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BackendReport {
    /// Service name.
    pub service: String,
    /// Node name.
    pub node: String,
    /// `new`, `up`, `demoted`, `ejected`, `draining`.
    pub state: String,
    /// Requests on it now.
    pub in_flight: u32,
    /// Requests sent to it since the sink started.
    pub requests: u64,
    /// Attempts that failed on it.
    pub failures: u64,
    /// Why it is ejected, in words, with the evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
