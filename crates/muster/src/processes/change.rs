//! `muster start`, `stop`, `restart`.

use super::control::tell;
use super::places::{Place, Places, Trouble, is_up};
use super::status::rows::exit_words;
use super::wait::{Waited, Wanted, wait};
use crate::cli::{RestartArgs, StartArgs, StopArgs};
use crate::{exit, out};
use muster_init::status::Status;
use std::process::ExitCode;
use std::time::Duration;

pub(crate) fn start(args: StartArgs) -> ExitCode {
    let StartArgs { names, wait, timeout, controlled } = args;
    ended(
        change(controlled.dir(), &names, |place| {
            tell(place, b"u")?;
            Ok(Wanted::Up)
        })
        .and_then(|all| if wait { settle(&all, timeout) } else { Ok(exit::CLEAN) }),
    )
}

pub(crate) fn stop(args: StopArgs) -> ExitCode {
    let StopArgs { names, no_wait, timeout, controlled } = args;
    ended(
        change(controlled.dir(), &names, |place| {
            tell(place, b"d")?;
            Ok(Wanted::Down)
        })
        .and_then(|all| if no_wait { Ok(exit::CLEAN) } else { settle(&all, timeout) }),
    )
}

pub(crate) fn restart(args: RestartArgs) -> ExitCode {
    let RestartArgs { names, no_wait, timeout, controlled } = args;
    ended(
        change(controlled.dir(), &names, |place| {
            // Looked at before it is told, or its new process may pass for the old one.
            let before = place.status()?;
            let (letter, wanted) = how_to_restart(&before, place.tells_readiness(&before));
            tell(place, letter)?;
            Ok(wanted)
        })
        .and_then(|all| if no_wait { Ok(exit::CLEAN) } else { settle(&all, timeout) }),
    )
}

/// `r` is for what runs; s6 does nothing with it else.
fn how_to_restart(before: &Status, tells_readiness: bool) -> (&'static [u8], Wanted) {
    match is_up(before) {
        // One that runs its last time (`s6-svc -o`) is to run again, too.
        true => (
            if before.wanted_up { b"r" } else { b"ur" },
            Wanted::Another { before: (before.pid, before.since), ready: tells_readiness },
        ),
        false => (b"u", if tells_readiness { Wanted::Ready } else { Wanted::Up }),
    }
}

/// Does something to each service named, and what to wait for then.
fn change(
    dir: std::path::PathBuf,
    names: &[String],
    mut act: impl FnMut(&Place) -> Result<Wanted, Trouble>,
) -> Result<Vec<(Place, Wanted)>, Trouble> {
    // All names are known before anything is done.
    let places = Places::look(dir)?.named(names)?;
    places.into_iter().map(|place| act(&place).map(|wanted| (place, wanted))).collect()
}

fn settle(all: &[(Place, Wanted)], timeout: Option<Duration>) -> Result<ExitCode, Trouble> {
    Ok(match wait(all, timeout, |place, status| out::say(&patience(&place.name, status)))? {
        Waited::Met(statuses) => {
            let lines = all.iter().zip(&statuses).map(|((place, _), status)| line(&place.name, status));
            out::answer(&lines.collect::<String>())
        }
        Waited::Lost(name, why) => out::fail(&format_args!("`{name}` does not come up: {why}")),
        Waited::TimedOut(names) => {
            let names = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            out::fail(&format_args!(
                "{names}: not as wanted within {}; `muster status` shows where it stands, and what was asked for holds",
                humantime::format_duration(timeout.unwrap_or_default())
            ))
        }
    })
}

/// For whom it takes long.
fn patience(name: &str, status: &Status) -> String {
    let wants = if status.wanted_up { "up" } else { "down" };
    let is = match (status.pid, status.finishing) {
        (Some(pid), true) => format!("its finish script runs (pid {pid})"),
        (Some(pid), false) => format!("it runs (pid {pid})"),
        (None, _) => format!("it is down, and ended with {}", exit_words(status)),
    };
    format!("waiting for `{name}`: {is}, and is to be {wants}; Ctrl-C ends nothing but the waiting")
}

fn line(name: &str, status: &Status) -> String {
    match (status.pid, status.ready) {
        (None, _) => format!("{name} is down\n"),
        (Some(pid), true) => format!("{name} is ready (pid {pid})\n"),
        (Some(pid), false) => format!("{name} is up (pid {pid})\n"),
    }
}

fn ended(end: Result<ExitCode, Trouble>) -> ExitCode {
    end.unwrap_or_else(|trouble| out::fail(&trouble))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::status::rows::tests::status;

    #[test]
    fn what_is_down_is_started_and_what_runs_becomes_another_process() {
        let up = status(Some(7));
        let another = |ready| Wanted::Another { before: (up.pid, up.since), ready };
        assert_eq!(how_to_restart(&up, true), (&b"r"[..], another(true)));
        assert_eq!(how_to_restart(&Status { wanted_up: false, ..up }, false), (&b"ur"[..], another(false)));
        assert_eq!(how_to_restart(&status(None), false), (&b"u"[..], Wanted::Up));
        assert_eq!(how_to_restart(&Status { finishing: true, ..up }, true), (&b"u"[..], Wanted::Ready));
    }

    #[test]
    fn who_waits_long_is_told_for_what() {
        let told = patience("web", &status(None));
        assert!(
            told.starts_with("waiting for `web`: it is down, and ended with exit code 0, and is to be up;")
        );
        let told = patience("web", &Status { wanted_up: false, ..status(Some(7)) });
        assert!(told.starts_with("waiting for `web`: it runs (pid 7), and is to be down;"), "{told}");
    }

    #[test]
    fn what_came_of_it_is_one_line() {
        assert_eq!(line("web", &status(None)), "web is down\n");
        assert_eq!(line("web", &status(Some(7))), "web is up (pid 7)\n");
        assert_eq!(line("web", &Status { ready: true, ..status(Some(7)) }), "web is ready (pid 7)\n");
    }
}
