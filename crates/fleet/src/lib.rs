//! Members, services and backends at one instant, as plain data.
//!
//! A [`Picture`] is immutable and has an epoch (one life of the agent that drew it) and a version. Sources become a
//! picture here; sinks take whole pictures. Nothing here has a clock or does I/O.
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod delta;
mod draw;
mod picture;
mod report;

pub use delta::{Delta, Update};
pub use draw::{DrawOptions, Refusal, draw};
pub use picture::{Backend, Member, Phase, Picture, Service, Standing, Status};
pub use report::{BackendReport, Report};
