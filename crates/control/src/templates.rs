//! Bodies of the routes about files made of templates.

use serde::{Deserialize, Serialize};

/// All groups of the node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Templates {
    /// In the order of their names.
    pub templates: Vec<TemplateRow>,
}

/// A group of files and how it is doing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct TemplateRow {
    /// Unique on this node.
    pub name: String,
    /// Its files.
    pub files: Vec<String>,
    /// A folder with a file for each backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// What follows when they change, in words.
    pub on_change: String,
    /// `right`: the last attempt succeeded. `failing`: it did not, the last good files are in force, and it is tried again.
    /// `waiting`: nothing has been made yet. Later releases may add words.
    pub state: String,
    /// Times that the files were made.
    pub made: u64,
    /// Times that they differed and came into force.
    pub changed: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Times that the old files came back into force after a failed action.
    pub restored: u64,
    /// When files last came into force, before the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_ago_ms: Option<u64>,
    /// How long the last making of the files took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// What HAProxy was last told, or would be, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
    /// Reloads of HAProxy.
    #[serde(default)]
    pub reloads: u64,
    /// Changes of servers that HAProxy took without a reload.
    #[serde(default)]
    pub without_reload: u64,
    /// Why the last attempt failed, with the last lines of what a program printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Members that could not be written into these files, and why.
    pub refusals: Vec<String>,
    /// New servers of HAProxy that have waited for long to get requests, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<String>,
}
