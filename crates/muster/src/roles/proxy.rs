//! `muster proxy`.

use crate::cli::ProxyArgs;
use crate::config::check::Role;
use crate::config::views;
use crate::{exit, out};
use muster_proxy::Error;
use std::process::ExitCode;

pub(crate) fn run(args: ProxyArgs) -> ExitCode {
    let (settings, _) = match super::prepare(&args.configured.sources(), Role::Proxy, None) {
        Ok(settings) => settings,
        Err(end) => return end,
    };
    match muster_proxy::run(views::proxy(&settings)) {
        Ok(()) => exit::CLEAN,
        // Somebody has to say or to change something: trying again is no use.
        Err(Error::Distrust(distrust)) => {
            out::say(&distrust);
            exit::invalid()
        }
        Err(error) => out::fail(&error),
    }
}
