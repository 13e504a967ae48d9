//! Processes that run until they are told to stop.

pub(crate) mod agent;
pub(crate) mod proxy;
