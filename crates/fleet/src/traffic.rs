//! What a sink counted of one service's requests since it started, as it tells the agent.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Services of one sink that are told of; those beyond are left out, by name.
pub const SERVICE_REPORTS_MAX: usize = 100;

/// One service's part of a report.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ServiceReport {
    /// Name of the service.
    pub service: String,
    /// Requests, or connections in TCP mode, in progress.
    pub sessions: u32,
    /// The most of them at the same time.
    pub sessions_max: u32,
    /// All that began.
    pub sessions_total: u64,
    /// Requests that wait for a place.
    pub queued: u32,
    /// Requests that ended with a status of 100 to 199, and so on to 599; the last of all others.
    pub statuses: Vec<u64>,
    /// Bytes from clients.
    pub bytes_in: u64,
    /// Bytes to clients.
    pub bytes_out: u64,
    /// Requests for which no backend could be reached, or none was there.
    pub connect_errors: u64,
    /// Requests that a backend had and gave no response to.
    pub response_errors: u64,
    /// Responses that could not be passed on.
    pub bad_responses: u64,
    /// Backends that ended in the middle of a response.
    pub server_aborts: u64,
    /// Clients that went away or fell silent.
    pub client_aborts: u64,
    /// Attempts after the first.
    pub retries: u64,
    /// How many requests took how long, each counted once.
    pub durations: Vec<Bucket>,
    /// All their times together, in microseconds.
    pub duration_sum_us: u64,
}

/// Times of about the same length.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Bucket {
    /// Longest time in it, in microseconds; absent: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub le_us: Option<u64>,
    /// How many there were that no shorter bucket has.
    pub count: u64,
}
