//! Serf's membership over SWIM: Lamport clocks, join and leave intents, tags and member states.
//!
//! Driven exactly as [`muster_swim`] is, and drives it: the caller talks to [`Serf`] only. Network outputs are SWIM's
//! own; events are Serf's.
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod event;
mod member;
mod serf;

pub use event::{Event, MemberEvent, Output};
pub use member::{Member, Status};
pub use muster_swim::{Input, Instant, Profile, StreamId};
pub use serf::{Config, Serf, Stats, TagsTooLong};
