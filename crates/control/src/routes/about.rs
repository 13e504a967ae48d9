//! What the agent thinks of a member, and says of itself.

use super::WHY;
use super::query_string::QueryString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whom [`WHY`] is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct WhyQuery {
    /// Node name.
    pub node: String,
}

impl WhyQuery {
    /// [`WHY`] with this query.
    pub fn to_path(&self) -> String {
        QueryString::of(WHY).with("node", Some(&self.node)).done()
    }
}

/// What the agent says of itself: section -> key -> value, as `serf info` prints it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Info(pub BTreeMap<String, BTreeMap<String, String>>);
