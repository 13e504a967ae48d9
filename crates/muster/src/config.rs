//! Flags, environment and files into what the roles are told.

use crate::cli::{CheckArgs, ConfigArgs};
use std::process::ExitCode;

pub(crate) fn check(_: CheckArgs) -> ExitCode {
    crate::exit::invalid()
}
pub(crate) fn config(_: ConfigArgs) -> ExitCode {
    crate::exit::invalid()
}
