//! What handlers, RPC streams and webhooks are shown of a cluster's life, and in which form.
//!
//! The cores tell what happens; a [`Notice`] is that for somebody outside: a script, a client. Which notices one wants is
//! a [`Filter`], in Serf's words; a [`Coalescer`] makes few of many. Nothing here has a clock or does I/O.
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod coalesce;
mod filter;
mod notice;
#[cfg(test)]
mod testing;

pub use coalesce::Coalescer;
pub use filter::{Filter, FilterError, Filters};
pub use notice::Notice;
