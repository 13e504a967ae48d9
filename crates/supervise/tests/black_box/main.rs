//! The supervisor as its driver sees it: inputs in, outputs out, time passed in.

mod lives;
mod order;
mod probes;
mod retire;
mod storm;
mod table;
mod world;
