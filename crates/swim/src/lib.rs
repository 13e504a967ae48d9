//! SWIM membership as a state machine, wire-compatible with HashiCorp memberlist.
//!
//! There is no socket, clock, thread or random source here: the caller hands in what happened and when
//! ([`Swim::handle`]), takes out what must be done ([`Swim::poll_output`]), and comes back at [`Swim::next_timeout`] at
//! the latest. Same seed and inputs, same outputs.
//!
//! Serf drives this crate and adds its own messages to the same packets through the [user queues](UserQueue).
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod config;
mod instant;
mod io;
mod swim;

pub use config::{Config, Profile};
pub use instant::Instant;
pub use io::{Event, GoneWhy, Input, NodeView, Output, StreamId, Ticket, UserQueue};
pub use swim::Swim;
