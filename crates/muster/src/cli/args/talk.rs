//! Arguments of the commands that tell and ask the cluster something.

use super::{Configured, Format, scope, tag_filter};
use clap::Args;
use clap::builder::PossibleValuesParser;
use std::time::Duration;

#[derive(Debug, Args)]
pub(crate) struct EventArgs {
    /// Name of the event.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What goes with it; name and payload together take some 500 bytes.
    #[arg(value_name = "PAYLOAD", default_value = "", hide_default_value = true)]
    pub(crate) payload: String,
    /// Of several events with this name that come close together, handlers may be shown only the last.
    #[arg(
        long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value_t = true, action = clap::ArgAction::Set
    )]
    pub(crate) coalesce: bool,
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// Name of the query; handlers know by it what is asked.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What goes with it.
    #[arg(value_name = "PAYLOAD", default_value = "", hide_default_value = true)]
    pub(crate) payload: String,
    /// Ask only this node; repeat for more.
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Vec<String>,
    /// Ask only nodes whose tag matches, anywhere in its value; repeat for more tags.
    #[arg(long, value_name = "KEY=REGEX", value_parser = tag_filter)]
    pub(crate) tag: Vec<(String, String)>,
    /// How long answers count, e.g. 5s or 300ms.
    ///
    /// [default: as long as Serf waits in a cluster of this size; 3.2s up to 9 members]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Option<Duration>,
    /// Nobody need say that it was asked.
    #[arg(long)]
    pub(crate) no_ack: bool,
    /// Through how many others each answer comes a second time, in case the direct way is broken.
    #[arg(long, value_name = "0..255", default_value_t = 0)]
    pub(crate) relay_factor: u8,
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

#[derive(Debug, Args)]
#[group(id = "operation", required = true, multiple = false, args = ["install", "use_key", "remove", "list"])]
pub(crate) struct KeysArgs {
    /// Have all nodes take this key in, so that they can read what it seals.
    #[arg(long, value_name = "KEY")]
    pub(crate) install: Option<String>,
    /// Have all nodes seal with this key from now on; they must have it.
    #[arg(long = "use", id = "use_key", value_name = "KEY")]
    pub(crate) use_key: Option<String>,
    /// Have all nodes forget this key; none may seal with it.
    #[arg(long, value_name = "KEY")]
    pub(crate) remove: Option<String>,
    /// Show which keys there are, and how many nodes have each.
    #[arg(long)]
    pub(crate) list: bool,
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

#[derive(Debug, Args)]
pub(crate) struct MonitorArgs {
    /// Log lines of this importance and above.
    #[arg(
        long, value_name = "WORD", ignore_case = true, default_value = "INFO",
        value_parser = PossibleValuesParser::new(["TRACE", "DEBUG", "INFO", "WARN", "ERR"])
    )]
    pub(crate) log_level: String,
    /// Form of the answer; JSON comes as one object per line.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

#[derive(Debug, Args)]
pub(crate) struct RttArgs {
    /// Name of one member.
    #[arg(value_name = "NODE")]
    pub(crate) from: String,
    /// Name of another; without it, this node.
    #[arg(value_name = "OTHER")]
    pub(crate) to: Option<String>,
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}

#[derive(Debug, Args)]
pub(crate) struct ReachabilityArgs {
    /// Show each answer as it comes.
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}
