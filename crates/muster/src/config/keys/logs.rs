//! Keys of `[logs]`: what `muster log` does with the lines of services and of syslog clients. Our own log is `[log]`.

use super::{DAY, PLAIN, duration};
use crate::config::key::{Fallback, Key, Kind, Section};
use std::time::Duration;

const LOGS: Key = Key { section: Section::Logs, ..PLAIN };

pub(crate) static FORM: Key = Key {
    name: "form",
    flag: "form",
    kind: Kind::Word { words: &["prefix", "json", "plain"], also: &[] },
    fallback: Fallback::Is("prefix"),
    help: "Form of lines on standard output and in files: prefix, json or plain.\n\n\
           `prefix` is `NAME | line`, in files with the time before it; `json` an object per line with time, service, stream and \
           text; `plain` the line as it is. The collector gets RFC 5424 in any case.",
    ..LOGS
};

pub(crate) static STDOUT: Key = Key {
    name: "stdout",
    flag: "stdout",
    kind: Kind::Bool,
    fallback: Fallback::Is("true"),
    help: "Write lines to standard output, for `docker logs`.",
    ..LOGS
};

pub(crate) static FOLDER: Key = Key {
    name: "folder",
    flag: "folder",
    kind: Kind::Path,
    fallback: Fallback::Unset("no files"),
    help: "Folder with a file for each service, NAME.log.\n\n\
           It is made when it is not there. What is no safe file name in NAME is written %XX.",
    ..LOGS
};

pub(crate) static ROTATE_SIZE: Key = Key {
    name: "rotate_size",
    flag: "rotate-size",
    kind: Kind::Count { min: 4096, max: 1 << 50 },
    fallback: Fallback::Is("10485760"),
    help: "Most bytes of a file; the next line then begins a new one.\n\nThe full one becomes NAME.log.1, that one NAME.log.2, and so on.",
    ..LOGS
};

pub(crate) static ROTATE_AGE: Key = Key {
    name: "rotate_age",
    flag: "rotate-age",
    kind: duration(Duration::ZERO, Duration::from_secs(3660 * DAY.as_secs())),
    fallback: Fallback::Is("0s"),
    help: "How long a file is written to; 0s is for ever.\n\nThe first line after that begins a new one.",
    ..LOGS
};

pub(crate) static ROTATE_KEEP: Key = Key {
    name: "rotate_keep",
    flag: "rotate-keep",
    kind: Kind::Count { min: 1, max: 1000 },
    fallback: Fallback::Is("5"),
    help: "Full files kept of each service; the oldest is replaced.",
    ..LOGS
};

pub(crate) static COLLECTOR: Key = Key {
    name: "collector",
    flag: "collector",
    kind: Kind::Collector,
    fallback: Fallback::Unset("nothing is forwarded"),
    help: "Syslog that collects everything, in the form of RFC 5424: udp://IP:PORT, tcp://IP:PORT or unix:///PATH.\n\n\
           Nothing waits for it. While it is away, a mebibyte of lines is kept for it; more are dropped, and how many is told there and \
           on standard error. Over TCP each message is preceded by its length (RFC 6587).",
    ..LOGS
};

pub(crate) static LISTEN: Key = Key {
    name: "listen",
    flag: "syslog-listen",
    kind: Kind::LogListen,
    fallback: Fallback::Unset("nowhere"),
    help: "Where programs send syslog messages to: /dev/log or another path, udp://IP:PORT, tcp://IP:PORT; repeat for more.\n\n\
           Both forms are understood, RFC 3164 and RFC 5424. HAProxy's `log 127.0.0.1 local1 notice` wants udp://127.0.0.1:514.",
    ..LOGS
};

pub(crate) static READERS: Key = Key {
    name: "readers",
    flag: "readers",
    kind: Kind::Path,
    fallback: Fallback::Unset("`muster run`: `.logs` in its folder of control places"),
    help: "Unix socket at which `muster logs` reads the last lines.\n\n\
           For this user only. A mebibyte of lines is kept for it in memory.",
    ..LOGS
};

pub(crate) static RULES: Key = Key {
    name: "rules",
    flag: "rule",
    kind: Kind::LogRules,
    fallback: Fallback::Unset("all to standard output and to the collector"),
    help: "Which syslog messages go where, e.g. `local1.notice -> file:haproxy`; repeat for more.\n\n\
           FACILITY[,FACILITY...].LEVEL takes that level and worse, with `=` before it that level only; `*` is all. Targets are \
           `stdout`, `collector`, `file:NAME` in the folder, and `nowhere`. A message goes wherever a rule that matches says; one that \
           none matches goes to standard output and to the collector.",
    ..LOGS
};
