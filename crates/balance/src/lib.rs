//! Which backend gets the next request. Decides, never connects.
//!
//! Driven like the other cores: pictures and evidence go in with the time, decisions come out. The proxy does what it is
//! told and reports what it saw.
//!
//! # The contract
//! 1. [`Balancer::apply`] a picture; act on the returned [`Change`]s (connect to the new, close idle connections of
//!    the withdrawn).
//! 2. For a request, [`Balancer::pick`]; it counts as in flight on that backend until [`Balancer::finish`].
//! 3. Tell what happened with [`Balancer::evidence`]; a failed attempt asks [`may_retry`] and picks again, naming what was
//!    tried.
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod balancer;
mod evidence;
mod instant;
mod retry;

pub use balancer::{Balancer, Change, Choice, Ended, Key};
pub use evidence::Evidence;
pub use instant::Instant;
pub use retry::{Attempt, may_retry};
