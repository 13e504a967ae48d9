//! What PID 1 does next. Decides, never spawns.
//!
//! A service is a process that is to run (a longrun) or a command that is to have run (a oneshot). Its life is a table of states
//! and events ([`table`]); a [`Supervisor`] leads many such lives: in the order of their dependencies when the container starts,
//! in the opposite one when it stops, and within a deadline.
//!
//! The words and rules are those of s6 (`s6-supervise`, `s6-rc`) wherever it has them, since its service folders are served as
//! they are. What goes further (readiness by other means, restart policies, critical services) is off in what a folder describes.
//!
//! # The contract
//! 1. Make a [`Supervisor`] of the services, whose dependencies come before them.
//! 2. Hand it every [`Input`] with the time; a spawn that an output asked for is answered by [`Input::Spawned`] or
//!    [`Input::Refused`] before any other input.
//! 3. Take [`Supervisor::output`] until there are none, and do what they say, in order.
//! 4. At [`Supervisor::next_timeout`], hand it [`Input::Timeout`].
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod exit;
mod instant;
mod life;
mod message;
mod order;
mod pause;
mod probe;
mod retire;
mod service;
mod shutdown;
pub mod signal;
mod supervisor;
pub mod table;

pub use exit::Exit;
pub use instant::Instant;
pub use life::{Life, Want};
pub use message::{Command, Input, Job, Milestone, Notice, Output, Pid};
pub use pause::Pauses;
pub use probe::{Pace, Question};
pub use retire::{Retire, Step, Waiting, Word};
pub use service::{Condition, Dependency, Kind, Readiness, Restart, Service, ServiceId, Whom};
pub use shutdown::{Grace, Phase};
pub use supervisor::Supervisor;
pub use table::State;
