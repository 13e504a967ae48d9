//! Arguments of the commands for services.

use super::Format;
use crate::processes::signal::{self, ToSend};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Where the services are.
#[derive(Clone, Debug, Args)]
pub(crate) struct Controlled {
    /// Folder of the services' control places.
    ///
    /// [default: /run/service] [env: MUSTER_CONTROL]
    #[arg(long, value_name = "DIR")]
    control: Option<PathBuf>,
}

impl Controlled {
    /// The flag's folder, else the variable's, else s6-overlay's.
    pub(crate) fn dir(&self) -> PathBuf {
        let variable = || std::env::var_os("MUSTER_CONTROL").filter(|value| !value.is_empty());
        let given = self.control.clone().or_else(|| variable().map(PathBuf::from));
        given.unwrap_or_else(|| PathBuf::from(crate::supervision::PLACES))
    }
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Only these services.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    /// Go on, with each service's share of a processor; Ctrl-C ends it. JSON comes as one object per line.
    #[arg(long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) controlled: Controlled,
}

#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// Services to start.
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Wait until they are up.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Wait no longer than this, e.g. 10s.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, requires = "wait")]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) controlled: Controlled,
}

#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// Services to stop.
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Do not wait until they are down.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Wait no longer than this, e.g. 10s; they are still to stop.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, conflicts_with = "no_wait")]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) controlled: Controlled,
}

#[derive(Debug, Args)]
pub(crate) struct RestartArgs {
    /// Services to restart; what is down is started.
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Do not wait until they are up again.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Wait no longer than this, e.g. 10s; what was asked for holds.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, conflicts_with = "no_wait")]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) controlled: Controlled,
}

#[derive(Debug, Args)]
pub(crate) struct SignalArgs {
    /// Service whose process gets it.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Name or number, e.g. HUP, SIGHUP or 1.
    #[arg(value_name = "SIGNAL", value_parser = signal::parse)]
    pub(crate) signal: ToSend,
    #[command(flatten)]
    pub(crate) controlled: Controlled,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// Only these services; without a name all, and what syslog clients send.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Go on with what follows; Ctrl-C ends it.
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// So many of the last lines.
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 100)]
    pub(crate) lines: usize,
    /// Each line's time before it.
    #[arg(long, short)]
    pub(crate) timestamps: bool,
    /// Form of the answer; JSON comes as one object per line.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) controlled: Controlled,
}

#[derive(Debug, Args)]
pub(crate) struct TreeArgs {
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) controlled: Controlled,
}
