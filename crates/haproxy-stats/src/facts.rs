//! What is known of a balancer at one instant.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

/// Everything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// The process.
    pub process: Process,
    /// What it serves, in the order of its configuration.
    pub proxies: Vec<Proxy>,
}

impl Facts {
    /// The number of HAProxy for the first proxy: 1 is its own socket's.
    pub(crate) const FIRST_ID: usize = 2;

    /// The proxies with their numbers.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (usize, &Proxy)> {
        self.proxies.iter().enumerate().map(|(at, proxy)| (at + Self::FIRST_ID, proxy))
    }
}

/// The process.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Process {
    /// Of Muster, such as `0.1.0`.
    pub version: String,
    /// Its id.
    pub pid: u32,
    /// How long it has run.
    pub uptime: Duration,
    /// When it started, in seconds since 1970.
    pub started_s: u64,
    /// Files that it may open.
    pub descriptors_max: Option<u64>,
    /// Clients that it takes at the same time.
    pub clients_max: u64,
    /// Clients now.
    pub clients: u64,
    /// Clients and requests since the start.
    pub clients_total: Option<u64>,
    /// Requests since the start.
    pub requests_total: Option<u64>,
    /// Bytes sent to clients since the start.
    pub bytes_out: Option<u64>,
    /// Tasks of its event loop, and those that wait for their turn.
    pub tasks: Option<(u64, u64)>,
    /// Sockets that are listened on.
    pub listeners: u64,
    /// The host's name.
    pub node: String,
    /// It takes no new clients.
    pub is_stopping: bool,
}

/// A section of the configuration: clients come to it, or servers are behind it, or both.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proxy {
    /// Its name.
    pub name: String,
    /// What is spoken.
    pub mode: Mode,
    /// Clients come to it.
    pub front: Option<Front>,
    /// It has servers.
    pub backend: Option<Backend>,
}

/// What is spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// HTTP.
    Http,
    /// Anything.
    Tcp,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tcp => "tcp",
        }
    }
}

/// Where clients come.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Front {
    /// Clients that it takes at the same time.
    pub clients_max: u64,
    /// It takes none for now.
    pub is_paused: bool,
    /// What was counted.
    pub counters: Counters,
}

/// Servers of one service.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Backend {
    /// How one of them is chosen, in HAProxy's word.
    pub algorithm: String,
    /// In the order of the configuration.
    pub servers: Vec<Server>,
    /// The configuration says which there are: with none it is no service, and not one that is down.
    pub is_fixed: bool,
    /// What was counted.
    pub counters: Counters,
}

/// One server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// Where it is; `None` while nobody knows.
    pub addr: Option<SocketAddr>,
    /// The configuration says where; else it comes by gossip.
    pub is_fixed: bool,
    /// The weight in use.
    pub weight: u16,
    /// That of the configuration.
    pub weight_initial: u16,
    /// It serves when no other does.
    pub is_backup: bool,
    /// What an operator said.
    pub state: State,
    /// The configuration put it into maintenance.
    pub is_disabled: bool,
    /// What was seen of it.
    pub health: Health,
    /// Why it is down, in words.
    pub why: Option<String>,
    /// Requests at the same time.
    pub requests_max: Option<u32>,
    /// What the last check of it found.
    pub check: Option<Check>,
    /// Connections without a request on them.
    pub idle: Option<u64>,
    /// What was counted.
    pub counters: Counters,
}

impl Server {
    /// It may get requests that are new to it.
    pub(crate) fn is_usable(&self) -> bool {
        self.state == State::Ready && self.health != Health::Down && self.weight > 0
    }

    /// It answers, as far as anybody knows.
    pub(crate) fn is_up(&self) -> bool {
        self.state != State::Maintenance && self.health != Health::Down
    }

    /// HAProxy's words for it (management guide, 9.1, `status`).
    pub(crate) fn status(&self) -> &'static str {
        match (self.state, self.health) {
            (State::Maintenance, _) => "MAINT",
            (_, Health::Down) => "DOWN",
            (State::Drain, _) => "DRAIN",
            (State::Ready, Health::Up) => "UP",
            (State::Ready, Health::Unchecked) => "no check",
        }
    }
}

/// What an operator says of a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum State {
    /// Nothing.
    #[default]
    Ready,
    /// No new clients; those that stick to it still come.
    Drain,
    /// Nobody.
    Maintenance,
}

/// What was seen of a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Health {
    /// Nobody asks it, and requests saw nothing bad.
    #[default]
    Unchecked,
    /// It answers.
    Up,
    /// It does not.
    Down,
}

/// A check, as it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Check {
    /// In HAProxy's word, such as `L7OK` (management guide, 9.1, `check_status`).
    pub word: &'static str,
    /// The status of the answer, if there was one.
    pub code: Option<u16>,
    /// How long it took, in ms.
    pub took_ms: u64,
}

impl Check {
    /// HAProxy's description of its word (`check_desc`).
    pub(crate) fn description(self) -> &'static str {
        match self.word {
            "L4OK" => "Layer4 check passed",
            "L4CON" => "Layer4 connection problem",
            "L4TOUT" => "Layer4 timeout",
            "L7OK" => "Layer7 check passed",
            "L7TOUT" => "Layer7 timeout",
            "L7RSP" => "Layer7 invalid response",
            "L7STS" => "Layer7 wrong status",
            _ => "",
        }
    }
}

/// What was counted since the start, or since somebody cleared it. `None`: nobody counts it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Sessions now: connections of a frontend, requests on servers.
    pub current: Option<u64>,
    /// Most at the same time.
    pub current_max: Option<u64>,
    /// All.
    pub total: Option<u64>,
    /// Requests that wait, and the most that did.
    pub queued: Option<(u64, u64)>,
    /// From clients.
    pub bytes_in: Option<u64>,
    /// To clients.
    pub bytes_out: Option<u64>,
    /// Requests that rules refused.
    pub denied: Option<u64>,
    /// Answers that rules refused.
    pub denied_answers: Option<u64>,
    /// Requests that were none.
    pub bad_requests: Option<u64>,
    /// Connections that could not be opened.
    pub connect_errors: Option<u64>,
    /// Answers that failed.
    pub answer_errors: Option<u64>,
    /// Attempts that were made again.
    pub retries: Option<u64>,
    /// Attempts that were made again elsewhere.
    pub redispatches: Option<u64>,
    /// Times that it was chosen.
    pub chosen: Option<u64>,
    /// Requests of HTTP.
    pub requests: Option<u64>,
    /// Requests answered here and not by a server.
    pub intercepted: Option<u64>,
    /// Answers by class, 1xx to 5xx, and all others.
    pub answers: Option<[u64; 6]>,
    /// Sessions a second, now and at most.
    pub rate: Option<(u64, u64)>,
    /// Requests a second, now and at most.
    pub request_rate: Option<(u64, u64)>,
    /// Clients that broke off.
    pub client_aborts: Option<u64>,
    /// Servers that did.
    pub server_aborts: Option<u64>,
    /// New connections to servers.
    pub connections: Option<u64>,
    /// Requests on connections that were there already.
    pub reused: Option<u64>,
    /// Mean times in ms of late: in the queue, for a connection, for an answer, altogether.
    pub times_ms: Option<[u64; 4]>,
    /// The longest of them.
    pub times_max_ms: Option<[u64; 4]>,
    /// Seconds since it last changed between up and down.
    pub changed_s: Option<u64>,
    /// Seconds since its last request.
    pub last_s: Option<u64>,
    /// How often it went down.
    pub downs: Option<u64>,
    /// Seconds that it was.
    pub down_s: Option<u64>,
    /// Checks that failed.
    pub checks_failed: Option<u64>,
}

/// Which line of `show stat`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `FRONTEND`.
    Front,
    /// `BACKEND`.
    Backend,
    /// A server.
    Server,
}

/// What was named and is not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// The backend.
    Backend,
    /// The server in it.
    Server,
}
