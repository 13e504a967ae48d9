//! HTTP/1 by bytes: odd messages sent through a proxy to a backend that keeps what it got.
//!
//! The cases stand in `e2e/conformance/*.toml`, as people read them; what becomes of one is told in the same words for any proxy.

mod backend;
mod cases;
mod run;
mod tiny;

pub use backend::Recorder;
pub use cases::{Case, Kind, cases, escaped};
pub use run::{Outcome, run};
pub use tiny::TinyProxy;
