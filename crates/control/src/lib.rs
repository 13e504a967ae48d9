//! The node's control socket as seen from outside: its routes, their JSON, and a client.
//!
//! One Unix socket per node, HTTP/JSON. The agent serves it; the proxy, the command line and the demo are its clients,
//! and all of them take paths and bodies from here.

pub mod client;
mod connection;
mod error;
pub mod handlers;
pub mod health;
pub mod history;
mod lines;
pub mod openapi;
pub mod routes;
mod server_sent;
pub mod socket;
pub mod templates;
pub mod why;
