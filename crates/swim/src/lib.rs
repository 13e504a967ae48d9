//! SWIM membership as a state machine, wire-compatible with HashiCorp memberlist.
//!
//! There is no socket, clock, thread or random source here: the caller hands in what happened and when
//! ([`Swim::handle`]), takes out what must be done ([`Swim::poll_output`]), and comes back at [`Swim::next_timeout`] at
//! the latest. Same seed and inputs, same outputs.
//!
//! Serf drives this crate and adds its own messages to the same packets through the [user queues](UserQueue).
//!
//! | idea | file |
//! |---|---|
//! | which message and timer goes where; the public commands | `swim.rs` |
//! | inputs, outputs, events | `io.rs` |
//! | who is there, in the order of probing | `nodes.rs`, `announcement.rs`, `by_name.rs` |
//! | is it alive? | `probe.rs`, `stream_ping.rs`, `awareness.rs` |
//! | what becomes of alive, suspect, dead | `rules.rs`, `suspicion.rs` |
//! | what the accused is told to its face | `appeal.rs` |
//! | a known name at a new address | `takeover.rs` |
//! | why somebody is doubted | `why.rs` |
//! | a leave that an accuser never heard of | `repair.rs` |
//! | telling others | `gossip.rs`, `broadcast.rs` |
//! | telling some at once | `direct.rs` |
//! | exchanging everything | `sync.rs`, `burst.rs` |
//! | what is due when | `timer.rs` |
//! | clusters that formed long ago, for simulations | `acquaint.rs` |
//! | what goes beyond the reference, as switches | `extensions.rs` |
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod acquaint;
mod announcement;
mod appeal;
mod awareness;
mod broadcast;
mod burst;
mod by_name;
mod config;
mod direct;
mod extensions;
mod gossip;
mod instant;
mod io;
mod nodes;
mod pacer;
mod probe;
mod repair;
mod rules;
mod stream_ping;
mod suspicion;
mod swim;
mod sync;
mod takeover;
mod timer;
mod why;

#[cfg(test)]
mod tests;

pub use announcement::{Announcement, Intern};
pub use by_name::{ByName, Named, Slot};
pub use config::{Config, Profile};
pub use direct::News;
pub use extensions::Extensions;
pub use instant::Instant;
pub use io::{Event, GoneWhy, Input, Output, StreamId, Ticket, UserQueue};
pub use swim::Swim;
pub use timer::Timers;
pub use why::{Finding, Verdict, Way, Why};
