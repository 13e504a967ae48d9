//! Serf's membership over SWIM: Lamport clocks, join and leave intents, tags and member states.
//!
//! Driven exactly as [`muster_swim`] is, and drives it: the caller talks to [`Serf`] only. Network outputs are SWIM's
//! own; events are Serf's.
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod clock;
mod coordinates;
mod event;
mod fast_lane;
mod intents;
mod leave;
mod limits;
mod member;
mod members;
mod memory;
mod meta;
mod query;
mod reconnect;
mod serf;
pub mod snapshot;
mod state;
mod ticker;
mod vivaldi;
mod vote;
mod window;

pub use event::{Event, MemberEvent, Output};
pub use limits::Limits;
pub use member::{Member, Status};
pub use memory::Memory;
pub use muster_swim::{
    Announcement, Extensions, Finding, Input, Instant, Intern, Profile, StreamId, Verdict, Way, Why,
};
pub use query::{KeyAnswer, KeyOperation, QueryError, QueryId, QueryParams, RespondError};
pub use serf::{Config, Serf, Stats, TagsTooLong, UserEventError};
pub use vivaldi::Coordinate;
