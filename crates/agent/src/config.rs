//! What the agent needs to know, already checked.

use crate::inherited::Inherited;
use crate::templates::TemplatesConfig;
use crate::{Collector, Discover, HandlerConfig, KeySource, LogBook, Reload, SnapshotOptions, Stages};
use muster_fleet::Rules;
use muster_serf::{Limits, Memory};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Everything `muster agent` was told by flags, environment and files.
#[derive(Clone, Debug)]
pub struct Config {
    /// Node name.
    pub node: String,
    /// Gossip listening address, UDP and TCP.
    pub bind: SocketAddr,
    /// Name of the interface to gossip on: see [`bind_on`](crate::bind_on).
    pub interface: Option<String>,
    /// What to tell others; `None` chooses the source address towards the first seed that answers.
    pub advertise: Option<Advertise>,
    /// Seeds as typed: `host`, `host:port` or `name/host:port`. Tried until one answers, names resolved again each time.
    pub join: Vec<String>,
    /// All `join` seeds must be tried once before the agent runs, and none answering is fatal (Serf's `-join`).
    pub join_strict: bool,
    /// Seeds of which one must answer before the agent runs, whatever `join` says (Serf's `-join` beside `-retry-join`).
    pub start_join: Vec<String>,
    /// Handlers are shown the user events from before our first join.
    pub replay_on_join: bool,
    /// First pause between rounds of joining (Serf's `-retry-interval`). Later ones are a tenth of the time waited, with
    /// jitter, up to 30 s; or always this one, if it is longer.
    pub retry_interval: Duration,
    /// Rounds of joining before giving up with an error; 0 means never.
    pub retry_max: u32,
    /// Whom to find by multicast DNS.
    pub discover: Option<Discover>,
    /// Who is sent what is counted.
    pub collectors: Vec<Collector>,
    /// Own tags.
    pub tags: BTreeMap<String, String>,
    /// Where the tags are kept over restarts; they then come from there, and `tags` is not looked at.
    pub tags_file: Option<PathBuf>,
    /// Timing profile.
    pub profile: ProfileName,
    /// Serf protocol spoken.
    pub protocol: u8,
    /// Compress gossip that gets smaller by it.
    pub compress: bool,
    /// How long a leave waits until the others were told (Serf's `broadcast_timeout`).
    pub broadcast_timeout: Duration,
    /// How long user events, queries and answers of ours may be.
    pub limits: Limits,
    /// How long the gone are remembered.
    pub memory: Memory,
    /// Who has our name is asked when another claims it (Serf: not `disable_name_resolution`).
    pub resolves_names: bool,
    /// The cluster's gossip keys; `None` sends and takes plaintext.
    pub keys: Option<KeySource>,
    /// Where members and clocks are remembered over a restart.
    pub snapshot: Option<SnapshotOptions>,
    /// Where and for how long the history is kept.
    pub history: muster_history::Settings,
    /// Serf's RPC; `None` serves none.
    pub rpc: Option<RpcConfig>,
    /// Where metrics and health are served over TCP, if anywhere.
    pub admin: Option<SocketAddr>,
    /// Path of the control socket; an empty one means that there is none.
    pub socket: PathBuf,
    /// Port of a member that has a role and no `port` tag.
    pub default_port: u16,
    /// Which members may serve which service, for all sinks of this node.
    pub rules: Rules,
    /// How long a leave may take before the agent exits all the same.
    pub leave_timeout: Duration,
    /// What to do when something happens.
    pub handlers: Vec<HandlerConfig>,
    /// Files to make whenever the fleet changes.
    pub templates: Vec<TemplatesConfig>,
    /// Variables of the environment that hold secrets: no handler gets them.
    pub withheld: Vec<String>,
    /// Leave the cluster when TERM comes; else end at once.
    pub leave_on_terminate: bool,
    /// End at once when INT comes; else leave the cluster.
    pub skip_leave_on_interrupt: bool,
    /// This agent is one of ours to others, and not to be taken for plain Serf.
    pub contract: bool,
    /// What PID 1 handed down, if it runs this agent.
    pub inherited: Inherited,
    /// Who is told how far the agent is.
    pub stages: Stages,
    /// Reads the configuration again.
    pub reload: Reload,
    /// The log of this process, for those who ask for it.
    pub log: LogBook,
}

/// Where and for whom Serf's RPC is served. Shown without the token.
#[derive(Clone, PartialEq, Eq)]
pub struct RpcConfig {
    /// Listening address.
    pub addr: SocketAddr,
    /// Somebody configured it. The usual address, which nobody asked for, may be taken; then there is no RPC.
    pub asked: bool,
    /// The token that clients must give; empty if they need none.
    pub auth: String,
}

impl fmt::Debug for RpcConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let auth = if self.auth.is_empty() { "none" } else { "not shown" };
        write!(f, "RpcConfig {{ addr: {}, asked: {}, auth: {auth} }}", self.addr, self.asked)
    }
}

/// An advertised address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Advertise {
    /// Address.
    pub ip: IpAddr,
    /// Port; as in Serf 7946 when not given, even when bound elsewhere.
    pub port: u16,
}

/// memberlist's timing profiles.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs, reason = "Serf's own words")]
pub enum ProfileName {
    #[default]
    Lan,
    Wan,
    Local,
}

impl ProfileName {
    /// Serf's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lan => "lan",
            Self::Wan => "wan",
            Self::Local => "local",
        }
    }
}
