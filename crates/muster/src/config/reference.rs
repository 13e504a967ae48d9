//! `docs/configuration.md`, from the key table.

use super::family::Family;
use super::handlers;
use super::key::{Fallback, Key, Kind, Section};
use super::keys;
use super::rules;

/// The page. A test compares it with the committed one.
pub(crate) fn markdown() -> String {
    let mut out = INTRODUCTION.to_owned();
    for section in Section::ALL {
        out.push_str(&match section {
            Section::Node => {
                "\n## Above the first section\n\nWhat all roles and commands of a node share.\n".to_owned()
            }
            section => format!("\n## `[{}]`\n", section.name()),
        });
        keys::of(section).for_each(|key| out.push_str(&entry(key)));
    }
    out.push_str(SERVICES);
    keys::service::TABLE.iter().for_each(|key| out.push_str(&entry(key)));
    out.push_str(PROCESSES);
    keys::process::TABLE.iter().for_each(|key| out.push_str(&entry(key)));
    out.push_str(TEMPLATES);
    keys::template::TABLE.iter().for_each(|key| out.push_str(&entry(key)));
    out.push_str(FRONTENDS);
    keys::frontend::TABLE.iter().for_each(|key| out.push_str(&entry(key)));
    out.push_str(&rules::markdown());
    out.push_str(&handlers::markdown());
    out
}

fn entry(key: &Key) -> String {
    let flags: Vec<String> =
        [key.flag].iter().chain(key.flag_also).map(|flag| format!("`--{flag}`")).collect();
    let mut variables = vec![format!("`{}`", key.env())];
    match (key.env_also, key.kind) {
        (Some(name), Kind::Tags) => {
            variables.push(format!("`{name}` (the tag `{}`)", name.to_ascii_lowercase()));
        }
        (Some(name), _) => variables.push(format!("`{name}`")),
        (None, _) => {}
    }
    if Family::of(key.section).is_some() {
        // Neither flag nor variable could name the section.
        variables = vec!["-".to_owned()];
    }
    let flags = if key.flag.is_empty() { "-".to_owned() } else { flags.join(", ") };
    let default = match key.fallback {
        Fallback::Is(text) => format!("`{text}`"),
        Fallback::Found(words, _) | Fallback::Unset(words) => words.to_owned(),
    };
    format!(
        "\n### `{}`\n\n{}\n\n| value | default | flag | variable | applies |\n|---|---|---|---|---|\n| {} | {default} | {} | {} | {} |\n",
        key.name,
        key.help,
        values(key.kind),
        flags,
        variables.join(", "),
        key.applies.word(),
    )
}

fn values(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Secret => "text, never shown".to_owned(),
        Kind::Path => "path".to_owned(),
        Kind::Bool => "`true`, `false`".to_owned(),
        Kind::Count { min, max } => format!("{min} to {max}"),
        Kind::Duration { .. } => "duration".to_owned(),
        Kind::Word { words, .. } => {
            words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        }
        Kind::Address { .. } => "address".to_owned(),
        Kind::AddressOrOff { .. } => "address, `off`".to_owned(),
        Kind::Listeners => "list of addresses, each with options".to_owned(),
        Kind::Seeds => "list of `HOST`, `HOST:PORT`, `NAME/HOST:PORT`".to_owned(),
        Kind::Networks => "list of networks, at most 256".to_owned(),
        Kind::Ports => "list of ports and ranges, at most 256".to_owned(),
        Kind::Handlers => "list of `[FILTER=]SCRIPT`".to_owned(),
        Kind::Tags => "table of texts".to_owned(),
        Kind::Texts => "list of texts".to_owned(),
        Kind::Words => "command".to_owned(),
        Kind::Collector => "`udp://IP:PORT`, `tcp://IP:PORT`, `unix:///PATH`".to_owned(),
        Kind::LogListen => "list of paths, `udp://IP:PORT`, `tcp://IP:PORT`".to_owned(),
        Kind::LogRules => "list of `SELECTOR -> TARGET`".to_owned(),
    }
}

const SERVICES: &str = "
## `[services.NAME]`

What is known of the service NAME. By `from`, `ports` and `tags`, which members may serve it; where none of them is said, every member
whose tags offer it is a backend. All three must hold, and they only narrow what is believed. The other keys are the proxy's.

```toml
[services.web]
from = [\"10.0.0.0/8\", \"fd00::/8\"]
ports = [3000, \"8000-8999\"]
tags = { zone = \"a\" }
```

The agent draws the picture by these, for whoever follows it, and the proxy follows only an agent that was told the same about its
services: give both the same file, and start both again when it changes. Who is refused is told in the agent's log, by
`muster why NODE`, and in the picture (`refusals`), with the reason.
";

const PROCESSES: &str = "
## `[processes.NAME]`

What `muster run` keeps running: a section for each process. The order is that of their dependencies.

```toml
[processes.migrate]
command = \"/app/migrate --to latest\"
once = true

[processes.web]
command = [\"/app/serve\", \"--port\", \"{port}\"]
port = 3000
service = \"web\"
after = [\"migrate\"]
ready = \"http {port}/healthz\"
alive = \"http {port}/healthz\"
user = \"www\"
critical = true
restart = \"never\"
```
";

const TEMPLATES: &str = "
## `[templates.NAME]`

Files that `muster agent` makes whenever the fleet changes: a section for each group of files that are checked, replaced and acted
upon together. [Templates](templates.md) says what stands in them.

```toml
[templates.haproxy]
files = { \"/etc/haproxy/haproxy.cfg\" = \"/etc/muster/haproxy.cfg.hb\" }
folder = \"/nodes\"
check = \"haproxy -c -f /etc/haproxy/haproxy.cfg\"
on_change = \"signal haproxy USR2\"
```
";

const FRONTENDS: &str = "
## `[proxy.frontends.NAME]`

Where clients of the proxy come, and which service gets what they ask for: a section for each group of addresses with the same rules.
[The proxy](proxy.md) has examples. `listen` and `service` of `[proxy]` are the short form of one frontend without rules, and do not go
with these.

```toml
[proxy.frontends.web]
listen = [\"0.0.0.0:80\", \"0.0.0.0:443 tls\"]
service = \"web\"

[[proxy.frontends.web.rules]]
host = \"shop.example\"
path = \"/api\"
strip_prefix = \"/api\"
service = \"api\"

[services.web]

[services.api]
backends = [\"10.0.0.1:8080\", \"10.0.0.2:8080\"]
```

HUP takes changed frontends, rules and services, and no request fails by it. A mistake changes nothing, and is told.
";

const INTRODUCTION: &str = "\
# Configuration reference

<!-- Made from the key table by `muster config reference`; a test fails when it is stale. -->

Nothing has to be configured: without files, variables and flags a node is a healthy cluster of one.

**Sources.** `/etc/muster/muster.toml`, then `/etc/muster/conf.d/*.toml` in name order. `--config` (or `MUSTER_CONFIG`)
names another file instead, or a directory, of which all `*.toml` and then all `conf.d/*.toml` are read, each in name
order. A flag beats a variable, which beats the files, of which the later beats the earlier, which beat the default. A
value is replaced as a whole; only tags merge, name by name.

**Serf's files.** `--config-file FILE` and `--config-dir DIRECTORY` read JSON files of Serf, with Serf's keys and Serf's rules: the
later file wins, lists are continued (by flags too), tags merge, a switch can only be turned on, an empty text and a zero say
nothing. They beat Muster's own files; variables and flags beat them. An unknown key is an error. Serf reads
`disable_coordinates` and `validate_node_names` and does nothing with them, and so does Muster; `leave_on_terminate` it always does.

**Variables.** `MUSTER_SECTION__KEY` exists for every key outside of the sections that have names; lists are separated by commas, handlers
and rules of logs stand on a line each, tags are written `k=v,k=v`. An empty variable counts as not set. An unknown variable that begins with `MUSTER_` brings a warning only,
since Kubernetes injects some for a Service called `muster`.

**Files.** An unknown key is an error. Strings may hold `${VAR}` and `${VAR:-default}`; `$$` is one dollar sign.

**Flags** take one dash or two. Those that take several values are repeated.

**Values.** Durations have a unit: `250ms`, `5s`, `1m 30s`. Addresses are `IP`, `IP:PORT`, `[IPv6]:PORT` or `:PORT`.

**HUP** makes the agent and the proxy read all of this again, with the flags and variables they were started with. A mistake changes
nothing, and is told.

**Applies** tells when a changed value takes effect: `live` when the agent or the proxy gets HUP, `listener` by re-opening that listener,
`restart` when the role is started again.

`muster check` tells everything that is wrong, with file and line. `muster config print` shows every value and who said so.
";

#[cfg(test)]
mod tests {
    /// Mend with `cargo run -- config reference > docs/configuration.md`.
    #[test]
    fn the_committed_reference_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        let committed = std::fs::read_to_string(path).unwrap();
        assert!(
            committed == super::markdown(),
            "stale: cargo run -- config reference > docs/configuration.md"
        );
    }
}
