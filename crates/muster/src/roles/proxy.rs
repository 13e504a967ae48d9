//! `muster proxy`.

use crate::cli::ProxyArgs;
use crate::config::check::Role;
use crate::config::views;
use crate::{exit, out};
use std::process::ExitCode;

pub(crate) fn run(args: ProxyArgs) -> ExitCode {
    let settings = match super::prepare(&args.configured.sources(), Role::Proxy, None) {
        Ok(settings) => settings,
        Err(end) => return end,
    };
    match muster_proxy::run(views::proxy(&settings)) {
        Ok(()) => exit::CLEAN,
        Err(error) => out::fail(&error),
    }
}
