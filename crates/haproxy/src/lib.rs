//! Steering a real HAProxy: from the text that it runs and the text that is wanted to a plan, and from its answers to facts.
//!
//! | idea | file |
//! |---|---|
//! | a line as HAProxy reads it | `words` |
//! | a configuration as sections of lines | `config` |
//! | a `server` line, with what `default-server` adds | `server` |
//! | what the place of a server decides | `place` |
//! | what has to change, and whether it can without a reload | `plan` |
//! | a change as commands of the runtime API | `change` |
//! | what HAProxy answers | `reply` |
//! | which texts its file had when it read it | `past` |
//! | which text it can run, and what a new process takes over | `state` |
//! | what is wrong with a text whatever HAProxy runs it | `lint` |
//!
//! A text that differs from the running one only in `server` lines of backends whose balance takes servers at run time becomes
//! [`Change`]s; everything else is a [`Plan::Reload`] that names the line which forces it. Nothing here is believed: a command
//! that HAProxy refuses all the same is answered with a reload by whoever drives this.
//!
//! Sources: HAProxy's management guide, 9.3 ("Unix Socket commands") and 9.4 ("Master CLI"), and what 2.6 answered when asked.
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod change;
mod config;
pub mod lint;
mod past;
mod place;
mod plan;
mod reply;
mod server;
mod state;
mod words;

pub use change::{Change, Command, Farewell, Leaving, New, ServerName};
pub use config::{CONFIG_BYTES_MAX, Config, TooLong};
pub use past::Past;
pub use plan::{Features, Plan, Reason, plan};
pub use reply::{
    Info, Load, Process, Processes, ServerState, info, loads, processes, refusal, server_states, sessions,
};
pub use state::state_file;
pub use words::{Broken, Env, Flaw, expand, words_in};
