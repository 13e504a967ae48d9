//! The membership agent: gossip on a thread of its own, joining, the control socket, the picture.
//!
//! It does the I/O and decides nothing: membership is decided in `muster_serf`, the picture is drawn in `muster_fleet`.
//!
//! ```text
//!  gossip thread                          control thread (the caller of `run`)
//!  sockets -> gossip -> muster_serf       join    seeds, names, pauses
//!    ^  |        |                        fleet   members -> picture -> followers
//!    |  v        |  changed members       server  the control socket
//!  streams       +--------> roster -----> rpc     Serf's RPC
//!                           hub --------> handlers  programs and webhooks
//!                <--------- commands      run     start, signals, leave
//! ```
//!
//! What must outlive the agent is in files: own tags (`tags_file`), keys (`keyring_file`), members and clocks (`snapshot`).
//! The gossip thread waits for nobody: what it tells is kept per member until the other thread looks. What leaves through
//! its sockets is sealed with the cluster's keys, if there are any, and what comes in is opened (`sealer`, `keys`).

mod advertise;
mod cgroup;
mod chronicle;
mod clock;
mod complaints;
mod config;
mod discover;
mod drain;
mod ends;
mod error;
mod exposure;
mod facts;
mod fleet;
mod gossip;
mod handlers;
mod hub;
pub mod inherited;
mod interfaces;
mod join;
mod key_manager;
mod key_queries;
mod keyring_file;
mod keys;
mod limits;
mod logbook;
mod member_filter;
mod metrics;
mod own_tags;
mod pace;
mod plain;
mod process;
mod random;
mod readiness;
mod rejoin;
mod reload;
mod reports;
mod resolve;
mod roster;
mod rpc;
mod run;
mod schedule;
mod sealer;
mod seed;
mod seek;
mod server;
mod shared;
mod signals;
mod snapshot;
mod sockets;
mod stage;
mod streams;
mod supervised;
mod tags_file;
mod telemetry;
pub mod templates;
mod throttle;

pub use config::{Advertise, Config, ProfileName, RpcConfig};
pub use discover::Discover;
pub use error::Error;
pub use handlers::{
    Action, CONCURRENCY_MAX as HANDLER_CONCURRENCY_MAX, HANDLERS_MAX, HandlerConfig, HandlerError, NotAdded,
    QUEUE_MAX as HANDLER_QUEUE_MAX, WebhookUrl,
};
pub use interfaces::bind_on;
pub use keys::{KeySource, Keys, KeysError};
pub use logbook::{LogBook, LogLevel, LogLine};
pub use metrics::Collector;
pub use muster_events::{FilterError, Filters};
pub use muster_history::Settings as HistorySettings;
pub use own_tags::{TAGS_BYTES_ADVISED, tags_note};
pub use reload::{Reload, Reloaded};
pub use resolve::addresses_of;
pub use run::run;
pub use seed::check_seed;
pub use snapshot::SnapshotOptions;
pub use stage::{Stage, Stages};
pub use tags_file::{TagsFile, TagsFileError};

/// Why the agent ended in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// `leave` on the control socket, or a signal.
    Left,
    /// A second signal, or the leave took too long: others will find us failed.
    Hurried,
    /// A signal that was to end the agent without a leave: others will find us failed.
    Stopped,
}
