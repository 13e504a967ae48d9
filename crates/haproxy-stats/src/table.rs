//! Which commands there are. Whoever asks for another one is shown these.

use alloc::string::String;
use core::fmt::Write;

/// The words of a command, and what `help` says of it.
pub(crate) const COMMANDS: [(&str, &str); 22] = [
    (
        "clear counters",
        "clear counters [all]                    : clear max statistics counters (or all counters)",
    ),
    ("disable frontend", "disable frontend <frontend>             : temporarily disable specific frontend"),
    (
        "disable server",
        "disable server (DEPRECATED)             : disable a server for maintenance (use 'set server' instead)",
    ),
    ("enable frontend", "enable frontend <frontend>              : re-enable specific frontend"),
    (
        "enable server",
        "enable server  (DEPRECATED)             : enable a disabled server (use 'set server' instead)",
    ),
    ("get weight", "get weight <bk>/<srv>                   : report a server's current weight"),
    (
        "operator",
        "operator                                : lower the level of the current CLI session to operator",
    ),
    (
        "set server",
        "set server <bk>/<srv> [opts]            : change a server's state, weight, address or ssl",
    ),
    ("set timeout", "set timeout [cli] <delay>               : change a timeout setting"),
    (
        "set weight",
        "set weight <bk>/<srv>  (DEPRECATED)     : change a server's weight (use 'set server' instead)",
    ),
    ("show backend", "show backend                            : list backends in the current running config"),
    (
        "show cli level",
        "show cli level                          : display the level of the current CLI session",
    ),
    ("show info", "show info [json|typed]*                 : report information about the running process"),
    (
        "show servers conn",
        "show servers conn [<backend>]           : dump server connections status (all or for a single backend)",
    ),
    (
        "show servers state",
        "show servers state [<backend>]          : dump volatile server information (all or for a single backend)",
    ),
    ("show stat", "show stat [json|no-maint|typed|up]*     : report counters for each proxy and server"),
    ("show version", "show version                            : show version of the current process"),
    ("user", "user                                    : lower the level of the current CLI session to user"),
    ("help", "help [<command>]                        : list matching or all commands"),
    ("?", ""),
    ("prompt", "prompt                                  : toggle interactive mode with prompt"),
    ("quit", "quit                                    : disconnect"),
];

/// Those that `help` always shows, at the end.
const ALWAYS: [&str; 3] = ["help", "prompt", "quit"];

/// The command that `words` are, and how many of them name it.
pub(crate) fn find(words: &[&str]) -> Option<(&'static str, usize)> {
    COMMANDS.iter().map(|(name, _)| *name).find_map(|name| {
        let count = name.split(' ').count();
        let is_it = words.len() >= count && name.split(' ').eq(words[..count].iter().copied());
        is_it.then_some((name, count))
    })
}

fn begins(name: &str, words: &[&str]) -> bool {
    let mut named = name.split(' ');
    words.iter().all(|word| named.next().is_none_or(|named| named == *word))
}

fn listed(out: &mut String, shows: impl Fn(&str) -> bool) {
    for (name, help) in COMMANDS.iter().filter(|(_, help)| !help.is_empty()) {
        if ALWAYS.contains(name) || shows(name) {
            let _ = writeln!(out, "  {help}");
        }
    }
}

/// What `help` says, with words behind it or without.
pub(crate) fn help(words: &[&str]) -> String {
    let mut out = String::from("The following commands are valid at this level:\n");
    listed(&mut out, |name| begins(name, words));
    out
}

/// What is said of words that are none of the commands.
pub(crate) fn unknown(words: &[&str]) -> String {
    let first = words.first().copied().unwrap_or_default();
    // `show acl`: others that begin so. `@1 show info`: what is meant behind it.
    let is_near = |name: &str| !first.is_empty() && name.split(' ').next() == Some(first);
    let mut out = String::new();
    if COMMANDS.iter().any(|(name, _)| is_near(name)) {
        out.push_str("Unknown command, but maybe one of the following ones is a better match:\n");
        listed(&mut out, is_near);
    } else {
        out.push_str("Unknown command. Please enter one of the following commands only:\n");
        listed(&mut out, |_| true);
    }
    out
}
