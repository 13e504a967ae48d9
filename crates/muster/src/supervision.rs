//! Everything that supervises processes: `muster init`, `muster -- COMMAND`, and the names by which containers know both.
//!
//! | called as | is |
//! |---|---|
//! | `muster init`, `/init` | s6-overlay's PID 1 |
//! | `muster -- COMMAND`, `tini` | tini |
//! | `with-contenv`, `s6-svc` and others | themselves ([`muster_init::applets`]) |
//! | `muster install` | what lays the links to all these names |
//!
//! PID 1 must be small in memory, so the command line's definitions are never built in it: words are looked at before.

mod install;
mod processes;
mod run;
mod tini;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use muster_init::{applets, folders};

use crate::cli::InitArgs;

pub(crate) use install::run as install;
pub(crate) use processes::problems;
pub(crate) use run::run as run_node;

/// Where control places are, as s6-overlay 3 has them.
pub(crate) const PLACES: &str = "/run/service";

/// Runs what the program's name or its first word asks for, unless that is Muster itself.
pub(crate) fn run_if_meant(words: &[OsString]) -> Option<ExitCode> {
    let (program, rest) = words.split_first()?;
    if let Some(applet) = applets::by_name(program) {
        return Some(ExitCode::from(applet(rest)));
    }
    let name = Path::new(program).file_name()?;
    let code = match (name.to_str(), rest.first()) {
        (Some("init"), _) => init(PathBuf::from("/etc"), Some(PLACES.into()), without_dashes(rest)),
        (Some("tini" | "tini-static"), _) => tini::run(rest),
        (_, Some(first)) if first == "--" => tini::run(rest),
        (Some("serf" | "haproxy" | "handlebars"), _) => return None,
        (_, first) => {
            let (_, applet) =
                applets::INTERNAL.iter().find(|(name, _)| first.is_some_and(|first| first == name))?;
            applet(&rest[1..])
        }
    };
    Some(ExitCode::from(code))
}

/// `muster init`.
pub(crate) fn run(args: InitArgs) -> ExitCode {
    let places = (!args.no_control).then_some(args.control);
    ExitCode::from(init(args.etc, places, args.command))
}

fn init(etc: PathBuf, places: Option<PathBuf>, command: Vec<OsString>) -> u8 {
    let source = folders::Source { etc, places, command };
    muster_init::run(|| folders::read(&source))
}

/// `/init -- COMMAND` is `/init COMMAND`.
fn without_dashes(words: &[OsString]) -> Vec<OsString> {
    match words.split_first() {
        Some((first, rest)) if first == "--" => rest.to_vec(),
        _ => words.to_vec(),
    }
}
