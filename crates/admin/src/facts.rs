//! What is known of a node at one instant.

use muster_control::templates::TemplateRow;
use muster_fleet::{Picture, Report};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that is shown.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Of this program.
    pub version: &'static str,
    /// This node's name.
    pub node: String,
    /// Members by state, in Serf's words: alive, leaving, left, failed.
    pub members: BTreeMap<&'static str, u64>,
    /// What the gossip thread counted.
    pub gossip: Gossip,
    /// The picture that sinks are told.
    pub picture: Arc<Picture>,
    /// The last report of each sink.
    pub reports: Vec<Report>,
    /// Groups of files made of templates.
    pub templates: Vec<TemplateRow>,
}

/// Counts since the agent's start, and how gossip is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gossip {
    /// Members that became alive.
    pub joins: u64,
    /// Members that left.
    pub leaves: u64,
    /// Members that failed.
    pub failures: u64,
    /// Members whose tags or address changed.
    pub updates: u64,
    /// Of `joins`, those within a minute of the same member's end.
    pub flaps: u64,
    /// User events heard.
    pub user_events: u64,
    /// Queries heard.
    pub queries: u64,
    /// Datagrams that came.
    pub datagrams_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
    /// Datagrams that went.
    pub datagrams_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Lifeguard's awareness: 0 is well, each point makes this node more patient with others (arXiv 1707.00788, IV-A).
    pub health_score: u32,
    /// Messages that wait to be gossiped.
    pub queued_intents: u64,
    /// The same of user events.
    pub queued_events: u64,
    /// The same of queries.
    pub queued_queries: u64,
}
