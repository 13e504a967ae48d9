//! `supervise/history`: how often a service was started and how it ended, as `muster init` writes it beside the status. A real s6
//! has no such file. Pure.
//!
//! Lines: `starts=N`; `exit=SECONDS TEXT`, the time since 1970, the newest last.

use super::signal;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What is remembered of a service.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct History {
    /// How often it was started.
    pub(super) starts: Option<u64>,
    /// How it ended, the newest last.
    pub(super) exits: Vec<Exit>,
}

/// How it ended once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Exit {
    pub(super) at: Option<SystemTime>,
    pub(super) how: String,
}

/// Ends that are remembered.
const EXITS_MAX: usize = 8;
/// Longest text of an end, in characters.
const EXIT_LENGTH_MAX: usize = 200;

/// Reads it; lines of another release are passed over.
pub(super) fn parse(text: &str) -> History {
    let mut history = History::default();
    for line in text.lines() {
        match line.split_once('=') {
            Some(("starts", count)) => history.starts = count.trim().parse().ok(),
            Some(("exit", text)) => history.exits.push(exit(text.trim())),
            _ => {}
        }
    }
    let old = history.exits.len().saturating_sub(EXITS_MAX);
    history.exits.drain(..old);
    history
}

fn exit(text: &str) -> Exit {
    let time = |(seconds, how): (&str, _)| {
        let since = Duration::from_secs(seconds.parse().ok()?);
        // Beyond the year 9999, which no clock of ours says, a time has no text.
        UNIX_EPOCH.checked_add(since).filter(|_| since.as_secs() < 253_402_300_800).map(|at| (at, how))
    };
    let (at, how) = match text.split_once(' ').and_then(time) {
        Some((at, how)) => (Some(at), how),
        None => (None, text),
    };
    let how = how.trim();
    let how = match how.strip_prefix("signal ").map(str::parse) {
        // As everywhere else: nobody knows them by number.
        Some(Ok(number)) => format!("signal {}", signal::name(number)),
        _ => how.chars().take(EXIT_LENGTH_MAX).collect(),
    };
    Exit { at, how }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Option<SystemTime> {
        Some(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn starts_and_ends_are_read_and_the_rest_is_passed_over() {
        let history = parse("starts=3\nexit=17 exit code 1\nlater=x\nnothing\nexit= 18  signal 9 = KILL \n");
        assert_eq!(history.starts, Some(3));
        let exit = |at, how: &str| Exit { at, how: how.to_owned() };
        assert_eq!(history.exits, [exit(at(17), "exit code 1"), exit(at(18), "signal 9 = KILL")]);
        assert_eq!(parse("exit=exit code 1").exits, [exit(None, "exit code 1")]);
        for far in [u64::MAX.to_string(), "253402300800".into(), "-1".into()] {
            assert_eq!(parse(&format!("exit={far} x")).exits, [exit(None, &format!("{far} x"))]);
        }
        assert_eq!(parse("exit=1 signal 15").exits, [exit(at(1), "signal TERM")]);
        assert_eq!(parse("starts=many"), History::default());
        assert_eq!(parse(""), History::default());
    }

    #[test]
    fn only_the_newest_count() {
        let text: String = (0..20).map(|n| format!("exit={n} x\n")).collect();
        let exits = parse(&text).exits;
        assert!(exits.len() == EXITS_MAX && exits.last().is_some_and(|last| last.at == at(19)), "{exits:?}");
        let long = parse(&format!("exit={}", "é".repeat(1000)));
        assert_eq!(long.exits[0].how.chars().count(), EXIT_LENGTH_MAX);
    }
}
