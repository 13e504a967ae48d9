//! How long the things we say may be.

/// Serf's default for user events (UserEventSizeLimit).
const USER_EVENT_BYTES: usize = 512;
/// Serf's default for queries and for their answers (QuerySizeLimit, QueryResponseSizeLimit).
const QUERY_BYTES: usize = 1024;

/// Bytes of what this node sends, as Serf's options of these names. What others send is not measured by them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// A user event, before and after encoding; never above 9216.
    pub user_event: usize,
    /// An encoded query.
    pub query: usize,
    /// An encoded answer to a query.
    pub query_response: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { user_event: USER_EVENT_BYTES, query: QUERY_BYTES, query_response: QUERY_BYTES }
    }
}
