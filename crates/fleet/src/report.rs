//! What a sink tells back. Evidence, never a command; losing one costs a graph, so each report is whole and repeated.

use crate::traffic::ServiceReport;
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
    /// Of `failed`: unsafe requests that a backend had, at least in part, when it died or fell silent. Nobody knows whether
    /// it acted on them.
    pub failed_unsafe: u64,
    /// Requests that failed on one backend and were sent to another. Those that failed there too are in `failed` as
    /// well.
    pub retried: u64,
    /// Every backend in the picture that the sink serves, and those no longer in it until their last request is done.
    pub backends: Vec<BackendReport>,
    /// What it counted of its services, of at most [`SERVICE_REPORTS_MAX`](crate::SERVICE_REPORTS_MAX); none of a sink that counts
    /// nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceReport>,
    /// Lines of its access log that nobody took.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub log_lines_lost: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// One backend's part of a report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BackendReport {
    /// Service name.
    pub service: String,
    /// Node name.
    pub node: String,
    /// `new`: not connected to yet. `up`. `demoted`: gossip says failed. `ejected`: evidence says broken, see `why`.
    /// `draining`: withdrawn or gone, with requests in flight. `withdrawn`: with none. Later releases may add words.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// As in the stream of updates: fields may be added, with a default, and nothing else may change.
    const GOLDEN: &str = r#"{"sink":"proxy","epoch":7,"version":2,"requests":9,"failed":3,"failed_unsafe":1,"retried":2,"backends":[{"service":"web","node":"a","state":"up","in_flight":1,"requests":5,"failures":0},{"service":"web","node":"b","state":"ejected","in_flight":0,"requests":4,"failures":4,"why":"refused"}]}"#;

    fn golden() -> Report {
        let up = BackendReport {
            service: "web".into(),
            node: "a".into(),
            state: "up".into(),
            in_flight: 1,
            requests: 5,
            failures: 0,
            why: None,
        };
        let ejected = BackendReport {
            node: "b".into(),
            state: "ejected".into(),
            in_flight: 0,
            requests: 4,
            failures: 4,
            why: Some("refused".into()),
            ..up.clone()
        };
        Report {
            sink: "proxy".into(),
            epoch: 7,
            version: 2,
            requests: 9,
            failed: 3,
            failed_unsafe: 1,
            retried: 2,
            backends: vec![up, ejected],
            services: Vec::new(),
            log_lines_lost: 0,
        }
    }

    #[test]
    fn a_report_is_written_as_it_was() {
        assert_eq!(serde_json::to_string(&golden()).unwrap(), GOLDEN);
        assert_eq!(serde_json::from_str::<Report>(GOLDEN).unwrap(), golden());
    }

    #[test]
    fn fields_of_a_later_release_are_ignored() {
        let later = GOLDEN.replace(r#""requests":"#, r#""latency":{"p99_ms":1.5},"requests":"#);
        assert_ne!(later, GOLDEN);
        assert_eq!(serde_json::from_str::<Report>(&later).unwrap(), golden());
    }
}
