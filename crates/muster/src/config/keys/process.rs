//! Keys of `[processes.NAME]`: what `muster run` keeps running.

use super::PLAIN;
use crate::config::key::{Fallback, Key, Kind, Section};
use std::time::Duration;

/// In the order of the file.
pub(crate) static TABLE: &[&Key] = &[
    &COMMAND,
    &DIRECTORY,
    &ENVIRONMENT,
    &USER,
    &GROUPS,
    &LIMITS,
    &PORT,
    &SERVICE,
    &REPLICAS,
    &START,
    &AFTER,
    &READY,
    &READY_EVERY,
    &READY_STEADY,
    &READY_TIMEOUT,
    &READY_RISE,
    &READY_FALL,
    &READY_WITHIN,
    &ALIVE,
    &ALIVE_EVERY,
    &ALIVE_TIMEOUT,
    &ALIVE_FALL,
    &RESTART,
    &PAUSE,
    &PAUSE_MAX,
    &STEADY_AFTER,
    &GIVE_UP_AFTER,
    &STOP_SIGNAL,
    &STOP_WITHIN,
    &KILL,
    &CRITICAL,
    &FINISH,
    &ONCE,
    &UNDO,
];

/// Most processes that may be named: far more than a container has.
pub(crate) const PROCESSES_MAX: usize = 256;
/// Most replicas of one.
pub(crate) const REPLICAS_MAX: u64 = 64;

const PROCESS: Key = Key { section: Section::Process, ..PLAIN };
const TIME: Kind = Kind::Duration { min: Duration::from_millis(10), max: Duration::from_secs(86_400) };

pub(crate) static COMMAND: Key = Key {
    name: "command",
    kind: Kind::Words,
    fallback: Fallback::Unset("must be set"),
    help: "Program and arguments: a list of words, or a text that is split at spaces, with quotes as in a shell.\n\n\
           No shell is involved; `sh -c '...'` is one. `{name}`, `{replica}` (1, 2, ...) and `{port}` are replaced, here and in \
           `directory`, `environment`, `ready`, `alive`, `finish` and `undo`.",
    ..PROCESS
};

pub(crate) static DIRECTORY: Key = Key {
    name: "directory",
    kind: Kind::Path,
    fallback: Fallback::Unset("that of PID 1"),
    help: "Directory that it runs in.",
    ..PROCESS
};

pub(crate) static ENVIRONMENT: Key = Key {
    name: "environment",
    kind: Kind::Tags,
    fallback: Fallback::Unset("the container's"),
    help: "Variables beside the container's.\n\nVariables that hold Muster's secrets are never passed on. With `port` set, \
           `PORT` is the port unless it is set here.",
    ..PROCESS
};

pub(crate) static USER: Key = Key {
    name: "user",
    kind: Kind::Text,
    fallback: Fallback::Unset("that of PID 1"),
    help: "User to run as, `NAME`, `NAME:GROUP`, `UID` or `UID:GID`.\n\nNames are looked up in `/etc/passwd` and \
           `/etc/group`; a number needs neither.",
    ..PROCESS
};

pub(crate) static GROUPS: Key = Key {
    name: "groups",
    kind: Kind::Texts,
    fallback: Fallback::Unset("those that /etc/group lists for the user"),
    help: "Further groups of that user.",
    ..PROCESS
};

pub(crate) static LIMITS: Key = Key {
    name: "limits",
    kind: Kind::Tags,
    fallback: Fallback::Unset("those of PID 1"),
    help: "Resource limits by the names of `ulimit`(1): `nofile = \"65536\"`, `core = \"0:unlimited\"` (soft:hard).\n\n\
           `as`, `core`, `cpu`, `data`, `fsize`, `memlock`, `nofile`, `nproc`, `stack`; sizes in bytes.",
    ..PROCESS
};

pub(crate) static PORT: Key = Key {
    name: "port",
    kind: Kind::Count { min: 1, max: 65_535 },
    fallback: Fallback::Unset("none"),
    help: "Port that it serves on; each further replica has the next one.",
    ..PROCESS
};

pub(crate) static SERVICE: Key = Key {
    name: "service",
    kind: Kind::Text,
    fallback: Fallback::Unset("none"),
    help: "Service that it offers to the cluster on `port`, while it is ready.\n\nUnless the node's tags already say what it \
           offers, they are made from this.",
    ..PROCESS
};

pub(crate) static REPLICAS: Key = Key {
    name: "replicas",
    kind: Kind::Count { min: 1, max: REPLICAS_MAX },
    fallback: Fallback::Is("1"),
    help: "How many of it run, named `NAME-1`, `NAME-2` and so on when there are several.",
    ..PROCESS
};

pub(crate) static START: Key = Key {
    name: "start",
    kind: Kind::Bool,
    fallback: Fallback::Is("true"),
    help: "Whether it is started with the container; otherwise by `muster start NAME`.",
    ..PROCESS
};

pub(crate) static AFTER: Key = Key {
    name: "after",
    kind: Kind::Texts,
    fallback: Fallback::Unset("none"),
    help: "Processes that it waits for: `NAME` or `NAME:CONDITION`.\n\n`started`: it runs; `ready` (also without a condition): it \
           is ready, or has succeeded if it runs once; `completed`: it ended with exit code 0; `settled`: it started or failed, \
           an order only. When the container stops, the order is the opposite one.",
    ..PROCESS
};

pub(crate) static READY: Key = Key {
    name: "ready",
    kind: Kind::Text,
    fallback: Fallback::Unset("`tcp PORT` with `port` set, else `started`"),
    help: "How it becomes ready.\n\n\
           `started`: at once. `fd N`: it writes a line to descriptor N, as for s6. `notify`: it sends `READY=1` to \
           `NOTIFY_SOCKET`, as for systemd. `tcp [ADDRESS:]PORT`: it accepts a connection. `http PORT/PATH` or `http URL`: it \
           answers 200 to 399. `command WORDS`: that ends with 0. `log REGEX`: a line of its output matches.",
    ..PROCESS
};

pub(crate) static READY_EVERY: Key = Key {
    name: "ready_every",
    kind: TIME,
    fallback: Fallback::Is("200ms"),
    help: "Pause between two probes of `ready`, until it is ready and after a bad answer.",
    ..PROCESS
};

pub(crate) static READY_STEADY: Key = Key {
    name: "ready_steady",
    kind: TIME,
    fallback: Fallback::Is("5s"),
    help: "Pause between two probes of `ready`, for as long as it is ready.",
    ..PROCESS
};

pub(crate) static READY_TIMEOUT: Key = Key {
    name: "ready_timeout",
    kind: TIME,
    fallback: Fallback::Is("2s"),
    help: "Longest time that one of them may take.",
    ..PROCESS
};

pub(crate) static READY_RISE: Key = Key {
    name: "ready_rise",
    kind: Kind::Count { min: 1, max: 1000 },
    fallback: Fallback::Is("1"),
    help: "Good answers in a row until it is ready.",
    ..PROCESS
};

pub(crate) static READY_FALL: Key = Key {
    name: "ready_fall",
    kind: Kind::Count { min: 1, max: 1000 },
    fallback: Fallback::Is("2"),
    help: "Bad answers in a row until it is not ready any more.\n\nIt gets no more requests then, and is not started again for \
           that: see `alive`.",
    ..PROCESS
};

pub(crate) static READY_WITHIN: Key = Key {
    name: "ready_within",
    kind: TIME,
    fallback: Fallback::Unset("no limit"),
    help: "Longest time to get ready; then those that wait for it are not started, and that is told.\n\nThe command of a \
           process that runs once is killed then.",
    ..PROCESS
};

pub(crate) static ALIVE: Key = Key {
    name: "alive",
    kind: Kind::Text,
    fallback: Fallback::Unset("not asked"),
    help: "How it is asked whether it is still right, once it was ready: `tcp`, `http` or `command` as in `ready`.\n\nWho is \
           not is stopped and started again.",
    ..PROCESS
};

pub(crate) static ALIVE_EVERY: Key = Key {
    name: "alive_every",
    kind: TIME,
    fallback: Fallback::Is("10s"),
    help: "Pause between two probes of `alive`.",
    ..PROCESS
};

pub(crate) static ALIVE_TIMEOUT: Key = Key {
    name: "alive_timeout",
    kind: TIME,
    fallback: Fallback::Is("5s"),
    help: "Longest time that one of them may take.",
    ..PROCESS
};

pub(crate) static ALIVE_FALL: Key = Key {
    name: "alive_fall",
    kind: Kind::Count { min: 1, max: 1000 },
    fallback: Fallback::Is("3"),
    help: "Bad answers in a row until it is started again.",
    ..PROCESS
};

pub(crate) static RESTART: Key = Key {
    name: "restart",
    kind: Kind::Word { words: &["always", "on-failure", "never"], also: &[] },
    fallback: Fallback::Is("always"),
    help: "When it is started again after it ended by itself.",
    ..PROCESS
};

pub(crate) static PAUSE: Key = Key {
    name: "pause",
    kind: TIME,
    fallback: Fallback::Is("1s"),
    help: "Pause before that, the first time; each further one in a row is twice as long, and up to a quarter shorter at random.\n\n\
           One that was ready for longer than the pause is started again at once.",
    ..PROCESS
};

pub(crate) static PAUSE_MAX: Key = Key {
    name: "pause_max",
    kind: TIME,
    fallback: Fallback::Is("30s"),
    help: "Longest such pause.",
    ..PROCESS
};

pub(crate) static STEADY_AFTER: Key = Key {
    name: "steady_after",
    kind: TIME,
    fallback: Fallback::Is("10s"),
    help: "Time for which it has to be ready so that earlier ends are forgotten.",
    ..PROCESS
};

pub(crate) static GIVE_UP_AFTER: Key = Key {
    name: "give_up_after",
    kind: Kind::Count { min: 0, max: 1_000_000 },
    fallback: Fallback::Is("0"),
    help: "Ends in a row after which it is not started again; 0: never given up.",
    ..PROCESS
};

pub(crate) static STOP_SIGNAL: Key = Key {
    name: "stop_signal",
    kind: Kind::Text,
    fallback: Fallback::Is("TERM"),
    help: "Signal that asks it to end, by name or number.",
    ..PROCESS
};

pub(crate) static STOP_WITHIN: Key = Key {
    name: "stop_within",
    kind: TIME,
    fallback: Fallback::Is("5s"),
    help: "Time it has to end before it is killed.\n\nWhen the container stops, all of it has to fit into nine seconds.",
    ..PROCESS
};

pub(crate) static KILL: Key = Key {
    name: "kill",
    kind: Kind::Word { words: &["process", "group"], also: &[] },
    fallback: Fallback::Is("process"),
    help: "Whom signals reach that stop it, and whether what it started outlives it.\n\n`process`: it alone; what it started is \
           left until the container stops, as in s6. `group`: its whole process group, also when it ended by itself.",
    ..PROCESS
};

pub(crate) static CRITICAL: Key = Key {
    name: "critical",
    kind: Kind::Bool,
    fallback: Fallback::Is("false"),
    help: "Whether its end ends the container, with its exit code.\n\nThat is, an end after which it is not started again: see \
           `restart`.",
    ..PROCESS
};

pub(crate) static FINISH: Key = Key {
    name: "finish",
    kind: Kind::Words,
    fallback: Fallback::Unset("nothing"),
    help: "Command that follows each of its ends, with s6's arguments: exit code or 256, signal, name, process group.",
    ..PROCESS
};

pub(crate) static ONCE: Key = Key {
    name: "once",
    kind: Kind::Bool,
    fallback: Fallback::Is("false"),
    help: "Whether it is to have run, rather than to run: a migration, a preparation.\n\nIts exit code 0 makes it ready.",
    ..PROCESS
};

pub(crate) static UNDO: Key = Key {
    name: "undo",
    kind: Kind::Words,
    fallback: Fallback::Unset("nothing"),
    help: "Command that undoes what one that runs `once` did, when the container stops.",
    ..PROCESS
};
