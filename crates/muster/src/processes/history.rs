//! `supervise/history`: how often a service was started and how it ended, as `muster init` writes it beside the status. A real s6
//! has no such file. Pure.
//!
//! Lines: `starts=N`; `exit=TEXT`, the newest last.

/// What is remembered of a service.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct History {
    /// How often it was started.
    pub(super) starts: Option<u64>,
    /// How it ended, the newest last.
    pub(super) exits: Vec<String>,
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
            Some(("exit", text)) => history.exits.push(text.trim().chars().take(EXIT_LENGTH_MAX).collect()),
            _ => {}
        }
    }
    let old = history.exits.len().saturating_sub(EXITS_MAX);
    history.exits.drain(..old);
    history
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_and_ends_are_read_and_the_rest_is_passed_over() {
        let history = parse("starts=3\nexit=exit code 1\nlater=x\nnothing\nexit= signal 9 = KILL \n");
        assert_eq!(history.starts, Some(3));
        assert_eq!(history.exits, ["exit code 1", "signal 9 = KILL"]);
        assert_eq!(parse("starts=many"), History::default());
        assert_eq!(parse(""), History::default());
    }

    #[test]
    fn only_the_newest_count() {
        let text: String = (0..20).map(|n| format!("exit={n}\n")).collect();
        let exits = parse(&text).exits;
        assert!(exits.len() == EXITS_MAX && exits.last().is_some_and(|last| last == "19"), "{exits:?}");
        let long = parse(&format!("exit={}", "é".repeat(1000)));
        assert_eq!(long.exits[0].chars().count(), EXIT_LENGTH_MAX);
    }
}
