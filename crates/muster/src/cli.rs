//! The command line as typed. Parsing never touches the system.

mod dashes;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Keeps a load-balanced cluster right by itself.
#[derive(Debug, Parser)]
#[command(name = "muster", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What to be, or what to ask.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the membership agent of this node.
    Agent(AgentArgs),
    /// Run the load balancer of this node.
    Proxy(ProxyArgs),
    /// List the members of the cluster.
    Members(MembersArgs),
    /// Tell the agent to join a cluster.
    Join(JoinArgs),
    /// Tell the agent to leave the cluster and stop.
    Leave(ClientArgs),
    /// Tell the cluster that a failed member has left.
    ForceLeave(ForceLeaveArgs),
    /// Show what the agent says of itself.
    Info(InfoArgs),
    /// Show the version.
    Version(VersionArgs),
    /// Check the configuration without starting anything.
    Check(CheckArgs),
    /// Show the configuration in force and where it comes from.
    Config(ConfigArgs),
    /// Show it all on this machine: a balancer and two backends as real processes.
    Demo(crate::demo::Args),
}

/// Which agent to ask.
#[derive(Debug, Args)]
pub(crate) struct ClientArgs {
    /// Control socket of the agent.
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AgentArgs {}
#[derive(Debug, Args)]
pub(crate) struct ProxyArgs {}
#[derive(Debug, Args)]
pub(crate) struct MembersArgs {}
#[derive(Debug, Args)]
pub(crate) struct JoinArgs {}
#[derive(Debug, Args)]
pub(crate) struct ForceLeaveArgs {}
#[derive(Debug, Args)]
pub(crate) struct InfoArgs {}
#[derive(Debug, Args)]
pub(crate) struct VersionArgs {}
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {}
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {}

/// Reads the command line. `Err` is how the process ends when clap already answered (help, version, wrong usage).
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, ExitCode> {
    let mut command = Cli::command();
    command.build();
    let args = dashes::normalise(args, &dashes::Known::of(&command));
    command
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches))
        .map(|cli| cli.command)
        .map_err(|error| {
            // Nobody can be told when standard error is closed.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(crate::exit::INVALID))
        })
}
