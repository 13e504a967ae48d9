//! The command line of `muster proxy`.

use super::args::Configured;
use super::scope;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct ProxyArgs {
    /// Balance by HAProxy's own file, in place of muster.toml.
    ///
    /// A directory stands for all its *.cfg files; repeat for more. What Muster does not do is refused with its line, the reason
    /// and what to do. Called as `haproxy`, Muster takes HAProxy's other flags too.
    #[arg(short = 'f', value_name = "FILE|DIR")]
    pub(crate) haproxy_files: Vec<PathBuf>,
    /// Only check these files.
    #[arg(short = 'c', requires = "haproxy_files")]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) configured: Configured<scope::Proxy>,
}
