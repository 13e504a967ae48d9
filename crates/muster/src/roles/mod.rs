//! Processes that run until they are told to stop: configuration first, then the log, then the role.

pub(crate) mod agent;
pub(crate) mod log;
pub(crate) mod proxy;

use crate::config::check::{Purpose, Role, check};
use crate::config::{Settings, Sources, load, views};
use crate::inspect::check::refuse;
use crate::logging::{self, LevelSwitch, Syslog};
use muster_agent::LogBook;
use std::process::ExitCode;

/// The settings of a role that may start, its log running, and the switch of that; else how the process ends.
fn prepare(
    sources: &Sources,
    role: Role,
    book: Option<LogBook>,
) -> Result<(Settings, LevelSwitch), ExitCode> {
    let loaded = load(sources);
    let findings = check(&loaded.settings, &[role], Purpose::Start);
    if let Some(end) = refuse(findings.problems_after(&loaded.problems)) {
        return Err(end);
    }
    let log = views::log(&loaded.settings);
    let system = match views::syslog(&loaded.settings).filter(|_| book.is_some()) {
        None => None,
        Some(facility) => match Syslog::open("muster", facility, logging::level_in_serfs_words(log.level)) {
            Ok(system) => Some(system),
            Err(why) => return Err(crate::out::fail(&why)),
        },
    };
    let switch = logging::start(log, book, system);
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    Ok((loaded.settings, switch))
}
