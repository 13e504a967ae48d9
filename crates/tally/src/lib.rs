//! What is counted of requests and connections, by whoever takes part in them: a frontend, a service, a backend.
//!
//! Each has a [`Tally`], and all are told the same: a session began, it ended with this [`Outcome`]. What they hold is what HAProxy's page
//! of statistics shows (management guide, 9.1), under the names there where a field says one, and a [`Histogram`] of times besides. A
//! tally has a fixed size, takes no memory while it counts, and never goes back but for what is in progress.
//!
//! | file | idea |
//! |---|---|
//! | `tally` | one party's account |
//! | `outcome` | how a request or connection ended, and by whose fault |
//! | `gauge` | what is in progress: now, and at most so far |
//! | `rate` | events in the last second |
//! | `mean` | recent times on average |
//! | `histogram` | how many took how long |
//!
//! Time is passed in, since the start.
#![cfg_attr(not(test), no_std)]

mod gauge;
mod histogram;
mod mean;
mod outcome;
mod rate;
mod tally;

pub use gauge::Gauge;
pub use histogram::{BUCKETS, Histogram};
pub use mean::Mean;
pub use outcome::{Fault, Outcome, Times};
pub use rate::Rate;
pub use tally::{STATUS_CLASSES, Tally};
