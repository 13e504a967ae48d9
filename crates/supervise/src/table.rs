//! The life of a service: what each event means in each state, for both kinds. The idea of a table with every pair in it is
//! s6-supervise's (`actions` in `src/supervision/s6-supervise.c`).
//!
//! A rule names an [`Act`] and nothing else; [`crate::life`] performs it. That keeps the whole behaviour on one screen, which the
//! documentation shows ([`markdown`]) and the tests walk through.

use alloc::string::String;
use core::fmt::Write;

/// Where a service stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// No process, and none wanted.
    Down,
    /// No process now; one will be started when the pause is over.
    Waiting,
    /// Its process runs, and is not known to be ready; a oneshot's command runs that brings it up.
    Starting,
    /// Its process runs and is ready; a oneshot has been brought up.
    Ready,
    /// Told to end and still running; a oneshot's command runs that takes it down.
    Stopping,
    /// Killed, and not yet gone; a oneshot's command that was interrupted.
    Killing,
    /// Its process ended, its `finish` runs.
    Finishing,
    /// Its `finish` took too long and was killed, and is not yet gone.
    Clearing,
    /// No process, and none will be started by itself: it failed too often, or its command failed.
    Failed,
}

/// What can happen to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Somebody wants it up, for good.
    Up,
    /// Somebody wants it up, and not again when it ended.
    Once,
    /// Somebody wants it down.
    Down,
    /// It is ready.
    Ready,
    /// It is not ready any more.
    Unready,
    /// The process that the state speaks of ended.
    Ended,
    /// The process that was to be started could not be.
    Refused,
    /// The time of this state is over.
    Timeout,
}

/// What is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    Ignore,
    /// It cannot happen; nothing is done.
    Never,
    /// What is wanted is noted, and decides when the process that runs has ended.
    Note,
    /// Start its process (a oneshot: the command that brings it up).
    Start,
    /// Ask its process to end (a oneshot: start the command that takes it down).
    Stop,
    /// Ask the command to end that brings a oneshot up: it is not wanted any more.
    Interrupt,
    /// Kill its process.
    Kill,
    /// Its process is ready.
    MarkReady,
    /// Its process is not ready any more.
    MarkUnready,
    /// Say that it is not ready in time; it may still become so.
    MarkLate,
    /// Its process ended: start `finish`, or go on to what was wanted.
    Finish,
    /// All that ran has ended: down, wait, or give up, as wanted and by the policy.
    Settle,
    /// No longer wait for its next start.
    Rest,
}

/// All states, in the order of the table.
pub const STATES: [State; 9] = [
    State::Down,
    State::Waiting,
    State::Starting,
    State::Ready,
    State::Stopping,
    State::Killing,
    State::Finishing,
    State::Clearing,
    State::Failed,
];

/// All events, in the order of the table.
pub const EVENTS: [Event; 8] = [
    Event::Up,
    Event::Once,
    Event::Down,
    Event::Ready,
    Event::Unready,
    Event::Ended,
    Event::Refused,
    Event::Timeout,
];

/// What an event means to a longrun.
#[rustfmt::skip]
pub const fn longrun(state: State, event: Event) -> Act {
    use Act::{Finish, Ignore, Kill, MarkLate, MarkReady, MarkUnready, Never, Note, Rest, Settle, Start, Stop};
    let row = match state {
        // on                 Up     Once   Down  Ready      Unready      Ended   Refused Timeout
        State::Down =>      [Start, Start, Note, Ignore,    Ignore,      Never,  Never,  Never],
        State::Waiting =>   [Start, Start, Rest, Ignore,    Ignore,      Never,  Never,  Start],
        State::Starting =>  [Note,  Note,  Stop, MarkReady, Ignore,      Finish, Settle, MarkLate],
        State::Ready =>     [Note,  Note,  Stop, Ignore,    MarkUnready, Finish, Settle, Never],
        State::Stopping =>  [Note,  Note,  Note, Ignore,    Ignore,      Finish, Never,  Kill],
        State::Killing =>   [Note,  Note,  Note, Ignore,    Ignore,      Finish, Never,  Kill],
        State::Finishing => [Note,  Note,  Note, Ignore,    Ignore,      Settle, Settle, Kill],
        State::Clearing =>  [Note,  Note,  Note, Ignore,    Ignore,      Settle, Never,  Kill],
        State::Failed =>    [Start, Start, Rest, Ignore,    Ignore,      Never,  Never,  Never],
    };
    row[event as usize]
}

/// What an event means to a oneshot.
#[rustfmt::skip]
pub const fn oneshot(state: State, event: Event) -> Act {
    use Act::{Ignore, Interrupt, Kill, Never, Note, Rest, Settle, Start, Stop};
    let row = match state {
        // on                Up     Once   Down       Ready   Unready Ended   Refused Timeout
        State::Down =>     [Start, Start, Note,      Ignore, Ignore, Never,  Never,  Never],
        State::Waiting =>  [Start, Start, Rest,      Ignore, Ignore, Never,  Never,  Start],
        State::Starting => [Note,  Note,  Interrupt, Ignore, Ignore, Settle, Settle, Kill],
        State::Ready =>    [Note,  Note,  Stop,      Ignore, Ignore, Never,  Never,  Never],
        State::Stopping => [Note,  Note,  Note,      Ignore, Ignore, Settle, Settle, Kill],
        State::Killing =>  [Note,  Note,  Note,      Ignore, Ignore, Settle, Never,  Kill],
        State::Failed =>   [Start, Start, Rest,      Ignore, Ignore, Never,  Never,  Never],
        State::Finishing | State::Clearing => [Never; 8],
    };
    row[event as usize]
}

/// A table as Markdown, for the documentation.
pub fn markdown(rules: fn(State, Event) -> Act) -> String {
    let mut text = String::from("| |");
    for event in EVENTS {
        let _ = write!(text, " {event:?} |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(EVENTS.len()));
    text.push('\n');
    for state in STATES {
        if EVENTS.iter().all(|event| rules(state, *event) == Act::Never) {
            continue;
        }
        let _ = write!(text, "| **{state:?}** |");
        for event in EVENTS {
            match rules(state, event) {
                Act::Ignore => text.push_str(" |"),
                Act::Never => text.push_str(" - |"),
                act => {
                    let _ = write!(text, " {act:?} |");
                }
            }
        }
        text.push('\n');
    }
    text
}
