//! Events of the log as Serf writes them: `YYYY/MM/DD HH:MM:SS [LEVEL] module: text`, what else is known as `key=value`.
//!
//! Who follows Serf's log, or asks an agent for it (`monitor`), finds the same lines here; changes of members even in
//! Serf's own words, since those are what scripts look for. Times are UTC: a static binary knows no time zones.

use crate::text::printable;
use muster_agent::LogLevel;
use std::fmt::{Debug, Write};
use std::time::SystemTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// One event as one line, without its line break. Whatever a peer put into it stays on it.
pub(super) fn line(event: &Event<'_>, now: SystemTime) -> String {
    let mut parts = Parts::default();
    event.record(&mut parts);
    let metadata = event.metadata();
    let level = level(*metadata.level()).as_str();
    let (module, text) = match parts.in_serfs_words() {
        Some((module, text)) => (module.to_owned(), text),
        None => (module(metadata.target()), parts.message + &parts.fields),
    };
    printable(&format!("{} [{level}] {module}: {text}", time(now))).into_owned()
}

/// Serf's word for a level.
pub(crate) fn level(level: Level) -> LogLevel {
    match level {
        Level::TRACE => LogLevel::Trace,
        Level::DEBUG => LogLevel::Debug,
        Level::INFO => LogLevel::Info,
        Level::WARN => LogLevel::Warn,
        Level::ERROR => LogLevel::Err,
    }
}

/// Go's `log.LstdFlags`.
fn time(now: SystemTime) -> String {
    // `2026-11-22T00:17:46Z`
    let text = humantime::format_rfc3339_seconds(now).to_string();
    text.trim_end_matches('Z').replace('-', "/").replace('T', " ")
}

/// `muster_agent::rpc::session` is `agent.rpc`, as Serf's parts are called `agent` and `agent.ipc`.
fn module(target: &str) -> String {
    let path = target.strip_prefix("muster_").unwrap_or(target);
    path.split("::").take(2).collect::<Vec<_>>().join(".")
}

#[derive(Default)]
struct Parts {
    message: String,
    /// ` key=value key=value`
    fields: String,
    /// Of a change of a member.
    node: String,
    addr: String,
    /// Of a user event or a query.
    name: String,
}

impl Parts {
    /// Serf's module and line for a change of a member (serf.go), a user event or a query (agent.go).
    fn in_serfs_words(&self) -> Option<(&'static str, String)> {
        let Self { message, node, addr, name, .. } = self;
        let what = match message.as_str() {
            "member-join" => format!("EventMemberJoin: {node} {addr}"),
            "member-leave" => format!("EventMemberLeave: {node} {addr}"),
            "member-failed" => format!("EventMemberFailed: {node} {addr}"),
            "member-update" => format!("EventMemberUpdate: {node}"),
            "member-reap" => format!("EventMemberReap: {node}"),
            "user-event" | "query" => return Some(("agent", format!("Received event: {message}: {name}"))),
            _ => return None,
        };
        Some(("serf", what))
    }

    fn add(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            name => {
                let _ = write!(self.fields, " {name}={value}");
                match name {
                    "node" => self.node = unquoted(&value),
                    "addr" => self.addr = value,
                    "event" | "query" => self.name = unquoted(&value),
                    _ => {}
                }
            }
        }
    }
}

impl Visit for Parts {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format!("{value:?}"));
    }
}

/// Names come as Rust writes them, between quotes; Serf's lines have them bare. Escapes stay.
fn unquoted(value: &str) -> String {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

    struct Kept(Arc<Mutex<Vec<String>>>);

    impl<S: tracing::Subscriber> Layer<S> for Kept {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_306_666);
            self.0.lock().unwrap().push(line(event, at));
        }
    }

    fn lines(log: impl FnOnce()) -> Vec<String> {
        let kept = Arc::default();
        let subscriber = tracing_subscriber::registry().with(Kept(Arc::clone(&kept)));
        tracing::subscriber::with_default(subscriber, log);
        let lines = kept.lock().unwrap();
        lines.clone()
    }

    #[test]
    fn an_event_is_a_line_of_serf() {
        let seed = "10.0.0.1";
        let lines = lines(|| {
            tracing::info!(target: "muster_agent::run", "left the cluster");
            tracing::error!(target: "muster_agent::rpc::session", %seed, count = 3, name = "a b", "no");
        });
        assert_eq!(
            lines,
            [
                "2026/11/22 00:17:46 [INFO] agent.run: left the cluster",
                "2026/11/22 00:17:46 [ERR] agent.rpc: no seed=10.0.0.1 count=3 name=\"a b\"",
            ]
        );
    }

    #[test]
    fn what_happens_is_told_in_serfs_words() {
        let (node, addr) = ("web\n1", "10.0.0.7");
        let lines = lines(|| {
            tracing::info!(?node, %addr, status = "alive", "{}", "member-join");
            tracing::info!(?node, %addr, status = "alive", "{}", "member-update");
            tracing::info!(event = ?"deploy", ltime = 7, "user-event");
            tracing::info!(query = ?"load", from = ?node, "query");
        });
        let texts: Vec<&str> = lines.iter().map(|line| &line["2026/11/22 00:17:46 ".len()..]).collect();
        assert_eq!(
            texts,
            [
                "[INFO] serf: EventMemberJoin: web\\n1 10.0.0.7",
                "[INFO] serf: EventMemberUpdate: web\\n1",
                "[INFO] agent: Received event: user-event: deploy",
                "[INFO] agent: Received event: query: load"
            ]
        );
    }

    #[test]
    fn what_a_peer_says_stays_on_its_line() {
        let hostile = "x\n2026/11/22 00:17:46 [ERR] agent: forged\u{1b}[2J";
        let lines = lines(|| tracing::warn!(target: "muster_agent::gossip", "{hostile}"));
        assert_eq!(lines.len(), 1);
        assert!(!lines[0].contains(['\n', '\u{1b}']), "{lines:?}");
    }
}
