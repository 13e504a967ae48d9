//! `muster proxy`.

use crate::cli::ProxyArgs;
use std::process::ExitCode;

pub(crate) fn run(_: ProxyArgs) -> ExitCode {
    crate::exit::FAILED
}
