//! Members, services and backends at one instant, as plain data.
//!
//! A [`Picture`] is immutable and has an epoch (one life of the agent that drew it) and a version. Sources become a
//! picture here; sinks take whole pictures. Nothing here has a clock or does I/O.
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod claim;
pub mod damping;
mod delta;
mod drained;
mod draw;
mod follow;
mod picture;
mod report;
mod rule;
mod terms;
#[cfg(test)]
mod testing;
mod traffic;

pub use claim::{
    SERVICE_NAME_BYTES_MAX, SERVICES_PER_MEMBER_MAX, WEIGHT_DEFAULT, WEIGHT_MAX, check_service_name, offered,
};
pub use damping::Damping;
pub use delta::{Delta, Update};
pub use drained::{has_let_go, is_withdrawn};
pub use draw::{BACKENDS_MAX, DrawOptions, NODE_NAME_BYTES_MAX, REFUSALS_MAX, Refusal, draw};
pub use follow::{Follower, Gap};
pub use picture::{Backend, Member, Phase, Picture, Service, Standing, Status};
pub use report::{BackendReport, Report};
pub use rule::{Network, Ports, RULE_ENTRIES_MAX, Rule, Rules};
pub use terms::{Gossip, Terms};
pub use traffic::{Bucket, SERVICE_REPORTS_MAX, ServiceReport};
