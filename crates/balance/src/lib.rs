//! Which backend gets the next request. Decides, never connects.
//!
//! Driven like the other cores: pictures and evidence go in with the time, decisions come out. The proxy does what it is
//! told and reports what it saw. Same seed and same inputs, same picks.
//!
//! # The contract
//! 1. [`Balancer::apply`] a picture; act on the returned [`Change`]s (connect to the new, close idle connections of
//!    the withdrawn).
//! 2. For a request, [`Balancer::choose`] (or [`Balancer::pick`], where nothing is known of it and it does not wait); it counts
//!    as in flight on that backend until [`Balancer::finish`].
//! 3. Tell what happened with [`Balancer::answered`] and [`Balancer::evidence`]; when they say that the backend is now ejected, close its idle
//!    connections. A failed attempt asks [`Balancer::may_retry`] and picks again, naming what was tried, before it is
//!    finished: as [`Ended::Retried`] when another backend was found, else as [`Ended::Failed`].
//! 4. After all of these, and when [`Balancer::next_timeout`] has come, connect once to each of
//!    [`Balancer::due_trials`] and tell the outcome as evidence.
//! 5. Keep a connection only while [`Balancer::keeps`] says so.
//! 6. Where a service lets requests wait, ask [`Balancer::call`] whose wait is over, after all of these and when
//!    [`Balancer::next_call`] has come.
//! 7. Where a service is checked, check each of [`Balancer::due_checks`] when [`Balancer::next_check`] has come, and tell the
//!    outcome with [`Balancer::checked`].
//!
//! [`Balancer::set_policy`] and [`Balancer::describe`] carry what configuration and operators say, at any time.
//!
//! # How a backend is found
//! Evidence, gossip, backups and zones make levels (`level.rs`), and a request goes to the best one that has anybody with
//! room (`choose.rs`); within it a picker chooses by the service's algorithm (`picker.rs`), unless something sticks.
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod agenda;
mod apply;
mod backend;
mod balancer;
mod checks;
mod choose;
mod evidence;
mod guard;
mod health;
mod heap;
mod hint;
mod id;
mod instant;
mod key;
mod latency;
mod level;
mod operate;
mod outliers;
mod picker;
mod points;
mod policy;
mod pool;
mod queue;
mod requests;
mod retry;
mod ring;
mod seat;
mod seeing;
mod slab;
mod slow_start;
mod tier;
mod traits;
mod zones;

pub use balancer::{Balancer, Change, Ended};
pub use checks::Checks;
pub use evidence::{Answer, Evidence, Turn};
pub use guard::Guard;
pub use hint::Hint;
pub use id::StableId;
pub use instant::Instant;
pub use key::{Choice, Key};
pub use outliers::Outliers;
pub use policy::{Algorithm, Policy, Stickiness};
pub use queue::{Call, Pick, Ticket};
pub use retry::{ATTEMPTS_MAX, Attempt, may_retry};
pub use traits::Traits;
