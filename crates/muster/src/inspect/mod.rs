//! Commands that look at the configuration and start nothing.

pub(crate) mod check;
pub(crate) mod config;
