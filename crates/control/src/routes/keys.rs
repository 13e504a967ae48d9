//! The keys that seal gossip, changed or listed on every node.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What to do on every node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum KeysOperation {
    /// Take this key in, so that what it seals can be read.
    Install,
    /// Seal with this key from now on.
    Use,
    /// Forget this key.
    Remove,
}

/// A change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct KeysRequest {
    /// What to do.
    pub operation: KeysOperation,
    /// With which key, in base64.
    pub key: String,
}

/// One line of the answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum KeyLine {
    /// One answered.
    Answer {
        /// Who.
        from: String,
        /// Whether it did it.
        done: bool,
        /// In its words, if it has something to say.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        message: String,
        /// Answers so far, with this one.
        responses: usize,
        /// Members that are to answer.
        nodes: usize,
    },
    /// Last: what came of it.
    Done(KeysResult),
}

/// What came of it, on all nodes together.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct KeysResult {
    /// Members asked.
    pub nodes: usize,
    /// Members that answered.
    pub responses: usize,
    /// Members that answered that they could not.
    pub errors: usize,
    /// What members said, by name.
    pub messages: BTreeMap<String, String>,
    /// For a list: how many members have each key, in base64.
    pub keys: BTreeMap<String, usize>,
    /// For a list: how many members seal with each key.
    pub primary_keys: BTreeMap<String, usize>,
    /// Members that did not answer in time.
    pub silent: Vec<String>,
    /// Why that is not enough, in Serf's words, such as `1/3 nodes reported failure`; absent when all did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}
