//! What the black-box tests and benchmarks share: the built binary and its real peers as processes on loopback addresses of
//! their own, a way to wait for a fact, and a load that counts every failure.
//!
//! Nothing here is a stand-in: agents, proxies and backends are the product's own processes, Serf is Debian's.
#![expect(
    clippy::print_stderr,
    reason = "a test harness: what it skips and what processes said must be seen"
)]

pub mod abuse;
pub mod conformance;
mod docker;
mod haproxy;
mod hosts;
pub mod load;
mod muster;
mod network;
mod node;
mod origin;
mod process;
mod question;
mod rung0;
mod serf;
mod wait;
mod whole_node;

pub use docker::{Bridge, Container, Image, docker_is_here};
pub use haproxy::{Haproxy, Release};
pub use hosts::Hosts;
pub use muster::{Agent, AgentOptions, Backend, Proxy, binary};
pub use network::{Network, Traffic};
pub use node::{Kind, Node, nobody_failed, whole};
pub use origin::Origin;
pub use process::Process;
pub use question::{exchange, who_answers};
pub use rung0::{Rung0, muster_image};
pub use serf::{SerfAgent, agree, reference, reference_is_here, serf, serf_is_installed};
pub use wait::{PATIENCE, says, wait_for};
pub use whole_node::WholeNode;

/// Says that a test cannot run here and why; under `CI=true` that is a failure.
pub fn skip(why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "skipped under CI=true: {why}");
    eprintln!("skipped: {why}");
}
