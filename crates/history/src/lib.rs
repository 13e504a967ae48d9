//! What happened in the cluster, kept: facts with their time, their observer and the reason, in a file of SQLite.
//!
//! | idea | file |
//! |---|---|
//! | how long a text of a peer may be, and what waits while the disk does not answer | `bounds`, `queue`: pure |
//! | the cluster at a time, made of facts | `was`: pure |
//! | the file: its schema, what is taken in, found and pruned | `store` |
//! | a file that is broken, newer, foreign or not to be had | `open` |
//! | the thread that writes, and the answers | `keeper` |
//!
//! Whoever records never waits: a fact goes into a bounded queue, from which the oldest is dropped and counted when it is full.

mod bounds;
mod keeper;
mod open;
mod queue;
mod store;
mod was;

pub use keeper::{Keeper, Settings};
pub use open::read_file;
pub use store::{Error, SCHEMA, SCHEMA_VERSION, Store};
