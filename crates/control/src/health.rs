//! Body of the route that tells whether a node does what it is there for.

use serde::{Deserialize, Serialize};

/// The verdict.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Health {
    /// Whether nothing is wrong.
    pub well: bool,
    /// What was looked at.
    pub checks: Vec<HealthCheck>,
}

/// One thing that is looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct HealthCheck {
    /// What.
    pub name: String,
    /// What is wrong with it; absent when nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<String>,
}
