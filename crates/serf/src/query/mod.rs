//! Queries: a question flooded through gossip, answered straight to the asker.
//!
//! ```text
//! asker --- query (gossip) ---> everyone; those that pass its filters:
//!   ^  ^------ ack (UDP) ------- at once, if wanted
//!   |  ^------ response (UDP) -- when there is one, before the deadline
//!   +--------- both again, through `relay_factor` others, in case the direct way is broken
//! ```
//! | idea | file |
//! |---|---|
//! | what we asked and who answered | `asked` |
//! | what we were asked and may still answer | `pending` |
//! | whom a query is for | `filter` |
//! | questions that Serf answers itself | `internal` |
//!
//! Source: query.go, event.go, serf.go (`Query`, `handleQuery`, `handleQueryResponse`, `relayResponse`).

mod asked;
mod filter;
mod internal;
mod pending;

pub(crate) use asked::{Asked, Counted, OPEN_MAX};
pub(crate) use filter::is_for;
pub(crate) use internal::{CONFLICT, Internal, PING, PREFIX, encode_response};
pub use internal::{KeyAnswer, KeyOperation};
pub(crate) use pending::{Asker, Pending, Waiting};

use crate::Limits;
use crate::window::Window;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// Query ids remembered against repetitions.
const WINDOW_MAX: usize = 1 << 16;
/// Timeouts are this many gossip intervals per decimal digit of the number of members (Serf: QueryTimeoutMult).
const TIMEOUT_MULT: u32 = 16;

/// Names one query.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct QueryId {
    /// Its time on the query clock.
    pub ltime: u64,
    /// The asker's random number.
    pub id: u32,
}

/// How a query is asked. The default asks everyone, wants no acks, and waits as long as Serf would.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct QueryParams {
    /// Only nodes of these names; empty means any.
    pub nodes: Vec<String>,
    /// Only nodes for which each of these tags matches its regular expression, which is not anchored. A tag that a node
    /// does not have counts as empty.
    pub tags: Vec<(String, String)>,
    /// Everyone who passes the filters is to say so at once.
    pub wants_acks: bool,
    /// Through how many others each answer comes a second time.
    pub relay_factor: u8,
    /// Those who balance are told straight, too, and at once; see [`crate::fast_lane`].
    pub straight: bool,
    /// How long answers count; `None` is Serf's default for the size of the cluster.
    pub timeout: Option<Duration>,
}

/// Why a query was not asked. Serf's words, where it has them: clients show and compare them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum QueryError {
    /// We speak a protocol without queries.
    #[error("Feature not supported")]
    Unsupported,
    /// Such names are Serf's own.
    #[error("Queries cannot contain the '{PREFIX}' prefix")]
    Reserved,
    /// Longer than `Limits::query`, encoded.
    #[error("query exceeds limit of {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// So many are open that one must end first.
    #[error("{open} queries are open already; wait until one is done")]
    TooMany {
        /// How many.
        open: usize,
    },
}

/// Why a response was not sent, in Serf's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RespondError {
    /// Longer than `Limits::query_response`, encoded.
    #[error("response exceeds limit of {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// There is one response to a query.
    #[error("response already sent")]
    AlreadySent,
    /// Nobody waits any more; or the query was never heard of.
    #[error("response is past the deadline")]
    PastDeadline,
}

/// Everything about queries that is not a message.
#[derive(Debug)]
pub(crate) struct Queries {
    pub(crate) heard: Window<u32>,
    pub(crate) asked: Asked,
    pub(crate) pending: Pending,
    pub(crate) rng: fastrand::Rng,
}

impl Queries {
    /// None yet.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            heard: Window::new(WINDOW_MAX),
            asked: Asked::default(),
            pending: Pending::default(),
            // swim draws from the same seed; the two must not draw the same numbers.
            rng: fastrand::Rng::with_seed(seed ^ 0x7175_6572_7921),
        }
    }
}

/// How long a query waits by default in a cluster where so many are alive or suspected (serf.go, DefaultQueryTimeout):
/// gossip needs a round for each tenfold of members, and the answers some more.
pub(crate) fn default_timeout(gossip_interval: Duration, present: usize) -> Duration {
    // ceil(log10(n + 1)) is the number of decimal digits of n.
    let digits = present.checked_ilog10().map_or(0, |log| log + 1);
    gossip_interval * TIMEOUT_MULT * digits
}

/// Whether an encoded response is within what we send.
pub(crate) fn check_response(limits: &Limits, encoded: &[u8]) -> Result<(), RespondError> {
    let limit = limits.query_response;
    if encoded.len() > limit { Err(RespondError::TooLong { limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_timeout_is_serfs() {
        let seconds = |present| default_timeout(Duration::from_millis(200), present).as_secs_f64();
        let measured = [1, 9, 10, 99, 100, 1000].map(seconds);
        assert_eq!(measured, [3.2, 3.2, 6.4, 6.4, 9.6, 12.8]);
    }
}
