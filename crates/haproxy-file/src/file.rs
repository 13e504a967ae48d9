//! What a file says.

use crate::backend::Backend;
use crate::global::Global;
use crate::log::{Log, LogFormat};
use crate::settings::Connections;
use crate::stats::StatsPage;
use alloc::string::String;
use alloc::vec::Vec;
use muster_routes::Plan;

/// A configuration, read and checked.
#[derive(Clone, PartialEq, Debug)]
pub struct File {
    /// What concerns the whole process.
    pub global: Global,
    /// What becomes of requests.
    pub plan: Plan,
    /// More of the plan's frontends, in their order.
    pub fronts: Vec<Front>,
    /// The plan's services, in the order of the file.
    pub backends: Vec<Backend>,
    /// Both, in the order of the file.
    pub sections: Vec<Section>,
}

/// A `frontend`, `backend` or `listen`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Which of the plan's frontends it is.
    pub front: Option<usize>,
    /// Which of the backends it is.
    pub backend: Option<usize>,
}

/// What a frontend has beside its part of the plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Front {
    /// Its name.
    pub name: String,
    /// Where it logs; `log global` is resolved.
    pub logs: Vec<Log>,
    /// What it logs of each request.
    pub log_format: LogFormat,
    /// What is tagged in its lines of syslog, if not as the whole process is.
    pub log_tag: Option<String>,
    /// Connections on which nothing came are not logged.
    pub skips_silent: bool,
    /// Only what failed is logged.
    pub skips_normal: bool,
    /// Failures are logged at another level.
    pub separates_errors: bool,
    /// What becomes of a client's connection after a request.
    pub connections: Connections,
    /// Idle clients keep their connection when the balancer stops, until their next request is answered.
    pub closes_idle_on_response: bool,
    /// The page of statistics.
    pub stats: Option<StatsPage>,
}
