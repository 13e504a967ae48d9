//! `muster log`.

use crate::cli::LogArgs;
use crate::config::check::{Purpose, Role, without_socket};
use crate::config::{load, views};
use crate::inspect::check::refuse;
use crate::{exit, out};
use muster_logger::Error;
use std::process::ExitCode;

/// Where `muster init` says which pipes it made.
pub(crate) const PIPES: &str = "MUSTER_LOG_PIPES";

pub(crate) fn run(args: LogArgs) -> ExitCode {
    let loaded = load(&args.configured.sources());
    let findings = without_socket(&loaded.settings, &[Role::Log], Purpose::Start);
    if let Some(end) = refuse(findings.problems_after(&loaded.problems)) {
        return end;
    }
    for note in loaded.warnings.iter().chain(&findings.notes) {
        out::say(&format_args!("note: {note}"));
    }
    let pipes = match muster_logs::pipes(&std::env::var(PIPES).unwrap_or_default()) {
        Ok(pipes) => pipes,
        Err(why) => {
            out::say(&format_args!("{PIPES}: {why}"));
            return exit::invalid();
        }
    };
    match muster_logger::run(&muster_logger::Config { pipes, ..views::logs(&loaded.settings) }) {
        Ok(()) => exit::CLEAN,
        Err(error @ (Error::Nothing | Error::Pipe { .. })) => {
            out::say(&error);
            exit::invalid()
        }
        Err(error) => out::fail(&error),
    }
}
