//! The command line as typed. Parsing never touches the system.

mod args;
mod dashes;
mod handlers_args;
mod help;
mod history_args;
mod key_flags;
mod proxy_args;

pub(crate) use args::*;
pub(crate) use handlers_args::{
    AddHandlerArgs, HandlersArgs, HandlersCommand, ListHandlersArgs, RemoveHandlerArgs,
};
pub(crate) use history_args::HistoryArgs;
pub(crate) use key_flags::scope;
pub(crate) use proxy_args::ProxyArgs;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::process::ExitCode;

/// Keeps a load-balanced cluster right by itself.
#[derive(Debug, Parser)]
#[command(
    name = "muster",
    version = crate::build::version(),
    long_about = help::MUSTER,
    after_long_help = help::MUSTER_AFTER,
    styles = help::STYLES,
    arg_required_else_help = true,
    subcommand_value_name = "COMMAND",
    subcommand_help_heading = "Commands",
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What to be, or what to ask.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the membership agent of this node.
    #[command(long_about = help::AGENT, after_long_help = help::AGENT_AFTER)]
    Agent(AgentArgs),
    /// Run the load balancer of this node.
    #[command(long_about = help::PROXY, after_long_help = help::PROXY_AFTER)]
    Proxy(ProxyArgs),
    /// Run a whole node as PID 1: agent, proxy, processes.
    #[command(long_about = help::RUN, after_long_help = help::RUN_AFTER)]
    Run(RunArgs),
    /// Write on what services and syslog clients log.
    #[command(long_about = help::LOG, after_long_help = help::LOG_AFTER)]
    Log(LogArgs),
    /// Run the services of this container, as its PID 1.
    #[command(long_about = help::INIT, after_long_help = help::INIT_AFTER)]
    Init(InitArgs),
    /// Ask a program how it is.
    #[command(long_about = help::PROBE, after_long_help = help::PROBE_AFTER)]
    Probe(ProbeArgs),
    /// Lay the program and the names it answers to into an image.
    #[command(long_about = help::INSTALL, after_long_help = help::INSTALL_AFTER)]
    Install(InstallArgs),
    /// Show where the services of this container stand.
    #[command(long_about = help::STATUS, after_long_help = help::STATUS_AFTER)]
    Status(StatusArgs),
    /// Start services.
    #[command(long_about = help::START, after_long_help = help::change("start"))]
    Start(StartArgs),
    /// Stop services.
    #[command(long_about = help::STOP, after_long_help = help::change("stop"))]
    Stop(StopArgs),
    /// Restart services.
    #[command(long_about = help::RESTART, after_long_help = help::change("restart"))]
    Restart(RestartArgs),
    /// Send a signal to a service.
    #[command(long_about = help::SIGNAL, after_long_help = help::SIGNAL_AFTER)]
    Signal(SignalArgs),
    /// Show what services of this container wrote last.
    #[command(long_about = help::LOGS, after_long_help = help::LOGS_AFTER)]
    Logs(LogsArgs),
    /// Show the processes of this container below their services.
    #[command(long_about = help::TREE, after_long_help = help::TREE_AFTER)]
    Tree(TreeArgs),
    /// Make a file from a template and the fleet.
    #[command(long_about = help::RENDER, after_long_help = help::RENDER_AFTER)]
    Render(RenderArgs),
    /// Render a template as npm's handlebars-cmd does.
    #[command(long_about = help::HANDLEBARS, after_long_help = help::HANDLEBARS_AFTER)]
    Handlebars(HandlebarsArgs),
    /// List the members of the cluster.
    #[command(long_about = help::MEMBERS, after_long_help = help::client(help::MEMBERS_AFTER))]
    Members(MembersArgs),
    /// Tell the agent to join a cluster.
    #[command(long_about = help::JOIN, after_long_help = help::client(help::JOIN_AFTER))]
    Join(JoinArgs),
    /// Tell the agent to leave the cluster and stop.
    #[command(long_about = help::LEAVE, after_long_help = help::client(help::LEAVE_AFTER))]
    Leave(LeaveArgs),
    /// Tell the cluster that a failed member has left.
    #[command(long_about = help::FORCE_LEAVE, after_long_help = help::client(help::FORCE_LEAVE_AFTER))]
    ForceLeave(ForceLeaveArgs),
    /// Change the tags of this node.
    #[command(long_about = help::TAGS, after_long_help = help::client(help::TAGS_AFTER))]
    Tags(TagsArgs),
    /// Tell all members something.
    #[command(long_about = help::EVENT, after_long_help = help::client(help::EVENT_AFTER))]
    Event(EventArgs),
    /// Ask members something and show their answers.
    #[command(long_about = help::QUERY, after_long_help = help::client(help::QUERY_AFTER))]
    Query(QueryArgs),
    /// Change or list the keys that seal gossip, on all members.
    #[command(long_about = help::KEYS, after_long_help = help::client(help::KEYS_AFTER))]
    Keys(KeysArgs),
    /// Show what the agent logs and what happens.
    #[command(long_about = help::MONITOR, after_long_help = help::client(help::MONITOR_AFTER))]
    Monitor(MonitorArgs),
    /// Estimate the round-trip time between two members.
    #[command(long_about = help::RTT, after_long_help = help::client(help::RTT_AFTER))]
    Rtt(RttArgs),
    /// Ask all members for a sign of life.
    #[command(long_about = help::REACHABILITY, after_long_help = help::REACHABILITY_AFTER)]
    Reachability(ReachabilityArgs),
    /// Explain what this node thinks of a member.
    #[command(long_about = help::WHY, after_long_help = help::client(help::WHY_AFTER))]
    Why(WhyArgs),
    /// Show what happened in the cluster, or how it was at a time.
    #[command(long_about = help::HISTORY, after_long_help = help::HISTORY_AFTER)]
    History(HistoryArgs),
    /// Show the cluster live: backends, members, what happens.
    #[command(long_about = help::TOP, after_long_help = help::client(help::TOP_AFTER))]
    Top(TopArgs),
    /// Show, add and remove event handlers of this node.
    #[command(long_about = help::HANDLERS, after_long_help = help::client(help::HANDLERS_AFTER))]
    Handlers(HandlersArgs),
    /// Show the files that this node makes of templates.
    #[command(long_about = help::TEMPLATES, after_long_help = help::client(help::TEMPLATES_AFTER))]
    Templates(TemplatesArgs),
    /// Tell whether this node does what it is there for.
    #[command(long_about = help::HEALTH, after_long_help = help::client(help::HEALTH_AFTER))]
    Health(HealthArgs),
    /// Show what the agent says of itself.
    #[command(long_about = help::INFO, after_long_help = help::client(help::INFO_AFTER))]
    Info(InfoArgs),
    /// Make a key that encrypts gossip.
    #[command(long_about = help::KEYGEN, after_long_help = help::KEYGEN_AFTER)]
    Keygen(KeygenArgs),
    /// Show the version.
    Version(VersionArgs),
    /// Check the configuration without starting anything.
    #[command(long_about = help::CHECK, after_long_help = help::CHECK_AFTER)]
    Check(CheckArgs),
    /// Show the configuration in force and where it comes from.
    Config(ConfigArgs),
    /// Show it all on this machine: a balancer and two backends as real processes.
    Demo(crate::demo::Args),
    /// Play a cluster in virtual time: scenarios and random faults.
    Sim(crate::sim::Args),
    /// Write the completions of a shell.
    #[command(long_about = help::COMPLETIONS, after_long_help = help::COMPLETIONS_AFTER)]
    Completions(CompletionsArgs),
    /// Write the manual pages.
    #[command(long_about = help::MAN, after_long_help = help::MAN_AFTER)]
    Man(ManArgs),
}

/// The definitions of all commands and flags.
pub(crate) fn definitions() -> clap::Command {
    Cli::command()
}

/// The help of `handlebars`, when the program is called so.
pub(crate) fn handlebars_help() -> String {
    let mut command = Cli::command();
    command.build();
    match command.find_subcommand_mut("handlebars") {
        Some(handlebars) => handlebars.render_long_help().to_string(),
        None => String::new(),
    }
}

/// Reads the command line. `Err` is how the process ends when clap already answered (help, version, wrong usage).
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, ExitCode> {
    read(args).map_err(|error| {
        // Nobody can be told when standard error is closed.
        let _ = error.print();
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(crate::exit::INVALID))
    })
}

fn read(args: impl IntoIterator<Item = OsString>) -> Result<Command, clap::Error> {
    let mut command = Cli::command();
    command.build();
    let args = dashes::normalise(args, &dashes::Known::of(&command));
    let matches = command.try_get_matches_from(args)?;
    Ok(Cli::from_arg_matches(&matches)?.command)
}

#[cfg(test)]
mod tests;
