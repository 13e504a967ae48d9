//! HAProxy's own file as a plan that Muster's balancer follows.
//!
//! ```text
//! files, environment --> sections of lines --> proxies with what `defaults` gives them --> File: a Plan, and backends
//! ```
//!
//! What small set-ups use is read, and means what it means in HAProxy; everything else is a [`Refusal`] with its line, its reason and
//! what to do. Nothing is ignored: whoever had it in a file wanted something of it.
//!
//! | idea | file |
//! |---|---|
//! | what comes out | `file`, `backend` |
//! | why something does not | `refusal`, `known` |
//! | lines and sections | `section`, `args` |
//! | `global` | `global` |
//! | what `defaults` can say | `settings`, `option`, `time` |
//! | one `frontend`, `backend` or `listen` | `proxy` |
//! | where it listens | `bind`, `address` |
//! | conditions | `acl`, `sample` |
//! | what is done with requests | `rule`, `redirect`, `format` |
//! | servers and how they are checked | `server`, `check`, `cookie` |
//! | logs and statistics | `log`, `stats` |
//! | all of it together | `assemble` |
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod acl;
mod address;
mod args;
mod assemble;
mod backend;
mod bind;
mod check;
mod cookie;
mod file;
mod format;
mod global;
mod known;
mod log;
mod option;
mod proxy;
mod redirect;
mod refusal;
mod rule;
mod sample;
mod section;
mod server;
mod settings;
mod stats;
mod time;

pub use address::Target;
pub use backend::{Backend, BackendTimeouts, Balance};
pub use check::{Check, Expect, HttpCheck};
pub use cookie::Cookie;
pub use file::{File, Front, Section};
pub use global::Global;
pub use log::{Log, LogFormat, LogTo, LogWhere};
pub use refusal::{REFUSALS_MAX, Refusal};
pub use section::Source;
pub use server::{Checked, ProxyHeader, Server};
pub use settings::Connections;
pub use stats::{Level, StatsPage, StatsSocket};

use alloc::vec::Vec;
use muster_haproxy::Env;

/// Reads the files, in this order, as one configuration. `env` is asked for variables.
///
/// # Errors
/// Everything that is refused, in the order of the lines, at most [`REFUSALS_MAX`].
pub fn read(sources: &[Source<'_>], env: Env<'_>) -> Result<File, Vec<Refusal>> {
    let mut refusals = refusal::Refusals::default();
    let sections = section::cut(sources, env, &mut refusals);
    let draft = proxy::read(&sections, env, &mut refusals);
    assemble::assemble(draft, refusals)
}
