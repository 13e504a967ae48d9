//! What programs and people are shown of a node. Facts in, text out: whoever serves it gathers a [`Facts`] for each request.
//!
//! [`metrics`] is what Prometheus reads, [`verdict`] what health checks read, [`admits`] who may ask over TCP at all.

mod door;
mod facts;
mod metrics;
mod verdict;

pub use door::{Refused, admits};
pub use facts::{Facts, Gossip};
pub use metrics::{CONTENT_TYPE, metrics};
pub use verdict::{lines, ready, verdict};
