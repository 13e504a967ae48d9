//! Muster: one binary, a role per command.
//!
//! `main` reads the command line and hands over; what happens then is told by one module per kind of command.
//!
//! | module | commands |
//! |---|---|
//! | [`roles`] | `agent`, `proxy`: processes that run until they are told to stop |
//! | [`client`] | `members`, `join`, `leave`, `force-leave`, `info`, `version`: one question to the node's agent |
//! | [`demo`] | `demo`: the whole journey on one machine |
//! | [`config`] | `check`, `config print`: what the roles would be told, and by whom |

mod cli;
mod client;
mod config;
mod demo;
mod exit;
mod json;
mod roles;
mod text;

use cli::Command;
use std::process::ExitCode;

fn main() -> ExitCode {
    demo::tether::hold();
    let command = match cli::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(end) => return end,
    };
    match command {
        Command::Agent(args) => roles::agent::run(args),
        Command::Proxy(args) => roles::proxy::run(args),
        Command::Members(args) => client::members(args),
        Command::Join(args) => client::join(args),
        Command::Leave(args) => client::leave(args),
        Command::ForceLeave(args) => client::force_leave(args),
        Command::Info(args) => client::info(args),
        Command::Version(args) => client::version(args),
        Command::Check(args) => unread(args),
        Command::Config(args) => unread(args),
        Command::Demo(args) => demo::run(args),
    }
}

fn unread<T>(_: T) -> ExitCode {
    exit::invalid()
}
