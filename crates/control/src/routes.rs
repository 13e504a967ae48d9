//! Paths and bodies of the control socket, `/api/v1`.
//!
//! | method and path | request | response |
//! |---|---|---|
//! | GET [`MEMBERS`] | query: [`MembersQuery`] | [`Members`] |
//! | POST [`JOIN`] | [`JoinRequest`] | [`JoinResponse`] |
//! | POST [`LEAVE`] | - | 204 once left; the agent then exits |
//! | POST [`FORCE_LEAVE`] | [`ForceLeaveRequest`] | 204 |
//! | POST [`TAGS`] | [`TagsRequest`] | [`TagsResponse`] |
//! | POST [`EVENTS`] | [`EventRequest`] | 204 |
//! | GET [`EVENTS_STREAM`] | query: [`StreamQuery`] | server-sent events, for ever: [`StreamEvent`] |
//! | POST [`QUERIES`] | [`QueryRequest`] | lines of [`QueryLine`], until nobody's answer counts any more |
//! | GET [`KEYS`] | - | lines of [`KeyLine`] |
//! | POST [`KEYS`] | [`KeysRequest`] | lines of [`KeyLine`] |
//! | GET [`RTT`] | query: [`RttQuery`] | [`Rtt`] |
//! | GET [`REACHABILITY`] | - | lines of [`ReachabilityLine`] |
//! | GET [`LOG`] | query: [`LogQuery`] | lines of [`LogRecord`], for ever |
//! | GET [`WHY`] | query: [`WhyQuery`] | [`Why`](crate::why::Why) |
//! | GET [`HISTORY`] | query: [`HistoryQuery`](crate::history::HistoryQuery) | [`History`](crate::history::History) |
//! | GET [`HANDLERS`] | - | [`Handlers`](crate::handlers::Handlers) |
//! | POST [`HANDLERS_ADD`] | [`AddHandler`](crate::handlers::AddHandler) | 204 |
//! | POST [`HANDLERS_REMOVE`] | [`RemoveHandler`](crate::handlers::RemoveHandler) | 204 |
//! | GET [`TEMPLATES`] | - | [`Templates`](crate::templates::Templates) |
//! | GET [`HEALTH`] | - | [`Health`](crate::health::Health) |
//! | GET [`INFO`] | - | [`Info`] |
//! | GET [`FLEET`] | - | [`muster_fleet::Picture`] |
//! | GET [`FLEET_FOLLOW`] | - | lines of [`muster_fleet::Update`], for ever |
//! | POST [`FLEET_REPORT`] | [`muster_fleet::Report`] | 204 |
//! | GET [`FLEET_REPORTS`] | - | `[Report]`: the last one of every sink |
//! | GET [`OPENAPI`] | - | this table, for programs: [`openapi`](crate::openapi) |
//!
//! Beside them, outside `/api/v1` and not JSON: GET [`METRICS`], and for health checks [`LIVEZ`] (the agent answers), [`READYZ`]
//! (it knows the whole cluster and is not about to end) and [`HEALTHZ`] (nothing is wrong): 200 or 503, with a line for each check.
//!
//! Errors are [`Problem`] (RFC 9457, `application/problem+json`).

mod about;
mod cluster;
mod events;
mod keys;
mod log;
mod members;
mod nearness;
mod payload;
mod problem;
mod queries;
mod query_string;

pub use about::*;
pub use cluster::*;
pub use events::*;
pub use keys::*;
pub use log::*;
pub use members::*;
pub use nearness::*;
pub use payload::*;
pub use problem::*;
pub use queries::*;
pub(crate) use query_string::QueryString;

#[allow(missing_docs, reason = "the table above")]
mod paths {
    pub const MEMBERS: &str = "/api/v1/members";
    pub const JOIN: &str = "/api/v1/join";
    pub const LEAVE: &str = "/api/v1/leave";
    pub const FORCE_LEAVE: &str = "/api/v1/force-leave";
    pub const TAGS: &str = "/api/v1/tags";
    pub const EVENTS: &str = "/api/v1/events";
    pub const EVENTS_STREAM: &str = "/api/v1/events/stream";
    pub const QUERIES: &str = "/api/v1/queries";
    pub const KEYS: &str = "/api/v1/keys";
    pub const RTT: &str = "/api/v1/rtt";
    pub const REACHABILITY: &str = "/api/v1/reachability";
    pub const LOG: &str = "/api/v1/log";
    pub const WHY: &str = "/api/v1/why";
    pub const HISTORY: &str = "/api/v1/history";
    pub const HANDLERS: &str = "/api/v1/handlers";
    pub const HANDLERS_ADD: &str = "/api/v1/handlers/add";
    pub const HANDLERS_REMOVE: &str = "/api/v1/handlers/remove";
    pub const TEMPLATES: &str = "/api/v1/templates";
    pub const HEALTH: &str = "/api/v1/health";
    pub const INFO: &str = "/api/v1/info";
    pub const FLEET: &str = "/api/v1/fleet";
    pub const FLEET_FOLLOW: &str = "/api/v1/fleet/follow";
    pub const FLEET_REPORT: &str = "/api/v1/fleet/report";
    pub const FLEET_REPORTS: &str = "/api/v1/fleet/reports";
    pub const OPENAPI: &str = "/api/v1/openapi.json";
    pub const METRICS: &str = "/metrics";
    pub const LIVEZ: &str = "/livez";
    pub const READYZ: &str = "/readyz";
    pub const HEALTHZ: &str = "/healthz";
}
pub use paths::*;
