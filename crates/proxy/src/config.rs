//! What the proxy needs to know, already checked.

use crate::access::AccessLog;
use crate::bind::Listen;
use crate::check::Check;
use crate::service::Protocol;
use crate::stats::Stats;
use crate::tls::Tls;
use muster_balance::{Policy, Traits};
use muster_fleet::{Network, Picture, Rules};
use muster_routes::{Page, Plan};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Everything `muster proxy` was told by flags, environment and files.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where clients come.
    pub listen: Vec<Listen>,
    /// Who may say whose a connection is, where `listen` has `proxy-protocol`; anybody if it is empty. Others are clients themselves.
    pub proxy_protocol_from: Vec<Network>,
    /// How backends are told whose a connection is. Then none is shared, and each request has its own.
    pub send_proxy_protocol: Option<muster_proxy_header::Version>,
    /// For listeners with `tls`.
    pub tls: Tls,
    /// Longest time from a client's connection to its first request, less that request.
    pub handshake_timeout: Duration,
    /// How its backends are chosen.
    pub policy: Policy,
    /// The service that gets the requests; all of them unless there is a `routing`.
    pub service: String,
    /// Several services, and which gets what.
    pub routing: Option<Routing>,
    /// Control socket of this node's agent.
    pub socket: PathBuf,
    /// What the backends of `service` speak.
    pub upstream_protocol: Protocol,
    /// Longest wait for a TCP connection to a backend.
    pub connect_timeout: Duration,
    /// Longest wait for a response head.
    pub response_timeout: Duration,
    /// How long nothing of a response that began may come.
    pub stall_timeout: Duration,
    /// How long an idle connection to a client or backend is kept.
    pub idle_timeout: Duration,
    /// How long nothing may move on a connection in TCP mode.
    pub tcp_idle_timeout: Duration,
    /// Idle connections kept per backend.
    pub idle_max: usize,
    /// How long requests in flight may go on after a stop signal.
    pub drain_timeout: Duration,
    /// How requests are logged; not at all if it is empty.
    pub access_logs: Vec<AccessLog>,
    /// Follow an agent that gossips in plaintext beyond loopback.
    pub plaintext: bool,
    /// Who may serve which service; the agent must draw those that we serve by the same rules.
    pub rules: Rules,
    /// What HAProxy's tools find, if they find anything.
    pub stats: Option<Stats>,
}

/// Several services behind rules.
#[derive(Clone, Debug)]
pub struct Routing {
    /// Which request goes where; [`Listen::frontend`] counts in its frontends.
    pub plan: Arc<Plan>,
    /// The plan's services.
    pub services: BTreeMap<String, ServiceConfig>,
    /// Backends that are written down. No agent is asked for their services, and none is followed where all are here.
    pub fixed: Option<Fixed>,
    /// Backends are told of clients as without rules (`X-Forwarded-For` and its like), and what the rules say beside that; else what
    /// the rules say, and nothing else.
    pub tells_of_clients: bool,
}

/// One service of several.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceConfig {
    /// How its backends are chosen.
    pub policy: Policy,
    /// What its backends speak.
    pub protocol: Protocol,
    /// Longest wait for a TCP connection to a backend.
    pub connect_timeout: Duration,
    /// Longest wait for a response head.
    pub response_timeout: Duration,
    /// How long nothing of a response that began may come.
    pub stall_timeout: Duration,
    /// How its backends are asked whether they are well, as often as `policy.checks` says; `None`: not at all.
    pub check: Option<Check>,
    /// When it is closed, and what its clients are told then.
    pub maintenance: Option<Maintenance>,
}

/// A service that is closed for a while. In TCP mode its clients' connections are closed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Maintenance {
    /// It is.
    pub now: bool,
    /// It is as long as this file exists, which is looked for every second.
    pub file: Option<PathBuf>,
    /// What its clients get.
    pub page: Page,
}

/// Backends that no agent draws.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fixed {
    /// All of them.
    pub picture: Picture,
    /// What else is said of some, by service and name.
    pub traits: Vec<(String, String, Traits)>,
}
