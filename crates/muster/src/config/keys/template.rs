//! Keys of `[templates.NAME]`: files that the agent makes whenever the fleet changes.

use super::PLAIN;
use crate::config::key::{Applies, Fallback, Key, Kind, Section};
use std::time::Duration;

/// In the order of the file.
pub(crate) static TABLE: &[&Key] = &[
    &FILES,
    &FOLDER,
    &FOLDER_CONTENT,
    &PARTIALS,
    &ESCAPE,
    &STRICT,
    &CHECK,
    &CHECK_WITHIN,
    &ON_CHANGE,
    &ACTION_WITHIN,
    &SETTLE,
    &SETTLE_MAX,
    &RETRY,
    &RETRY_MAX,
];

/// Most groups that may be named.
pub(crate) const TEMPLATES_MAX: usize = 256;

const TEMPLATE: Key = Key { section: Section::Template, applies: Applies::Live, ..PLAIN };
const TIME: Kind = Kind::Duration { min: Duration::ZERO, max: Duration::from_secs(3600) };
const PROGRAM_TIME: Kind = Kind::Duration { min: Duration::from_millis(10), max: Duration::from_secs(3600) };

pub(crate) static FILES: Key = Key {
    name: "files",
    kind: Kind::Tags,
    fallback: Fallback::Unset("none"),
    help: "Files of the group, each with the template that it is made from: `\"/etc/haproxy/haproxy.cfg\" = \
           \"/etc/muster/haproxy.cfg.hb\"`.\n\nAll of them are replaced, or none; each whole or not at all. While this node does \
           not yet know the whole cluster, only those that were not there before its agent are made.",
    ..TEMPLATE
};

pub(crate) static FOLDER: Key = Key {
    name: "folder",
    kind: Kind::Path,
    fallback: Fallback::Unset("none"),
    help: "Folder with a file for each node that may be sent requests, named by the node.\n\nAll but letters, digits, `-`, `_` \
           and `.` stands as `%HH` in the name of a file. Files of an earlier life are removed; what others put there is never \
           touched.",
    ..TEMPLATE
};

pub(crate) static FOLDER_CONTENT: Key = Key {
    name: "folder_content",
    kind: Kind::Text,
    fallback: Fallback::Is("{{host}} {{ip}}\n"),
    help: "Template of such a file's content; it knows `host`, `ip` and `port`.",
    ..TEMPLATE
};

pub(crate) static PARTIALS: Key = Key {
    name: "partials",
    kind: Kind::Tags,
    fallback: Fallback::Unset("none"),
    help: "Templates that others include as `{{> NAME}}`: a table of names and files.",
    ..TEMPLATE
};

pub(crate) static ESCAPE: Key = Key {
    name: "escape",
    kind: Kind::Word { words: &["haproxy", "nginx", "json", "shell", "html", "none"], also: &[] },
    fallback: Fallback::Unset("by the name of each file"),
    help: "How values are escaped.",
    ..TEMPLATE
};

pub(crate) static STRICT: Key = Key {
    name: "strict",
    kind: Kind::Bool,
    fallback: Fallback::Is("true"),
    help: "Whether unknown names in templates are errors; otherwise they show nothing.",
    ..TEMPLATE
};

pub(crate) static CHECK: Key = Key {
    name: "check",
    kind: Kind::Words,
    fallback: Fallback::Unset("none"),
    help: "Program that has to accept the new files with exit code 0 before they take their places, e.g. `haproxy -c -f \
           /etc/haproxy/haproxy.cfg`.\n\nWhere it names a file of the group, it gets the path of the new one.",
    ..TEMPLATE
};

pub(crate) static CHECK_WITHIN: Key = Key {
    name: "check_within",
    kind: PROGRAM_TIME,
    fallback: Fallback::Is("10s"),
    help: "Longest time that it may take.",
    ..TEMPLATE
};

pub(crate) static ON_CHANGE: Key = Key {
    name: "on_change",
    kind: Kind::Text,
    fallback: Fallback::Is("none"),
    help: "What follows when a file is another one.\n\n\
           `none`; `run COMMAND`: that ends with 0; `signal PROCESS SIGNAL` and `restart PROCESS`: a process of `muster run` or \
           `muster init`. When it fails, the old files come back and it is done again for them.",
    ..TEMPLATE
};

pub(crate) static ACTION_WITHIN: Key = Key {
    name: "action_within",
    kind: PROGRAM_TIME,
    fallback: Fallback::Is("10s"),
    help: "Longest time that it may take.",
    ..TEMPLATE
};

pub(crate) static SETTLE: Key = Key {
    name: "settle",
    kind: TIME,
    fallback: Fallback::Is("50ms"),
    help: "Time without a change of the fleet after which files are made.",
    ..TEMPLATE
};

pub(crate) static SETTLE_MAX: Key = Key {
    name: "settle_max",
    kind: TIME,
    fallback: Fallback::Is("500ms"),
    help: "Time after the first of several changes after which they are made anyway.",
    ..TEMPLATE
};

pub(crate) static RETRY: Key = Key {
    name: "retry",
    kind: PROGRAM_TIME,
    fallback: Fallback::Is("1s"),
    help: "Pause after a failed attempt, the first time; each further one in a row is twice as long.\n\nA template that somebody \
           changes is tried at once.",
    ..TEMPLATE
};

pub(crate) static RETRY_MAX: Key = Key {
    name: "retry_max",
    kind: PROGRAM_TIME,
    fallback: Fallback::Is("30s"),
    help: "Longest such pause.",
    ..TEMPLATE
};
