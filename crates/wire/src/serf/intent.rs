//! What nodes mean to do, dated on the member clock so that the latest intent wins.

use crate::msgpack::record;

/// "This node is leaving": sent by the node itself, or about a failed one by an operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeaveIntent<'a> {
    /// Lamport time of the member clock.
    pub ltime: u64,
    /// Who leaves.
    pub node: &'a str,
    /// Forget the node at once.
    pub prune: bool,
}
record!(LeaveIntent<'a> { LTime => ltime, Node => node, Prune => prune });

/// "This node is joining."
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JoinIntent<'a> {
    /// Lamport time of the member clock.
    pub ltime: u64,
    /// Who joins.
    pub node: &'a str,
}
record!(JoinIntent<'a> { LTime => ltime, Node => node });
