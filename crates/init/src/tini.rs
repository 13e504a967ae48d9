//! `muster -- COMMAND`, and the program called as `tini`: PID 1 for one command. Signals go to it, orphans are reaped, its exit code is
//! ours. No file is read and nothing but the command is needed.

use std::ffi::OsString;

use muster_supervise::{Restart, Service, Whom};

use crate::init;
use crate::plan::{Entry, Exec, Plan, Verbosity};

/// What can be chosen about it; tini's flags and variables say the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Signals go to the command's process group (tini's `-g`).
    pub group: bool,
    /// Exit codes that are made 0 (tini's `-e`).
    pub as_zero: Vec<u8>,
}

/// Runs the command; returns its exit code.
pub fn run(command: Vec<OsString>, options: &Options) -> u8 {
    let service = Service {
        critical: true,
        restart: Restart::Never,
        whom: if options.group { Whom::Group } else { Whom::Process },
        ..Service::longrun("command")
    };
    let entry =
        Entry { main: Some(Exec::of(command)), is_command: true, is_public: false, ..Entry::new(service) };
    let plan = Plan { verbosity: Verbosity::Quiet, passes_all_signals: true, ..Plan::of(vec![entry]) };
    let code = init::run_plan(plan);
    if options.as_zero.contains(&code) { 0 } else { code }
}
