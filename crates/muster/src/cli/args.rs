//! The flags and arguments of each command.

mod processes;
mod render;
mod shell;
mod talk;

pub(crate) use processes::*;
pub(crate) use render::*;
pub(crate) use shell::*;
pub(crate) use talk::*;

use super::help;
use super::key_flags::{KeyFlags, Scope, scope};
use crate::config::Sources;
use crate::config::check::Role;
use clap::{Args, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Where the configuration is, and the flags that are part of it.
#[derive(Debug, Args)]
pub(crate) struct Configured<S: Scope> {
    /// Configuration file, or directory of such files.
    ///
    /// Of a directory all *.toml are read in name order, then all conf.d/*.toml.
    ///
    /// [default: /etc/muster/muster.toml, then /etc/muster/conf.d/*.toml] [env: MUSTER_CONFIG]
    #[arg(long, value_name = "FILE|DIR", help_heading = "Configuration")]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: KeyFlags<S>,
}

impl<S: Scope> Configured<S> {
    /// These flags and this process's environment.
    pub(crate) fn sources(self) -> Sources {
        Sources::of_process(self.config, self.flags.given)
    }
}

/// Serf's own configuration files.
#[derive(Debug, Args)]
pub(crate) struct SerfFiles {
    /// JSON file of Serf, or directory of such files; repeat for more.
    ///
    /// Of a directory all *.json are read in name order. They are laid over each other as Serf does: the last one wins,
    /// lists are continued, tags merge. Variables and flags beat them; they beat Muster's own files.
    #[arg(long, visible_alias = "config-dir", value_name = "FILE|DIR", help_heading = "Configuration")]
    config_file: Vec<PathBuf>,
}

impl SerfFiles {
    /// Among these sources too.
    fn among(self, sources: Sources) -> Sources {
        Sources { serf: self.config_file, ..sources }
    }
}

#[derive(Debug, Args)]
pub(crate) struct AgentArgs {
    #[command(flatten)]
    serf: SerfFiles,
    #[command(flatten)]
    configured: Configured<scope::Agent>,
}

impl AgentArgs {
    pub(crate) fn sources(self) -> Sources {
        self.serf.among(self.configured.sources())
    }
}

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Logs>,
}

/// How to answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs, in Serf's shape.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct MembersArgs {
    /// Only members in this state: alive, leaving, left or failed.
    #[arg(long, value_name = "REGEX")]
    pub(crate) status: Option<String>,
    /// Only members with this name.
    #[arg(long, value_name = "REGEX")]
    pub(crate) name: Option<String>,
    /// Only members with this tag `role`; the same as `--tag role=REGEX`.
    #[arg(long, value_name = "REGEX")]
    pub(crate) role: Option<String>,
    /// Only members whose tag has this value; repeat for more.
    #[arg(long, value_name = "KEY=REGEX", value_parser = tag_filter)]
    pub(crate) tag: Vec<(String, String)>,
    /// Show protocol versions too (text only).
    #[arg(long)]
    pub(crate) detailed: bool,
    /// Go on and show every change; Ctrl-C ends it. Elsewhere than on a terminal: a line for each.
    #[arg(long)]
    pub(crate) watch: bool,
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

/// `KEY=REGEX`.
fn tag_filter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, regex)) if !key.is_empty() => Ok((key.to_owned(), regex.to_owned())),
        _ => Err("write KEY=REGEX".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// Members to contact.
    #[arg(required = true, value_name = "HOST[:PORT]")]
    pub(crate) addresses: Vec<String>,
    /// Replay old user events.
    #[arg(long)]
    pub(crate) replay: bool,
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

#[derive(Debug, Args)]
pub(crate) struct LeaveArgs {
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

#[derive(Debug, Args)]
pub(crate) struct ForceLeaveArgs {
    /// Name of the member.
    #[arg(value_name = "NAME")]
    pub(crate) node: String,
    /// Forget it at once instead of keeping it as left.
    #[arg(long)]
    pub(crate) prune: bool,
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true, args = ["set", "delete"])]
pub(crate) struct TagsArgs {
    /// Tag to add or replace; repeat for more.
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    pub(crate) set: Vec<(String, String)>,
    /// Tag to remove, if it is there; repeat for more. One that is also set stays.
    #[arg(long, value_name = "KEY")]
    pub(crate) delete: Vec<String>,
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// Name of the member.
    #[arg(value_name = "NAME")]
    pub(crate) node: String,
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

#[derive(Debug, Args)]
pub(crate) struct TopArgs {
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

#[derive(Debug, Args)]
pub(crate) struct TemplatesArgs {
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct KeygenArgs {
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Folder with cont-init.d, services.d, s6-overlay and cont-finish.d.
    #[arg(long, value_name = "DIR", default_value = "/etc")]
    pub(crate) etc: PathBuf,
    /// Folder for the services' control places, for s6-svc and s6-svstat.
    #[arg(long, value_name = "DIR", default_value = "/run/service")]
    pub(crate) control: PathBuf,
    /// Make no control places.
    #[arg(long)]
    pub(crate) no_control: bool,
    /// Command of the container: its exit code is the container's.
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    serf: SerfFiles,
    #[command(flatten)]
    configured: Configured<scope::Run>,
    /// Folder for the processes' control places, for `muster status` and s6-svc.
    #[arg(long, value_name = "DIR", default_value = "/run/service")]
    control: PathBuf,
    /// Make no control places.
    #[arg(long)]
    no_control: bool,
    /// Command of the container: its exit code is the container's.
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

impl RunArgs {
    /// Where control places are made.
    pub(crate) fn places(&self) -> Option<PathBuf> {
        (!self.no_control).then(|| self.control.clone())
    }

    /// What says something about the configuration, and the command.
    pub(crate) fn sources(self) -> (Sources, Vec<OsString>) {
        (self.serf.among(self.configured.sources()), self.command)
    }
}

#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    #[command(subcommand)]
    pub(crate) question: Question,
}

/// What a probe asks.
#[derive(Debug, Subcommand)]
pub(crate) enum Question {
    /// Does it accept a connection?
    Tcp {
        /// Where.
        #[arg(value_name = "ADDRESS:PORT")]
        address: std::net::SocketAddr,
        #[command(flatten)]
        patience: Patience,
    },
    /// Does it answer a request with 200 to 399?
    Http {
        /// What to ask for: `http://ADDRESS:PORT/PATH`; the address is a number, not a name.
        #[arg(value_name = "URL")]
        url: String,
        #[command(flatten)]
        patience: Patience,
    },
    /// Is there such a file? Waits for one.
    File {
        /// Which.
        #[arg(value_name = "PATH")]
        path: PathBuf,
        #[command(flatten)]
        patience: Patience,
        /// Waits for as long as it takes.
        #[arg(long, conflicts_with = "timeout")]
        no_timeout: bool,
    },
    /// Copies its input to its output, and tells NOTIFY_SOCKET at each line that matches.
    Log {
        /// What a line has to match.
        #[arg(value_name = "REGEX")]
        pattern: String,
    },
}

/// How long to wait for an answer.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Patience {
    /// Longest time that the answer may take.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = humantime::parse_duration)]
    pub(crate) timeout: std::time::Duration,
}

#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    /// Root of the image or machine.
    #[arg(long, value_name = "DIR")]
    pub(crate) into: PathBuf,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct VersionArgs {
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
}

/// What is checked.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Role(Role),
    /// A configuration of HAProxy.
    Haproxy(PathBuf),
}

impl Subject {
    fn read(word: &str) -> Result<Self, String> {
        match Role::from_str(word, false) {
            Ok(role) => Ok(Self::Role(role)),
            // A mistyped role is not taken for a file that is not there.
            Err(_) if word.contains(['.', '/']) => Ok(Self::Haproxy(word.into())),
            Err(_) => {
                Err("neither a role (agent, proxy, log) nor a path with a dot or a slash in it".to_owned())
            }
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Roles that will run on this host (agent, proxy, log), or files of HAProxy, templates of them included.
    #[arg(value_name = "ROLE|FILE", value_parser = Subject::read, default_values = ["agent", "proxy"])]
    pub(crate) subjects: Vec<Subject>,
    #[command(flatten)]
    serf: SerfFiles,
    #[command(flatten)]
    configured: Configured<scope::All>,
}

impl CheckArgs {
    pub(crate) fn sources(self) -> Sources {
        self.serf.among(self.configured.sources())
    }
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every value in force and where it comes from.
    #[command(long_about = help::PRINT, after_long_help = help::PRINT_AFTER)]
    Print(PrintArgs),
    /// Write the configuration reference, Markdown.
    #[command(hide = true)]
    Reference,
}

#[derive(Debug, Args)]
pub(crate) struct PrintArgs {
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: PrintFormat,
    #[command(flatten)]
    serf: SerfFiles,
    #[command(flatten)]
    configured: Configured<scope::All>,
}

impl PrintArgs {
    pub(crate) fn sources(self) -> Sources {
        self.serf.among(self.configured.sources())
    }
}

/// How to show the configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum PrintFormat {
    /// A configuration file with the origins as comments.
    #[default]
    Toml,
    /// For programs.
    Json,
}
