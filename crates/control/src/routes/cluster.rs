//! What changes the cluster: join, force-leave, tags.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whom to join.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct JoinRequest {
    /// `host`, `host:port` or `name/host:port`; names are resolved by the agent, all their addresses are contacted.
    pub addresses: Vec<String>,
    /// Replay old user events.
    #[serde(default)]
    pub replay: bool,
}

/// How joining went. At least one success, else the answer is a [`Problem`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct JoinResponse {
    /// Nodes contacted successfully.
    pub joined: usize,
    /// What failed, in words, one per address.
    pub errors: Vec<String>,
}

/// Which member to remove.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct ForceLeaveRequest {
    /// Node name.
    pub node: String,
    /// Forget it at once instead of keeping it as left.
    #[serde(default)]
    pub prune: bool,
}

/// How to change this node's tags.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct TagsRequest {
    /// Tags to add or replace.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Names of tags to remove; one that is also in `set` stays.
    #[serde(default)]
    pub delete: Vec<String>,
}

/// The tags after the change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct TagsResponse {
    /// All of them.
    pub tags: BTreeMap<String, String>,
    /// Worth knowing about them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
