//! Whole clusters in one thread and virtual time.
//!
//! A [`World`] holds hosts, each with the real membership core ([`muster_serf::Serf`], which drives `muster-swim`), and the
//! [`Network`] between them. Time is a number that jumps from one event to the next, and every random choice follows from
//! one seed: the same seed and commands give the same run, to the byte.
//!
//! | idea | file |
//! |---|---|
//! | the loop: what happens next, to whom | `world.rs`, `queue.rs` |
//! | carrying out what a core wants | `world/outputs.rs` |
//! | a host: its life, its pace, how it finds its cluster | `host.rs` |
//! | one copy of what all hosts know | `sharing.rs` |
//! | crashes, restarts, pauses, leaves | `world/faults.rs` |
//! | clusters of thousands, to begin with | `world/acquainted.rs` |
//! | latency, loss, duplication, cuts, partitions | `network.rs`, `arrival.rs` |
//! | who sees whom, and who should | `view.rs` |
//! | a story as a text file: what happens, what is expected | `scenario.rs` |
//! | those that come with the program | `builtin.rs`, `../scenarios` |
//! | playing one, as lines of a trace | `play.rs` |
//! | what must hold whatever happens | `invariants.rs` |
//! | random faults, packed | `faults.rs` |
//!
//! The cores are handed plain bytes: sealing happens in the shell, and costs no decision.
//!
//! ```
//! use muster_sim::World;
//! use std::time::Duration;
//!
//! let mut world = World::cluster(5, 1);
//! world.crash(3);
//! let known = world.run_until(Duration::from_secs(60), |world| world.everyone_sees(3, muster_serf::Status::Failed));
//! assert!(known);
//! ```

pub mod address;
mod arrival;
pub mod builtin;
pub mod faults;
mod host;
mod invariants;
mod network;
pub mod play;
mod queue;
pub mod scenario;
mod sharing;
mod view;
mod world;

pub use host::{Pause, Spec};
pub use network::{Link, Network, Path, Port};
pub use view::Wrong;
pub use world::{Counts, Noticed, Passage, World};
