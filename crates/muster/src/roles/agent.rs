//! `muster agent`.

use crate::cli::AgentArgs;
use crate::config::check::{Role, later};
use crate::config::views;
use crate::{exit, out};
use muster_agent::{Ended, LogBook};
use std::process::ExitCode;

pub(crate) fn run(args: AgentArgs) -> ExitCode {
    let book = LogBook::default();
    let settings = match super::prepare(&args.sources(), Role::Agent, Some(book.clone())) {
        Ok(settings) => settings,
        Err(end) => return end,
    };
    let later: Vec<String> =
        later(&settings).map(|setting| format!("{} ({})", setting.key.name, setting.origin)).collect();
    if !later.is_empty() {
        tracing::warn!("accepted and served in a later release: {}", later.join(", "));
    }
    match muster_agent::run(muster_agent::Config { log: book, ..views::agent(&settings) }) {
        Ok(Ended::Left) => exit::CLEAN,
        // The agent's log says why. Others will see this node as failed, so this was no success.
        Ok(Ended::Hurried | Ended::Stopped) => exit::FAILED,
        Err(error) => out::fail(&error),
    }
}
