//! `muster check`.

use crate::cli::CheckArgs;
use crate::config::check::{Purpose, check};
use crate::config::{Loaded, load};
use crate::{exit, out};
use std::fmt::Display;
use std::process::ExitCode;

pub(crate) fn run(args: CheckArgs) -> ExitCode {
    let roles = args.roles.clone();
    let loaded = load(&args.sources());
    let findings = check(&loaded.settings, &roles, Purpose::Look);
    for note in loaded.warnings.iter().chain(&findings.notes) {
        out::say(&format_args!("note: {note}"));
    }
    match refuse(findings.problems_after(&loaded.problems)) {
        Some(end) => end,
        None => out::answer(&format!("The configuration is valid: {}.\n", read_from(&loaded))),
    }
}

/// Tells all problems; `None` when there are none.
pub(crate) fn refuse(problems: impl Iterator<Item = impl Display>) -> Option<ExitCode> {
    let mut count = 0;
    for problem in problems {
        out::say(&problem);
        count += 1;
    }
    match count {
        0 => return None,
        1 => out::say(&"the configuration is invalid; nothing was started"),
        n => out::say(&format_args!("the configuration is invalid ({n} problems); nothing was started")),
    }
    Some(exit::invalid())
}

fn read_from(loaded: &Loaded) -> String {
    match loaded.files.as_slice() {
        [] => "no file, only defaults, environment and flags".to_owned(),
        files => files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", "),
    }
}
