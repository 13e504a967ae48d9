//! `muster demo`: the whole journey on one machine, with nothing else installed.
//!
//! One balancer and some backends, as real processes on loopback addresses of their own, found by gossip as on real hosts.
//!
//! | module | idea |
//! |---|---|
//! | [`tether`] | how a child process dies with the demo |
//! | [`backend`] | the web application behind the balancer |

pub(crate) mod backend;
mod sessions;
pub(crate) mod tether;

use crate::exit;
use std::io::Write;
use std::process::ExitCode;

/// Arguments of `muster demo`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Command {
    /// Run the demo's web application alone.
    Backend(backend::Args),
}

/// Runs the demo, or one of its parts.
pub(crate) fn run(args: Args) -> ExitCode {
    match args.command {
        Command::Backend(args) => end(backend::run(&args)),
    }
}

fn end<E: std::error::Error>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => exit::CLEAN,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "muster demo: {error}");
            exit::FAILED
        }
    }
}
