//! `muster agent`.

use crate::cli::AgentArgs;
use std::process::ExitCode;

pub(crate) fn run(_: AgentArgs) -> ExitCode {
    crate::exit::FAILED
}
