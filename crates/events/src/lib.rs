//! What handlers, RPC streams and webhooks are shown of a cluster's life, and in which form.
//!
//! The cores tell what happens; a [`Notice`] is that for somebody outside: a script, a client. Which notices one wants is
//! a [`Filter`], in Serf's words; a [`Coalescer`] makes few of many; [`script`] is how a program is told, a
//! [`Spec`] how Serf's users write which one, and [`Turns`] in which order they run. Nothing here has a clock or does I/O.
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod coalesce;
mod filter;
mod notice;
pub mod retry;
pub mod script;
mod spec;
mod tail;
#[cfg(test)]
mod testing;
mod turns;

pub use coalesce::Coalescer;
pub use filter::{Filter, FilterError, Filters, STREAM_WORDS_MAX, StreamFilterError};
pub use notice::Notice;
pub use spec::{Spec, SpecError};
pub use tail::{OUTPUT_BYTES_MAX, Tail};
pub use turns::{HandlerId, NotYet, PATIENCE, Turns};
