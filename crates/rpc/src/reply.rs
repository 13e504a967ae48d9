//! What an agent answers.

use crate::Member;
use alloc::vec::Vec;
use muster_wire::record;
use muster_wire::serf::Coordinate;

/// What precedes every answer and every streamed record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplyHeader<'a> {
    /// The request's.
    pub seq: u64,
    /// What went wrong; empty when nothing did.
    pub error: &'a str,
}
record!(ReplyHeader<'a> { Seq => seq, Error => error });

/// Result of `join`, also when it failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JoinResult {
    /// How many answered.
    pub num: i32,
}
record!(JoinResult { Num => num });

/// Result of `members` and `members-filtered`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MembersResult<'a> {
    /// Who, in any order.
    pub members: Vec<Member<'a>>,
}
record!(MembersResult<'a> { Members => members });

/// Result of the four commands about keys, also when they failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeysResult<'a> {
    /// What nodes had to say, by node.
    pub messages: Vec<(&'a str, &'a str)>,
    /// How many nodes have each key; only in the list.
    pub keys: Option<Vec<(&'a str, i64)>>,
    /// Nodes asked.
    pub num_nodes: i64,
    /// Nodes that refused.
    pub num_err: i64,
    /// Nodes that answered.
    pub num_resp: i64,
}
record!(KeysResult<'a> {
    Messages => messages,
    Keys => keys,
    NumNodes => num_nodes,
    NumErr => num_err,
    NumResp => num_resp,
});

/// Result of `stats`: sections of keys and values, all of them text.
pub type Sections<'a> = Vec<(&'a str, Vec<(&'a str, &'a str)>)>;

/// Result of `get-coordinate`.
#[derive(Clone, PartialEq, Debug)]
pub struct CoordinateResult {
    /// Zero when there is none.
    pub coord: Coordinate,
    /// Whether there is one.
    pub ok: bool,
}
record!(CoordinateResult { Coord => coord, Ok => ok });
