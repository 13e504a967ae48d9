//! One command, answered.
//!
//! HAProxy writes a blank line behind each answer, since tools with a prompt look for it.

use crate::facts::{Facts, Missing, Server};
use crate::info;
use crate::servers::{self, List};
use crate::session::{Level, Session};
use crate::set_server::{self, Change};
use crate::stat::{self, Form, Wanted};
use crate::table;
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::time::Duration;

const DENIED: &str = "Permission denied\n";

/// Where facts come from. A command asks for no more than it needs.
pub trait Board {
    /// All.
    fn facts(&self) -> Rc<Facts>;

    /// One server.
    ///
    /// # Errors
    /// What of its name there is not.
    fn server(&self, backend: &str, server: &str) -> Result<Server, Missing>;
}

/// What is told, and what is to be done before the next command.
pub struct Answer {
    /// The text, in pieces, without the prompt behind it.
    pub text: Box<dyn Iterator<Item = String>>,
    /// What changes.
    pub change: Option<Change>,
}

impl Answer {
    pub(crate) fn text(text: String) -> Self {
        Self { text: Box::new(core::iter::once(text)), change: None }
    }

    /// A sentence and the blank line.
    pub(crate) fn said(words: &str) -> Self {
        Self::text(format!("{words}\n"))
    }

    /// Nothing but the blank line.
    fn done(change: Change) -> Self {
        Self { change: Some(change), ..Self::said("") }
    }
}

/// The lowest level at which a command is obeyed; HAProxy's (management guide, 9.3).
fn level(command: &str, rest: &[&str]) -> Level {
    match command {
        "disable frontend" | "disable server" | "enable frontend" | "enable server" | "set server"
        | "set weight" => Level::Admin,
        "clear counters" if rest.first() == Some(&"all") => Level::Admin,
        "clear counters" | "operator" => Level::Operator,
        _ => Level::User,
    }
}

/// Answers a command of `session`.
pub fn answer(session: &mut Session, words: &[String], board: &dyn Board) -> Answer {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some((command, count)) = table::find(&words) else {
        return Answer::said(&table::unknown(&words));
    };
    let rest = &words[count..];
    if session.level() < level(command, rest) {
        return Answer::said(DENIED);
    }
    match command {
        "help" | "?" => Answer::said(&table::help(rest)),
        "prompt" => {
            session.toggle_prompt();
            Answer::said("")
        }
        "quit" => {
            session.quit();
            Answer::text(String::new())
        }
        "user" => lowered(session, Level::User),
        "operator" => lowered(session, Level::Operator),
        "show cli level" => Answer::said(&format!("{}\n", session.level().name())),
        "set timeout" => timeout(session, rest),
        "show version" => Answer::said(&format!("{}\n", info::version(&board.facts().process))),
        "show info" => Answer::text(info::show(&board.facts(), Form::of(rest))),
        "show backend" => Answer::said(&backends(&board.facts())),
        "show stat" => {
            let facts = board.facts();
            match Wanted::read(rest, &facts, session.level()) {
                Ok(wanted) => Answer { text: stat::show(facts, wanted), change: None },
                Err(words) => Answer::said(words),
            }
        }
        "show servers state" => listed(board, List::State, rest),
        "show servers conn" => listed(board, List::Connections, rest),
        "clear counters" => Answer::done(Change::Clear { all: rest.first() == Some(&"all") }),
        "enable frontend" => frontend(board, rest, false),
        "disable frontend" => frontend(board, rest, true),
        command => set_server::answer(command, rest, board),
    }
}

fn lowered(session: &mut Session, level: Level) -> Answer {
    session.lower(level);
    Answer::said("")
}

fn timeout(session: &mut Session, rest: &[&str]) -> Answer {
    match rest {
        ["cli", delay, ..] => {
            // In seconds unless a unit follows, for once.
            let end = delay.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(delay.len());
            let unit = match &delay[end..] {
                "ms" => 1,
                "" | "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                _ => 0,
            };
            let ms = delay[..end].parse::<u32>().ok().and_then(|number| u64::from(number).checked_mul(unit));
            match ms.filter(|ms| *ms > 0) {
                Some(ms) => {
                    session.set_timeout(Duration::from_millis(ms.min(86_400_000)));
                    Answer::said("")
                }
                None => Answer::said("Invalid timeout value.\n"),
            }
        }
        ["cli"] => Answer::said("Expects an integer value.\n"),
        _ => Answer::said("'set timeout' only supports 'cli'.\n"),
    }
}

fn backends(facts: &Facts) -> String {
    let mut all = String::from("# name\n");
    for proxy in facts.proxies.iter().filter(|proxy| proxy.backend.is_some()) {
        let _ = writeln!(all, "{}", proxy.name);
    }
    all
}

fn listed(board: &dyn Board, list: List, rest: &[&str]) -> Answer {
    match servers::show(board.facts(), list, rest.first().copied()) {
        Ok(text) => Answer { text, change: None },
        Err(words) => Answer::said(words),
    }
}

fn frontend(board: &dyn Board, rest: &[&str], pauses: bool) -> Answer {
    let Some(name) = rest.first() else { return Answer::said("A frontend name is expected.\n") };
    let facts = board.facts();
    let named = facts.numbered().find(|(id, proxy)| {
        let number = name.strip_prefix('#').and_then(|number| number.parse::<usize>().ok());
        proxy.front.is_some() && (proxy.name == *name || number == Some(*id))
    });
    let Some((_, proxy)) = named else { return Answer::said("No such frontend.\n") };
    match (proxy.front.as_ref().is_some_and(|front| front.is_paused), pauses) {
        (true, true) => Answer::said("All sockets are already disabled.\n"),
        (false, false) => Answer::said("All sockets are already enabled.\n"),
        _ => Answer::done(Change::Pause { front: proxy.name.clone(), is_paused: pauses }),
    }
}
