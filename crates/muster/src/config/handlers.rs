//! Handlers of the configuration: Serf's `event_handlers`, and tables of our own with more to say.

use super::keys;
use super::origin::{Origin, Problem};
use super::settings::Settings;
use muster_agent::{Action, HandlerConfig};
use serde_json::json;
use std::collections::BTreeSet;

/// A handler of a table, and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Declared {
    pub(crate) config: HandlerConfig,
    pub(crate) origin: Origin,
}

/// The keys of a table: name, values, default, meaning.
pub(crate) static FIELDS: &[(&str, &str, &str, &str)] = &[
    (
        "name",
        "text",
        "has to be given",
        "Its name, unique on this node; one of a later file replaces one of an earlier.",
    ),
    (
        "on",
        "list of filters",
        "all",
        "`member-join`, `member-leave`, `member-failed`, `member-update`, `member-reap`, `user`, `user:NAME`, `query`, \
         `query:NAME`, `*`",
    ),
    ("command", "list of texts", "", "Program and arguments, run without a shell."),
    ("shell", "text", "", "Script for `/bin/sh -c`."),
    ("webhook", "`http://HOST[:PORT]/PATH`", "", "Where to POST the event as JSON."),
    (
        "timeout",
        "duration",
        "`10m`; webhook: `10s`",
        "A run that takes longer is killed with all its children, an attempt to deliver given up. `0s`: no limit.",
    ),
    (
        "concurrency",
        "1 to 64",
        "`1`",
        "Runs at a time. With more than one, events are no longer handled in order.",
    ),
    (
        "queue",
        "1 to 65536",
        "`4096`",
        "Events that may wait (and 4 MiB of them). Further ones are dropped, counted and said.",
    ),
    (
        "coalesce",
        "`true`, `false`",
        "`true`",
        "Gather bursts, as Serf does: member events come a second late, the last one of each node, with all nodes of one \
         kind together.",
    ),
];

/// All, as the agent wants them. Those that cannot be read are told elsewhere.
pub(crate) fn all(settings: &Settings) -> Vec<HandlerConfig> {
    let serf = settings.texts(&keys::serf::EVENT_HANDLERS).iter().enumerate();
    let serf =
        serf.filter_map(|(nth, text)| HandlerConfig::serf(format!("event-handler-{}", nth + 1), text).ok());
    serf.chain(settings.declared().iter().map(|declared| declared.config.clone())).collect()
}

/// What is wrong with them together.
pub(crate) fn check(settings: &Settings, problems: &mut Vec<Problem>) {
    let serf = settings.texts(&keys::serf::EVENT_HANDLERS).len();
    let taken: BTreeSet<String> = (1..=serf).map(|nth| format!("event-handler-{nth}")).collect();
    for Declared { config, origin } in settings.declared() {
        if taken.contains(&config.name) {
            let text =
                format!("`{}` is the name of a handler of `event_handlers`; choose another", config.name);
            problems.push(Problem::at(origin, text));
        }
    }
    if serf + settings.declared().len() > muster_agent::HANDLERS_MAX {
        let text = format!("there are more than {} handlers", muster_agent::HANDLERS_MAX);
        problems.push(Problem::anywhere(text));
    }
}

/// The tables again, for `config print`.
pub(crate) fn toml(declared: &Declared, quoted: impl Fn(&str) -> String) -> String {
    let Declared { config, origin } = declared;
    let list = |items: &[String]| {
        let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
        format!("[{}]", items.join(", "))
    };
    let on: Vec<String> = config.on.iter().map(ToString::to_string).collect();
    let (action, value) = match &config.action {
        Action::Shell(script) => ("shell", quoted(script)),
        Action::Command(words) => ("command", list(words)),
        Action::Webhook(url) => ("webhook", quoted(&url.to_string())),
    };
    let timeout = humantime::format_duration(config.timeout.unwrap_or_default());
    format!(
        "\n[[handlers]]  # {origin}\nname = {}\non = {}\n{action} = {value}\ntimeout = \"{timeout}\"\nconcurrency = {}\n\
         queue = {}\ncoalesce = {}\n",
        quoted(&config.name),
        list(&on),
        config.concurrency,
        config.queue,
        config.coalesce,
    )
}

/// And as JSON, with the keys of the table.
pub(crate) fn json(config: &HandlerConfig) -> serde_json::Value {
    let on: Vec<String> = config.on.iter().map(ToString::to_string).collect();
    let timeout = humantime::format_duration(config.timeout.unwrap_or_default()).to_string();
    let mut row = json!({
        "name": config.name, "on": on, "timeout": timeout, "concurrency": config.concurrency, "queue": config.queue,
        "coalesce": config.coalesce,
    });
    match &config.action {
        Action::Shell(script) => row["shell"] = json!(script),
        Action::Command(words) => row["command"] = json!(words),
        Action::Webhook(url) => row["webhook"] = json!(url.to_string()),
    }
    row
}

/// The chapter of the reference.
pub(crate) fn markdown() -> String {
    let rows: String = FIELDS
        .iter()
        .map(|(name, values, default, help)| format!("| `{name}` | {values} | {default} | {help} |\n"))
        .collect();
    format!("{CHAPTER}\n| key | value | default | meaning |\n|---|---|---|---|\n{rows}\n{AFTER}")
}

const CHAPTER: &str = "
## `[[handlers]]`

Programs and webhooks that are told what happens; as many tables as there are handlers, each with one of `command`, `shell` and
`webhook`. HUP takes changed ones; those that stay go on with what waits for them. `muster handlers` adds and removes some while the
agent runs, and shows what each of them did.

```toml
[[handlers]]
name = \"reload\"
on = [\"member-join\", \"member-leave\", \"member-failed\"]
command = [\"/usr/local/bin/reload\", \"--quiet\"]
timeout = \"30s\"

[[handlers]]
name = \"tell\"
on = [\"user:deploy\"]
webhook = \"http://127.0.0.1:9000/deployed\"
```
";

const AFTER: &str = "\
A program gets what Serf's handlers get: `SERF_EVENT`, `SERF_SELF_NAME`, `SERF_SELF_ROLE`, `SERF_TAG_X` for each tag of this node,
`SERF_USER_EVENT` and `SERF_USER_LTIME`, `SERF_QUERY_NAME` and `SERF_QUERY_LTIME`; on standard input a line `NAME ADDRESS ROLE TAGS` per
member, with tabs between, or the payload. It runs in the environment of the agent, without the variables that hold secrets. What it
prints, standard error included, is the answer to a query if it exits with 0 and prints something; the last 8 KiB are kept.

A handler has a queue, a timeout and workers of its own: one that hangs holds up no other. Handlers of `event_handlers` have no
timeout, as in Serf, and run one after another in the order of events, as scripts written for Serf may expect; but one that runs for
longer than 2 s is no longer waited for by the others.

A webhook is sent a POST with `{\"event\": \"member-join\", \"node\": THIS_NODE, \"members\": [...]}`, or with `name`, `ltime` and
`payload` (`payload_base64` if it is not text), for a query also `from`. An answer 2xx takes it, and its body answers a query.
Without an answer, or with 408, 425, 429 or 5xx, it is sent again, up to five times, after 1, 2, 4 and 8 s, a quarter more or
less; the header `Muster-Delivery` is the same then. https is not built in.

After a leave, handlers have 3 s for what still waits; what then runs gets TERM, and KILL a second later.
";
