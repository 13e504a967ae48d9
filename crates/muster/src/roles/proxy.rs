//! `muster proxy`.

use crate::cli::ProxyArgs;
use crate::config::check::{Role, check};
use crate::config::views;
use crate::{exit, haproxy, out};
use muster_proxy::{Error, Reload};
use std::process::ExitCode;
use std::sync::Arc;

pub(crate) fn run(args: ProxyArgs) -> ExitCode {
    if !args.haproxy_files.is_empty() {
        if let Some((key, _)) = args.configured.sources().given.first() {
            out::say(&format_args!("--{} does not go with -f: the file says it all", key.flag));
            return exit::invalid();
        }
        return haproxy::by_files(args.haproxy_files, args.check);
    }
    let sources = args.configured.sources();
    let (settings, switch) = match super::prepare(&sources, Role::Proxy, None) {
        Ok(settings) => settings,
        Err(end) => return end,
    };
    let reload: Reload = Arc::new(move || {
        let settings = super::agent::reread(&sources, Role::Proxy, check)?;
        switch.set(views::log(&settings).level);
        Ok(views::proxy(&settings))
    });
    match muster_proxy::run(views::proxy(&settings), Some(&reload)) {
        Ok(()) => exit::CLEAN,
        // Somebody has to say or to change something: trying again is no use.
        Err(Error::Distrust(distrust)) => {
            out::say(&distrust);
            exit::invalid()
        }
        Err(error) => out::fail(&error),
    }
}
