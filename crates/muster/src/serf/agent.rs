//! `serf agent`: Serf's flags and files in, Muster's agent run, Serf's lines out.
//!
//! Only what Serf knows counts: its flags and the JSON files they name, not Muster's own files and variables. The one
//! exception is `MUSTER_SOCKET`: with it the agent also has a control socket, for `muster why`, a proxy and the rest. By
//! default it has none, so that any number of agents run on one host with nothing but addresses of their own, as Serf's do.

mod gate;
mod settings;

use super::Asked;
use super::flags::{Flag, Takes, flag};
use super::ui::{Code, DONE, FAILED, Ui};
use crate::config::check::{Purpose, Role, check, without_socket};
use crate::config::{Settings, Sources, keys, load, views};
use crate::logging::{self, LevelSwitch, Syslog};
use crate::roles::agent::reread;
use gate::Gate;
use muster_agent::{Config, Ended, Error, LogBook, Reload, Reloaded, SnapshotOptions, Stage, Stages};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(super) const FLAGS: &[Flag] = &[
    flag("advertise", Takes::Text),
    flag("bind", Takes::Text),
    flag("broadcast-timeout", Takes::Text),
    flag("config-dir", Takes::Texts),
    flag("config-file", Takes::Texts),
    flag("disable-compression", Takes::Switch),
    flag("discover", Takes::Text),
    flag("encrypt", Takes::Text),
    flag("event-handler", Takes::Texts),
    flag("iface", Takes::Text),
    flag("join", Takes::Texts),
    flag("keyring-file", Takes::Text),
    flag("log-level", Takes::Text),
    flag("mdns-disable-ipv4", Takes::Switch),
    flag("mdns-disable-ipv6", Takes::Switch),
    flag("mdns-iface", Takes::Text),
    flag("node", Takes::Text),
    flag("profile", Takes::Text),
    flag("protocol", Takes::Integer),
    flag("rejoin", Takes::Switch),
    flag("replay", Takes::Switch),
    flag("retry-interval", Takes::Text),
    flag("retry-join", Takes::Texts),
    flag("retry-max", Takes::Integer),
    flag("role", Takes::Text),
    flag("rpc-addr", Takes::Text),
    flag("snapshot", Takes::Text),
    flag("syslog", Takes::Switch),
    flag("tag", Takes::Texts),
    flag("tags-file", Takes::Text),
];

/// What the agent begins its lines with: what it does, and what it says about that.
pub(super) const OUTPUT_PREFIX: &str = "==> ";
const INFO_PREFIX: &str = "    ";

/// Serf gives a leave so long (command.go, `gracefulTimeout`).
const LEAVE_TIMEOUT: Duration = Duration::from_secs(3);

/// What to do, then `==> `.
fn output(ui: Ui, text: &str) {
    ui.line(format!("{OUTPUT_PREFIX}{text}"));
}

pub(super) fn run(asked: &Asked) -> Code {
    let ui = asked.ui;
    let sources = match settings::sources(&asked.words, |note| output(ui, note)) {
        Ok(sources) => sources,
        Err(why) => {
            output(ui, &why);
            return FAILED;
        }
    };
    let loaded = load(&sources);
    let settings = &loaded.settings;
    if !settings.text(&keys::ROLE).is_empty() {
        output(ui, "Deprecation warning: 'Role' has been replaced with 'Tags'");
    }
    let has_socket = settings::has_socket(settings);
    let findings = if has_socket { check } else { without_socket }(settings, &[Role::Agent], Purpose::Start);
    let mut refused = false;
    for problem in findings.problems_after(&loaded.problems) {
        output(ui, &problem.to_string());
        refused = true;
    }
    if refused {
        return FAILED;
    }

    let book = LogBook::default();
    let gate = Arc::new(Gate::new(ui, logging::level_in_serfs_words(views::log(settings).level)));
    let least = logging::level_in_serfs_words(views::log(settings).level);
    let system =
        match views::syslog(settings).map(|facility| Syslog::open("serf", facility, least)).transpose() {
            Ok(system) => system,
            Err(why) => {
                output(ui, &why);
                return FAILED;
            }
        };
    let (put, through) = (book.clone(), Arc::clone(&gate));
    let switch = logging::start_in_serfs_form(views::log(settings).level, move |level, line| {
        put.put(level, line);
        through.put(level, line);
        if let Some(system) = &system {
            system.put(level, line);
        }
    });
    loaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    announce_interface(ui, settings);
    output(ui, "Starting Serf agent...");
    let listening = Arc::new(AtomicBool::new(false));
    let reload = reload(ui, sources, has_socket, switch, Arc::clone(&gate));
    let stages = stages(ui, settings, gate, Arc::clone(&listening));
    let ended = muster_agent::run(Config { log: book, stages, reload, ..config(settings, has_socket) });
    code(ui, ended, listening.load(Ordering::Relaxed))
}

/// Reads the same files and flags again (command.go, `handleReload`).
fn reload(ui: Ui, sources: Sources, has_socket: bool, switch: LevelSwitch, gate: Arc<Gate>) -> Reload {
    Reload::by(move || {
        let check = if has_socket { check } else { without_socket };
        let settings = reread(&sources, Role::Agent, check).inspect_err(|why| {
            output(ui, why);
            output(ui, "Failed to reload configs");
        })?;
        let level = views::log(&settings).level;
        switch.set(level);
        gate.set_least(logging::level_in_serfs_words(level));
        let leave_on_terminate = settings::leaves_on_terminate(&settings);
        Ok(Reloaded { leave_on_terminate, ..views::reloaded(&settings) })
    })
}

/// As Serf would run.
fn config(settings: &Settings, has_socket: bool) -> Config {
    let ours = views::agent(settings);
    Config {
        // As plain Serf: whoever replaces one knows nothing else of it.
        contract: false,
        // Those of `-retry-join`.
        join: settings.texts(&keys::JOIN).to_vec(),
        start_join: settings.texts(&keys::serf::START_JOIN).to_vec(),
        join_strict: false,
        retry_interval: settings::retry_interval(settings),
        // Serf does not count the first attempt.
        retry_max: if ours.retry_max == 0 { 0 } else { ours.retry_max.saturating_add(1) },
        socket: if has_socket { ours.socket } else { Default::default() },
        // Without RPC it would be no Serf.
        rpc: Some(settings::rpc(settings)),
        leave_timeout: LEAVE_TIMEOUT,
        leave_on_terminate: settings::leaves_on_terminate(settings),
        snapshot: ours.snapshot.map(|snapshot| SnapshotOptions {
            rejoin_after_leave: settings::rejoins_after_leave(settings),
            ..snapshot
        }),
        // Serf makes no file beside its snapshot.
        history: muster_agent::HistorySettings { path: None, ..ours.history },
        ..ours
    }
}

/// Serf picks an address of the interface, and says which.
fn announce_interface(ui: Ui, settings: &Settings) {
    let (Some(interface), Ok(bind)) = (views::interface(settings), views::bind_on_interface(settings)) else {
        return;
    };
    if settings.address(&keys::BIND).is_none_or(|configured| configured.ip().is_unspecified()) {
        output(ui, &format!("Using interface '{interface}' address '{}'", bind.ip()));
    }
}

/// Tells each step as Serf does (command.go, `startAgent`, `startupJoin`, `handleSignals`).
fn stages(ui: Ui, settings: &Settings, gate: Arc<Gate>, listening: Arc<AtomicBool>) -> Stages {
    let facts = settings::facts(settings);
    let replay = settings.bool(&keys::serf::REPLAY_ON_JOIN);
    let info = move |text: &str| ui.line(format!("{INFO_PREFIX}{text}"));
    Stages::told_to(move |stage| match stage {
        Stage::Listening => {
            listening.store(true, Ordering::Relaxed);
            output(ui, "Starting Serf agent RPC...");
            output(ui, "Serf agent running!");
            facts.iter().for_each(|fact| info(fact));
        }
        Stage::Joining => output(ui, &format!("Joining cluster...(replay: {replay})")),
        Stage::Joined(count) => info(&format!("Join completed. Synced with {count} initial agents")),
        Stage::Running => {
            ui.line("");
            output(ui, "Log data will now stream in as it occurs:\n");
            gate.open();
        }
        Stage::Caught(signal) => output(ui, &format!("Caught signal: {}", in_gos_words(signal))),
        Stage::Reloading => output(ui, "Reloading configuration..."),
        Stage::Leaving => output(ui, "Gracefully shutting down agent..."),
    })
}

/// Go's `os.Signal` as text.
fn in_gos_words(signal: &str) -> &str {
    match signal {
        "INT" => "interrupt",
        "TERM" => "terminated",
        "HUP" => "hangup",
        other => other,
    }
}

/// The process ends with 0 only after a leave, or when another node has our name; else with 1.
fn code(ui: Ui, ended: Result<Ended, Error>, was_listening: bool) -> Code {
    match ended {
        Ok(Ended::Left) => DONE,
        Ok(Ended::Hurried | Ended::Stopped) => FAILED,
        Err(error @ Error::NameTaken { .. }) => {
            output(ui, &error.to_string());
            DONE
        }
        Err(error) if was_listening => {
            output(ui, &error.to_string());
            FAILED
        }
        Err(error) => {
            output(ui, &format!("Failed to start the Serf agent: {error}"));
            FAILED
        }
    }
}
