//! Sections that exist once for each name a person gives: `[services.NAME]`, `[processes.NAME]`, `[templates.NAME]`,
//! `[proxy.frontends.NAME]`. Neither a flag nor a variable could
//! name them, so their keys stand in files only.

use super::key::{Key, Section};
use super::keys;

/// Which kind of such sections.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Family {
    /// `[services.NAME]`: who may serve a service.
    Services,
    /// `[processes.NAME]`: what PID 1 keeps running.
    Processes,
    /// `[templates.NAME]`: which files are made of templates.
    Templates,
    /// `[proxy.frontends.NAME]`: where clients of the proxy come, and what becomes of them.
    Frontends,
}

impl Family {
    /// In the order of the file.
    pub(crate) const ALL: [Self; 4] = [Self::Services, Self::Processes, Self::Templates, Self::Frontends];

    /// Before the last dot.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Processes => "processes",
            Self::Templates => "templates",
            Self::Frontends => "proxy.frontends",
        }
    }

    /// The keys of each such section, in the order of the file.
    pub(crate) const fn table(self) -> &'static [&'static Key] {
        match self {
            Self::Services => keys::service::TABLE,
            Self::Processes => keys::process::TABLE,
            Self::Templates => keys::template::TABLE,
            Self::Frontends => keys::frontend::TABLE,
        }
    }

    /// How many there may be.
    pub(crate) const fn max(self) -> usize {
        match self {
            Self::Services => keys::service::SERVICES_MAX,
            Self::Processes => keys::process::PROCESSES_MAX,
            Self::Templates => keys::template::TEMPLATES_MAX,
            Self::Frontends => keys::frontend::FRONTENDS_MAX,
        }
    }

    /// Whether somebody may be called so.
    pub(crate) fn check_name(self, name: &str) -> Result<(), String> {
        match self {
            Self::Services => muster_fleet::check_service_name(name).map_err(|why| why.to_string()),
            Self::Processes => check_plain_name("a process", name),
            Self::Templates => check_plain_name("a group of templates", name),
            Self::Frontends => check_plain_name("a frontend", name),
        }
    }

    /// Whose key that is.
    pub(crate) const fn of(section: Section) -> Option<Self> {
        match section {
            Section::Service => Some(Self::Services),
            Section::Process => Some(Self::Processes),
            Section::Template => Some(Self::Templates),
            Section::Frontend => Some(Self::Frontends),
            Section::Node
            | Section::Run
            | Section::Agent
            | Section::Proxy
            | Section::Haproxy
            | Section::Admin
            | Section::History
            | Section::Log
            | Section::Logs => None,
        }
    }
}

/// A process's name becomes a folder (its control place) and stands in front of lines of the log; a group's names a sink.
fn check_plain_name(what: &str, name: &str) -> Result<(), String> {
    const BYTES_MAX: usize = 64;
    let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > BYTES_MAX || name.starts_with('.') || !name.chars().all(is_fine) {
        return Err(format!(
            "{what} is named by at most {BYTES_MAX} letters, digits, dots, dashes and underscores, and not by a dot first"
        ));
    }
    Ok(())
}
