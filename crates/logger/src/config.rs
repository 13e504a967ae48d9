//! What `muster log` is told.

use std::path::PathBuf;

use muster_logs::{Collector, Form, Limits, Listen, PipeSpec, Rule};

/// See the module's page.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// How lines are written, to standard output and to files.
    pub form: Form,
    /// Write to standard output?
    pub stdout: bool,
    /// Where a file for each service is.
    pub folder: Option<PathBuf>,
    /// When a file is full, and how many full ones are kept.
    pub limits: Limits,
    /// Where everything is forwarded to.
    pub collector: Option<Collector>,
    /// Where programs send syslog messages to.
    pub listen: Vec<Listen>,
    /// Where those messages go; without a rule that matches, to standard output and to the collector.
    pub rules: Vec<Rule>,
    /// Where the last lines can be read; nowhere, if it is not said.
    pub readers: Option<PathBuf>,
    /// The pipes of the services, inherited.
    pub pipes: Vec<PipeSpec>,
    /// Name of this host, for the collector.
    pub host: String,
}
