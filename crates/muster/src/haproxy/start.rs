//! Running by a file.

use super::flags::Asked;
use super::translate::{self, Names};
use super::{REFUSED, say};
use crate::config::{Settings, Sources, load, views};
use crate::{exit, logging};
use muster_haproxy_file::File;
use std::net::SocketAddr;
use std::process::ExitCode;

/// Runs until it is told to stop.
pub(super) fn run(asked: &Asked, file: &File) -> ExitCode {
    if let Err(why) = can_be(asked, file) {
        say(&why);
        return ExitCode::from(REFUSED);
    }
    let settings = defaults();
    logging::start(views::log(&settings), None, None);
    let names = match look_up(file) {
        Ok(names) => names,
        Err(why) => {
            say(&why);
            return ExitCode::from(REFUSED);
        }
    };
    let config = translate::config(views::proxy(&settings), file, &names);
    let pidfile = asked.pidfile.clone().or_else(|| file.global.pidfile.as_ref().map(Into::into));
    if let Some(path) = &pidfile
        && let Err(cause) = std::fs::write(path, format!("{}\n", std::process::id()))
    {
        say(&format!("cannot write the process id to {}: {cause}", path.display()));
        return ExitCode::from(REFUSED);
    }
    match muster_proxy::run(config, None) {
        Ok(()) => exit::CLEAN,
        Err(error) => {
            say(&error.to_string());
            ExitCode::from(REFUSED)
        }
    }
}

/// Flags that cannot be followed yet when it comes to running.
fn can_be(asked: &Asked, file: &File) -> Result<(), String> {
    if asked.ends.as_ref().is_some_and(|ends| !ends.pids.is_empty()) {
        return Err("-sf and -st are not done yet: stop the old process, or let `muster run` or systemd hold the sockets".into());
    }
    if (asked.daemon || file.global.daemon) && !asked.foreground {
        return Err("going to the background is not done: leave out -D and `daemon`, or add -db, and let what starts this keep it".into());
    }
    Ok(())
}

/// What holds where the file says nothing: our defaults, and what the environment says of our own log.
fn defaults() -> Settings {
    let of_log = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        let name = name.into_string().ok().filter(|name| name.starts_with("MUSTER_LOG__"))?;
        Some((name, value))
    };
    let env = std::env::vars_os().filter_map(of_log).collect();
    let nowhere = "/nonexistent".into();
    load(&Sources { config: None, serf: Vec::new(), given: Vec::new(), env, directory: nowhere }).settings
}

/// The addresses of servers that have names: the first of each, as HAProxy takes it.
fn look_up(file: &File) -> Result<Names, String> {
    let wanted = translate::names(file);
    let mut names = Names::new();
    if wanted.is_empty() {
        return Ok(names);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| format!("cannot look names up: {cause}"))?;
    for (name, port, place) in wanted {
        let found = runtime.block_on(muster_agent::addresses_of(&name));
        let all = found.map_err(|why| format!("{place}: the address of `{name}` is not known: {why}"))?;
        let ip = *all.first().ok_or_else(|| format!("{place}: `{name}` has no address"))?;
        names.insert((name, port), SocketAddr::new(ip, port));
    }
    Ok(names)
}
