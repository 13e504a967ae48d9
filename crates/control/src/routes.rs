//! Paths and bodies of the control socket, `/api/v1`.
//!
//! | method and path | request | response |
//! |---|---|---|
//! | GET [`MEMBERS`] | query: [`MembersQuery`] | [`Members`] |
//! | POST [`JOIN`] | [`JoinRequest`] | [`JoinResponse`] |
//! | POST [`LEAVE`] | - | 204 once left; the agent then exits |
//! | POST [`FORCE_LEAVE`] | [`ForceLeaveRequest`] | 204 |
//! | POST [`TAGS`] | [`TagsRequest`] | [`TagsResponse`] |
//! | GET [`WHY`] | query: [`WhyQuery`] | [`Why`](crate::why::Why) |
//! | GET [`HANDLERS`] | - | [`Handlers`](crate::handlers::Handlers) |
//! | POST [`HANDLERS_ADD`] | [`AddHandler`](crate::handlers::AddHandler) | 204 |
//! | POST [`HANDLERS_REMOVE`] | [`RemoveHandler`](crate::handlers::RemoveHandler) | 204 |
//! | GET [`INFO`] | - | [`Info`] |
//! | GET [`FLEET`] | - | [`muster_fleet::Picture`] |
//! | GET [`FLEET_FOLLOW`] | - | lines of [`muster_fleet::Update`], for ever |
//! | POST [`FLEET_REPORT`] | [`muster_fleet::Report`] | 204 |
//! | GET [`FLEET_REPORTS`] | - | `[Report]`: the last one of every sink |
//!
//! Errors are [`Problem`] (RFC 9457, `application/problem+json`).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[allow(missing_docs, reason = "the table above")]
mod paths {
    pub const MEMBERS: &str = "/api/v1/members";
    pub const JOIN: &str = "/api/v1/join";
    pub const LEAVE: &str = "/api/v1/leave";
    pub const FORCE_LEAVE: &str = "/api/v1/force-leave";
    pub const TAGS: &str = "/api/v1/tags";
    pub const WHY: &str = "/api/v1/why";
    pub const HANDLERS: &str = "/api/v1/handlers";
    pub const HANDLERS_ADD: &str = "/api/v1/handlers/add";
    pub const HANDLERS_REMOVE: &str = "/api/v1/handlers/remove";
    pub const INFO: &str = "/api/v1/info";
    pub const FLEET: &str = "/api/v1/fleet";
    pub const FLEET_FOLLOW: &str = "/api/v1/fleet/follow";
    pub const FLEET_REPORT: &str = "/api/v1/fleet/report";
    pub const FLEET_REPORTS: &str = "/api/v1/fleet/reports";
}
pub use paths::*;

/// Filters of [`MEMBERS`]: regular expressions, anchored at both ends as Serf's are; absent means any.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MembersQuery {
    /// Status word.
    pub status: Option<String>,
    /// Node name.
    pub name: Option<String>,
    /// `KEY=REGEX,KEY=REGEX`.
    pub tags: Option<String>,
}

impl MembersQuery {
    /// [`MEMBERS`] with these filters as its query.
    pub fn to_path(&self) -> String {
        let filters = [("status", &self.status), ("name", &self.name), ("tags", &self.tags)];
        let mut path = MEMBERS.to_owned();
        for (key, value) in filters {
            let Some(value) = value else { continue };
            path.push(if path.contains('?') { '&' } else { '?' });
            path.push_str(key);
            path.push('=');
            percent_encode(value, &mut path);
        }
        path
    }
}

/// RFC 3986, 2.3: everything but the unreserved characters.
fn percent_encode(text: &str, out: &mut String) {
    use std::fmt::Write;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// The members, in Serf's JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Members {
    /// Sorted by name.
    pub members: Vec<MemberRow>,
}

/// One member, in Serf's JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MemberRow {
    /// Node name.
    pub name: String,
    /// `ip:port`.
    pub addr: String,
    /// Gossip port.
    pub port: u16,
    /// Tags by name.
    pub tags: BTreeMap<String, String>,
    /// alive, leaving, left, failed.
    pub status: String,
    /// Serf protocol versions.
    pub protocol: Protocol,
}

/// Serf protocol range and current version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "Serf's own keys")]
pub struct Protocol {
    pub max: u8,
    pub min: u8,
    pub version: u8,
}

/// Whom to join.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JoinRequest {
    /// `host`, `host:port` or `name/host:port`; names are resolved by the agent, all their addresses are contacted.
    pub addresses: Vec<String>,
    /// Replay old user events.
    #[serde(default)]
    pub replay: bool,
}

/// How joining went. At least one success, else the answer is a [`Problem`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JoinResponse {
    /// Nodes contacted successfully.
    pub joined: usize,
    /// What failed, in words, one per address.
    pub errors: Vec<String>,
}

/// Which member to remove.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ForceLeaveRequest {
    /// Node name.
    pub node: String,
    /// Forget it at once instead of keeping it as left.
    #[serde(default)]
    pub prune: bool,
}

/// How to change this node's tags.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
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
pub struct TagsResponse {
    /// All of them.
    pub tags: BTreeMap<String, String>,
    /// Worth knowing about them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Whom [`WHY`] is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WhyQuery {
    /// Node name.
    pub node: String,
}

impl WhyQuery {
    /// [`WHY`] with this query.
    pub fn to_path(&self) -> String {
        let mut path = format!("{WHY}?node=");
        percent_encode(&self.node, &mut path);
        path
    }
}

/// What the agent says of itself: section -> key -> value, as `serf info` prints it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Info(pub BTreeMap<String, BTreeMap<String, String>>);

/// An error answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// Short, the same for every error of its kind.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened and what to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl std::fmt::Display for Problem {
    /// The detail, or the title where there is none.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.detail.is_empty() { &self.title } else { &self.detail })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_become_an_encoded_query() {
        let query = MembersQuery {
            name: Some("web-.*".into()),
            tags: Some("role=a&b".into()),
            ..MembersQuery::default()
        };
        assert_eq!(query.to_path(), "/api/v1/members?name=web-.%2A&tags=role%3Da%26b");
        assert_eq!(MembersQuery::default().to_path(), MEMBERS);
    }
}
