//! Flags, environment and files into what the roles are told.
//!
//! ```text
//!  key table ── defaults ─┐
//!  muster.toml, conf.d ───┤
//!  Serf's JSON files ─────┤
//!  MUSTER_SECTION__KEY ───┼─> load ─> Settings ─┬─> views: muster_agent::Config, muster_proxy::Config
//!  flags ─────────────────┘           (value,   ├─> check: do they fit this host and each other?
//!                                      origin)  └─> print, reference
//! ```
//!
//! A later source replaces the value of an earlier one; only tags merge, name by name, and lists in Serf's files continue. Every value keeps its origin, so
//! that `config print` can show it and every complaint can point at it. Reading never stops at the first problem.

mod access;
pub(crate) mod check;
mod env;
mod expand;
mod family;
mod file;
mod frontends;
mod handlers;
pub(crate) mod haproxy;
pub(crate) mod key;
pub(crate) mod keys;
mod load;
mod named;
mod origin;
mod owners;
pub(crate) mod print;
pub(crate) mod reference;
mod rules;
mod serf_file;
mod settings;
mod sources;
pub(crate) mod suggest;
mod templates;
mod value;
pub(crate) mod views;

pub(crate) use load::{Loaded, load};
pub(crate) use named::Named;
pub(crate) use origin::{Origin, Problem};
pub(crate) use serf_file::go_duration;
pub(crate) use settings::Settings;
pub(crate) use sources::{Given, Sources};
