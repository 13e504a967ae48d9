//! How far members are, and whether they can be reached.

use super::RTT;
use super::query_string::QueryString;
use serde::{Deserialize, Serialize};

/// Between whom.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct RttQuery {
    /// Node name.
    pub from: String,
    /// Node name; absent means this node.
    #[serde(default)]
    pub to: Option<String>,
}

impl RttQuery {
    /// [`RTT`] with this query.
    pub fn to_path(&self) -> String {
        QueryString::of(RTT).with("from", Some(&self.from)).with("to", self.to.as_deref()).done()
    }
}

/// An estimate from network coordinates: nobody is probed for it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Rtt {
    /// Node name.
    pub from: String,
    /// Node name.
    pub to: String,
    /// Milliseconds there and back.
    pub rtt_ms: f64,
}

/// One line of the answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ReachabilityLine {
    /// First: everybody is asked.
    Asked {
        /// For so many milliseconds answers count.
        timeout_ms: u64,
        /// So many members are alive.
        expected: usize,
    },
    /// A node heard it, and was heard.
    Ack {
        /// Which.
        from: String,
    },
    /// Last: all who are alive answered, or the time is over.
    Done {
        /// How many answered.
        acks: usize,
        /// Members that are alive and did not, by name.
        missing: Vec<String>,
        /// Who answered without being alive as far as this node knows, by name.
        unexpected: Vec<String>,
    },
}
