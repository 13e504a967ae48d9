//! The words behind `muster handlers`.

use super::{Configured, Format, help, scope};
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct HandlersArgs {
    #[command(subcommand)]
    pub(crate) command: HandlersCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HandlersCommand {
    /// Show what each handler does and how it went.
    #[command(after_long_help = help::client(help::HANDLERS_LIST_AFTER))]
    List(ListHandlersArgs),
    /// Add a handler until the agent ends.
    #[command(after_long_help = help::client(help::HANDLERS_ADD_AFTER))]
    Add(AddHandlerArgs),
    /// Remove a handler: what waits for it is dropped, what runs is finished.
    #[command(after_long_help = help::client(help::HANDLERS_REMOVE_AFTER))]
    Remove(RemoveHandlerArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListHandlersArgs {
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

#[derive(Debug, Args)]
#[group(id = "action", required = true, multiple = false, args = ["shell", "webhook", "command"])]
pub(crate) struct AddHandlerArgs {
    /// Name of the handler, unique on this node.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Which events; repeat or separate by commas for more. [default: all]
    #[arg(long, value_name = "FILTER")]
    pub(crate) on: Vec<String>,
    /// Script for /bin/sh, instead of a program.
    #[arg(long, value_name = "SCRIPT")]
    pub(crate) shell: Option<String>,
    /// Where to POST events as JSON, instead of a program.
    #[arg(long, value_name = "URL")]
    pub(crate) webhook: Option<String>,
    /// How long a run, or an attempt to deliver, may take; 0s is for ever. [default: 10m; webhook: 10s]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Option<std::time::Duration>,
    /// Runs at a time. [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<usize>,
    /// Events that may wait. [default: 4096]
    #[arg(long, value_name = "N")]
    pub(crate) queue: Option<usize>,
    /// Gather bursts of events. [default: true]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) coalesce: Option<bool>,
    /// Program and its arguments, run without a shell.
    #[arg(last = true, value_name = "PROGRAM")]
    pub(crate) command: Vec<String>,
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveHandlerArgs {
    /// Name of the handler.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}
