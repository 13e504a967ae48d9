//! The words behind `muster history`.

use super::{Configured, Format, scope};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// About this node only.
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,
    /// From this time on: how long ago (1h), or when (2026-11-27T03:12:00Z).
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Of these kinds, with commas between them.
    #[arg(long, value_name = "KIND,KIND")]
    pub(crate) kind: Option<String>,
    /// Most facts: the last ones.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: Option<u32>,
    /// Show the cluster as it was at this time.
    #[arg(long, value_name = "TIME", conflicts_with_all = ["node", "since", "until", "kind", "limit", "follow"])]
    pub(crate) at: Option<String>,
    /// Go on with what happens from now on.
    #[arg(long)]
    pub(crate) follow: bool,
    /// Read this file, and ask no agent.
    #[arg(long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
    /// Form of the answer.
    #[arg(long, value_enum, value_name = "WORD", ignore_case = true, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Node>,
}
