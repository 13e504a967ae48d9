//! Who is in the cluster.

use super::MEMBERS;
use super::query_string::QueryString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Filters of [`MEMBERS`]: regular expressions, anchored at both ends as Serf's are; absent means any.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
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
        QueryString::of(MEMBERS)
            .with("status", self.status.as_deref())
            .with("name", self.name.as_deref())
            .with("tags", self.tags.as_deref())
            .done()
    }
}

/// The members, in Serf's JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Members {
    /// Sorted by name.
    pub members: Vec<MemberRow>,
}

/// One member, in Serf's JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
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
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[allow(missing_docs, reason = "Serf's own keys")]
pub struct Protocol {
    pub max: u8,
    pub min: u8,
    pub version: u8,
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
