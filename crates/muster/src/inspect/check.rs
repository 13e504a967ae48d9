//! `muster check`.

use crate::cli::{CheckArgs, Subject};
use crate::config::check::{Purpose, check};
use crate::config::{Loaded, haproxy, load};
use crate::{exit, out};
use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

pub(crate) fn run(args: CheckArgs) -> ExitCode {
    let (mut roles, mut files) = (Vec::new(), Vec::new());
    for subject in &args.subjects {
        match subject {
            Subject::Role(role) => roles.push(*role),
            Subject::Haproxy(path) => files.push(path.clone()),
        }
    }
    if let Some(end) = of_haproxy(&files) {
        return end;
    }
    if roles.is_empty() {
        return ExitCode::SUCCESS;
    }
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

/// Tells what is wrong with configurations of HAProxy; `None` when nothing is that keeps it from starting.
fn of_haproxy(files: &[PathBuf]) -> Option<ExitCode> {
    let mut is_refused = false;
    for path in files {
        let (refused, risky) = haproxy::lint(path).unwrap_or_else(|why| (vec![why], Vec::new()));
        risky.iter().for_each(|note| out::say(&format_args!("note: {note}")));
        refused.iter().for_each(|problem| out::say(problem));
        if refused.is_empty() {
            out::answer(&format!(
                "{} has nothing that every HAProxy of today refuses; `haproxy -c` knows the rest.\n",
                path.display()
            ));
        }
        is_refused |= !refused.is_empty();
    }
    is_refused.then(exit::invalid)
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
