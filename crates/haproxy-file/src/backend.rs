//! Where requests go, as a file says it.

use crate::check::Check;
use crate::cookie::Cookie;
use crate::server::Server;
use crate::settings::Connections;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use muster_routes::{Mode, Place};

/// A service whose servers are written down. What happens to its requests on the way is in the plan, under the same name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Backend {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub place: Place,
    /// What is spoken with its servers.
    pub mode: Mode,
    /// How one of them is chosen.
    pub balance: Balance,
    /// The servers, in the order of the file.
    pub servers: Vec<Server>,
    /// How those with `check` are checked.
    pub check: Check,
    /// How a client stays with its server.
    pub cookie: Option<Cookie>,
    /// How often a connection that could not be opened is tried again.
    pub retries: u32,
    /// The last tries may go to another server.
    pub redispatch: bool,
    /// A request whose client is gone is given up while it waits.
    pub abort_on_close: bool,
    /// All backups serve, and not the first of them alone.
    pub all_backups: bool,
    /// Each turn of a check is logged.
    pub log_checks: bool,
    /// What becomes of a connection after a request.
    pub connections: Connections,
    /// How long it waits.
    pub timeouts: BackendTimeouts,
}

/// How a server is chosen (configuration manual, `balance`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Balance {
    /// One after the other, by weight.
    #[default]
    RoundRobin,
    /// The one with the fewest requests, by weight.
    LeastConnections,
    /// The better of so many taken at random.
    Random(u32),
    /// By the client's address.
    Source,
    /// By what is asked for, without the query.
    Uri,
}

/// How long a backend waits; where nothing is said, the proxy's own bounds hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BackendTimeouts {
    /// For a connection.
    pub connect: Option<Duration>,
    /// For a server that should send or read.
    pub server: Option<Duration>,
    /// For a free place on a server.
    pub queue: Option<Duration>,
    /// For the answer of a check.
    pub check: Option<Duration>,
    /// For a tunnel in which nothing moves.
    pub tunnel: Option<Duration>,
    /// For a server that has closed its half.
    pub server_fin: Option<Duration>,
}
