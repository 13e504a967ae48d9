//! The data plane: listeners, upstream pools, HTTP/1.1 forwarding.
//!
//! It does the I/O and decides nothing: every choice is made by `muster_balance`. One thread, one event loop.
//!
//! ```text
//! listen --> serve --> forward --> attempt --> upstream        follow: pictures of the agent -> plane
//! (accept)   (one      (one        (one        (one            report: accounts -> agent
//!             client)   request)    backend)    connection)    trial:  connections the balancer wants tried, and
//!                                                                      checks (checking, check)
//!                          |            |`--> pool (idle ones)
//!                          |            `--> exchange (both directions at once)
//!                          `--> relay, tunnel (the response back), pages (answers of our own)
//! ```
//!
//! `inherited` is what whoever started us holds for us: listening sockets, and a file for `last_picture`.
//!
//! To a backend that speaks HTTP/2, `upstream::shared` has connections for many requests, and `upstream::h2c` makes each look like a
//! connection of HTTP/1.1.
//! `stats` is what tools of HAProxy ask. `story` remembers what becomes of a request, and tells those who count it (`counters`) and
//! log it (`access`).
//!
//! `plane` is what all of them share. What HTTP/1.1 means is decided by `muster_http1`; `front` is the border to what a client
//! speaks: `front::http1` and `front::http2`; what HTTP/2 says is put into HTTP/1.1's words for all behind it (`http2`). `buffer` and `alarm` are what keeps a request cheap.

mod access;
mod alarm;
mod aside;
mod attempt;
mod bind;
mod bounds;
mod buffer;
mod check;
mod checking;
mod client;
mod config;
mod counters;
mod door;
mod edit;
mod end;
mod error;
mod exchange;
mod follow;
mod forward;
mod front;
mod http2;
mod inherited;
mod last_picture;
mod lease;
mod listen;
mod maintenance;
mod own;
mod pages;
mod plane;
mod pool;
mod preface;
mod proxy;
mod redirect;
mod relay;
mod reload;
mod report;
mod route;
mod routes;
mod run;
mod serve;
mod service;
mod stats;
mod story;
mod stream;
mod tcp;
mod tls;
mod trial;
mod trust;
mod tunnel;
mod upload;
mod upstream;
mod wait;

pub use access::{AccessLog, Place as LogPlace};
pub use bind::{At, Listen, address};
pub use check::{Check, CheckExpect, CheckHost, HttpCheck, Question as CheckQuestion};
pub use config::{Config, Fixed, Maintenance, Routing, ServiceConfig};
pub use counters::Counts;
pub use error::Error;
pub use inherited::is_handed_over;
pub use muster_access_log::{Envelope, EnvelopeKind, Form as LogForm};
pub use muster_balance::{Algorithm, Checks, Guard, Outliers, Policy, Stickiness, Traits};
pub use muster_haproxy_stats::{Level as StatsLevel, Mode as ShownMode, PageSettings as StatsPage};
pub use muster_proxy_header::Version as ProxyProtocol;
pub use muster_tally::Tally;
pub use proxy::Proxy;
pub use run::{Reload, run};
pub use service::Protocol;
pub use stats::{Shown, ShownBackend, Stats, StatsSocket};
pub use tls::{Found as FoundCertificates, Tls, load as load_certificates};
pub use trust::Distrust;
