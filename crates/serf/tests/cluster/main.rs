//! Clusters of Serf cores, connected in memory.
#![expect(clippy::unwrap_used, reason = "the helpers of a test may panic as the test itself may")]

mod fast_lane;
mod idle;
mod membership;
mod names;
mod nearness;
mod neighbour;
mod queries;
mod repair;
mod user_events;
mod world;
