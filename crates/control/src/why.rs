//! Why a member is taken for what it is, in JSON: `GET /api/v1/why?node=NAME`.
//!
//! Times are milliseconds before the answer was made, since clocks of hosts differ and a person asks "how long ago".

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What one node knows for and against a member.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Why {
    /// The member asked about.
    pub node: String,
    /// The node that answers.
    pub observer: String,
    /// How it stands; none when it was forgotten.
    pub member: Option<Standing>,
    /// While it is suspected: in how many milliseconds it counts as failed.
    pub failed_in_ms: Option<u64>,
    /// What was heard about it, oldest first; none if it was never accused.
    pub findings: Vec<Finding>,
    /// Microseconds that the answers to the latest direct pings took, oldest first.
    pub round_trips_us: Vec<u64>,
    /// Which of its claims to serve something the observer does not believe, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<String>,
    /// The observer's own health score: 0 is healthy, [`HEALTH_SCORE_MAX`] is worst.
    pub health_score: u32,
}

/// The worst health score.
pub const HEALTH_SCORE_MAX: u32 = 7;

/// How a member stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Standing {
    /// alive, leaving, left, failed.
    pub status: String,
    /// For how long.
    pub since_ms: u64,
    /// Its gossip address.
    #[cfg_attr(test, schema(value_type = String))]
    pub addr: SocketAddr,
}

/// One thing heard or found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Finding {
    /// How long ago.
    pub ago_ms: u64,
    /// What.
    pub verdict: Verdict,
    /// Who says so.
    pub by: String,
    /// The life of the member that it is about.
    pub incarnation: u32,
    /// How the observer knows.
    pub way: Way,
    /// The observer's health score at that time.
    pub health_score: u32,
}

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is suspected of being dead.
    Suspected,
    /// It is dead.
    FoundDead,
    /// It lives after all.
    Refuted,
}

/// How the observer knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Way {
    /// Its own probe was answered by no way.
    Probe {
        /// Members asked to ping for it.
        relays: Vec<String>,
        /// How many of them said that they heard nothing either.
        nacks: u32,
        /// What came of a ping by TCP; none if the member is too old to answer one.
        tcp: Option<String>,
    },
    /// Its own suspicion ran out.
    TimeUp,
    /// A datagram told it.
    Gossip {
        /// Its sender.
        #[cfg_attr(test, schema(value_type = String))]
        from: SocketAddr,
        /// The member at that address.
        teller: Option<String>,
    },
    /// A push/pull showed it.
    Exchange {
        /// The other end.
        #[cfg_attr(test, schema(value_type = String))]
        with: SocketAddr,
        /// The member at that address.
        teller: Option<String>,
    },
    /// The member said so itself.
    OwnWord,
}
