//! One of Serf's JSON files onto the settings, read as `serf agent` reads it.
//!
//! Serf merges its files in a manner of its own: lists are continued, tags are merged, switches can only be turned on, and
//! an empty text or a zero is as good as nothing (config.go, `MergeConfig`). Names are compared without regard to case.
//! Unlike Serf, which stops at the first mistake, all are told, each with its line.

use super::file::text_of;
use super::key::{Key, Kind};
use super::keys::{self, serf};
use super::origin::{Origin, Problem};
use super::settings::Settings;
use super::suggest;
use super::value::{Invalid, Value};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// What a name in a file of Serf means here.
enum Meaning {
    /// This key.
    Sets(&'static Key),
    /// This switch, the other way round.
    Unsets(&'static Key),
    /// What Muster does anyway, or what Serf reads and never looks at.
    Nothing,
    /// An object with names of its own.
    Holds(&'static [(&'static str, Meaning)]),
}
use Meaning::{Holds, Nothing, Sets, Unsets};

/// Every name that Serf takes, up to its newest version.
static NAMES: &[(&str, Meaning)] = &[
    ("node_name", Sets(&keys::NODE)),
    ("role", Sets(&keys::ROLE)),
    ("tags", Sets(&keys::TAGS)),
    ("tags_file", Sets(&keys::TAGS_FILE)),
    ("bind", Sets(&keys::BIND)),
    ("advertise", Sets(&keys::ADVERTISE)),
    ("interface", Sets(&keys::INTERFACE)),
    ("encrypt_key", Sets(&keys::ENCRYPT)),
    ("keyring_file", Sets(&keys::KEYRING_FILE)),
    ("log_level", Sets(&keys::LOG_LEVEL)),
    ("protocol", Sets(&keys::PROTOCOL)),
    ("profile", Sets(&keys::PROFILE)),
    ("start_join", Sets(&serf::START_JOIN)),
    ("retry_join", Sets(&keys::JOIN)),
    ("retry_max_attempts", Sets(&keys::RETRY_MAX)),
    ("retry_interval", Sets(&keys::RETRY_INTERVAL)),
    ("enable_compression", Unsets(&keys::DISABLE_COMPRESSION)),
    ("broadcast_timeout", Sets(&keys::BROADCAST_TIMEOUT)),
    ("leave_on_terminate", Sets(&keys::LEAVE_ON_TERMINATE)),
    ("disable_coordinates", Nothing),
    ("validate_node_names", Nothing),
    ("rpc_addr", Sets(&serf::RPC_ADDR)),
    ("rpc_auth", Sets(&serf::RPC_AUTH)),
    ("event_handlers", Sets(&serf::EVENT_HANDLERS)),
    ("replay_on_join", Sets(&serf::REPLAY_ON_JOIN)),
    ("snapshot_path", Sets(&serf::SNAPSHOT_PATH)),
    ("rejoin_after_leave", Sets(&serf::REJOIN_AFTER_LEAVE)),
    ("skip_leave_on_interrupt", Sets(&serf::SKIP_LEAVE_ON_INTERRUPT)),
    ("discover", Sets(&serf::DISCOVER)),
    (
        "mdns",
        Holds(&[
            ("interface", Sets(&serf::MDNS_INTERFACE)),
            ("disable_ipv4", Sets(&serf::MDNS_DISABLE_IPV4)),
            ("disable_ipv6", Sets(&serf::MDNS_DISABLE_IPV6)),
        ]),
    ),
    ("reconnect_interval", Sets(&serf::RECONNECT_INTERVAL)),
    ("reconnect_timeout", Sets(&serf::RECONNECT_TIMEOUT)),
    ("tombstone_timeout", Sets(&serf::TOMBSTONE_TIMEOUT)),
    ("disable_name_resolution", Sets(&serf::DISABLE_NAME_RESOLUTION)),
    ("query_size_limit", Sets(&serf::QUERY_SIZE_LIMIT)),
    ("query_response_size_limit", Sets(&serf::QUERY_RESPONSE_SIZE_LIMIT)),
    ("user_event_size_limit", Sets(&serf::USER_EVENT_SIZE_LIMIT)),
    ("statsite_addr", Sets(&serf::STATSITE_ADDR)),
    ("statsd_addr", Sets(&serf::STATSD_ADDR)),
    ("enable_syslog", Sets(&serf::ENABLE_SYSLOG)),
    ("syslog_facility", Sets(&serf::SYSLOG_FACILITY)),
];

/// Reads the file at `path`.
pub(super) fn read(path: &Path, settings: &mut Settings, problems: &mut Vec<Problem>) {
    match text_of(path) {
        Ok(text) => File { path, text: &text, settings, problems }.read(),
        Err(why) => problems.push(Problem::anywhere(format!("cannot read {}: {why}", path.display()))),
    }
}

/// A file being read.
struct File<'a> {
    path: &'a Path,
    text: &'a str,
    settings: &'a mut Settings,
    problems: &'a mut Vec<Problem>,
}

impl<'a> File<'a> {
    fn read(&mut self) {
        match serde_json::from_str(self.text) {
            Ok(object) => self.object(&object, "", NAMES),
            Err(error) => {
                let words = error.to_string();
                // The place is told before the words.
                let words = words.split(" at line ").next().unwrap_or(&words);
                let (line, column) = (error.line(), error.column());
                let text = format!("not a JSON object, at character {column} of the line: {words}");
                self.problems.push(Problem::at(&self.origin(line), text));
            }
        }
    }

    fn object(&mut self, object: &Object<'a>, within: &str, names: &'static [(&'static str, Meaning)]) {
        for (typed, raw) in &object.0 {
            let at = self.at(raw);
            let known = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(typed));
            match known.map(|(name, meaning)| (*name, meaning)) {
                Some((name, Sets(key))) => self.value(&format!("{within}{name}"), key, raw),
                Some((_, Unsets(key))) => match raw.get() {
                    "false" => self.settings.set(key, Value::Bool(true), &at),
                    "true" | "null" => {}
                    _ => self.problem(&at, &format!("{typed}: must be true or false")),
                },
                Some((_, Nothing)) => {}
                Some((name, Holds(names))) => match serde_json::from_str(raw.get()) {
                    Ok(inner) => self.object(&inner, &format!("{within}{name}."), names),
                    Err(_) if raw.get() == "null" => {}
                    Err(_) => self.problem(&at, &format!("{typed}: must be an object")),
                },
                None => {
                    let hint = suggest::hint(typed, names.iter().map(|(name, _)| *name));
                    self.problem(&at, &format!("Serf has no key `{within}{typed}`{hint}"));
                }
            }
        }
    }

    /// The line shown is the value's; for tags and the items of a list, their own.
    fn value(&mut self, name: &str, key: &'static Key, raw: &'a RawValue) {
        if key.kind == Kind::Tags {
            match serde_json::from_str::<Option<Object<'a>>>(raw.get()) {
                Ok(tags) => tags.iter().flat_map(|tags| &tags.0).for_each(|(tag, raw)| self.tag(tag, raw)),
                Err(_) => self.problem(&self.at(raw), &format!("{name}: must be an object with strings")),
            }
        } else if key.kind.is_many() {
            match serde_json::from_str::<Option<Vec<&'a RawValue>>>(raw.get()) {
                Ok(items) => items.into_iter().flatten().for_each(|item| self.single(name, key, item)),
                Err(_) => self.problem(&self.at(raw), &format!("{name}: must be a list of strings")),
            }
        } else {
            self.single(name, key, raw);
        }
    }

    fn tag(&mut self, tag: &str, raw: &'a RawValue) {
        let at = self.at(raw);
        match serde_json::from_str::<String>(raw.get()) {
            Ok(_) if tag.is_empty() => self.problem(&at, "a tag has no name"),
            Ok(text) => {
                let tags = Value::Tags(BTreeMap::from([(tag.to_owned(), text)]));
                self.settings.set(&keys::TAGS, tags, &at);
            }
            Err(_) => self.problem(&at, &format!("tag `{tag}` must be a string, not {}", kind_of(raw))),
        }
    }

    fn single(&mut self, name: &str, key: &'static Key, raw: &RawValue) {
        let at = self.at(raw);
        match scalar(key.kind, raw) {
            Ok(Some(value)) => self.settings.set(key, value, &at),
            Ok(None) => {}
            Err(why) => self.problem(&at, &format!("{name}: {why}")),
        }
    }

    /// Where in the file a piece of its text stands.
    fn at(&self, piece: &RawValue) -> Origin {
        let offset = (piece.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let before = self.text.get(..offset).unwrap_or_default();
        self.origin(before.matches('\n').count() + 1)
    }

    fn origin(&self, line: usize) -> Origin {
        Origin::SerfFile { path: self.path.to_owned(), line }
    }

    fn problem(&mut self, at: &Origin, text: &str) {
        self.problems.push(Problem::at(at, text));
    }
}

/// `None` for what says nothing: Go's zero values.
fn scalar(kind: Kind, raw: &RawValue) -> Result<Option<Value>, Invalid> {
    match (kind, serde_json::from_str(raw.get())) {
        (_, Ok(Json::Null)) | (Kind::Bool, Ok(Json::Bool(false))) => Ok(None),
        (Kind::Bool, Ok(Json::Bool(true))) => Ok(Some(Value::Bool(true))),
        (Kind::Count { .. }, Ok(Json::Number(number))) if number.as_f64() == Some(0.0) => Ok(None),
        (Kind::Count { .. }, Ok(Json::Number(number))) => kind.parse(&number.to_string()).map(Some),
        (Kind::Bool | Kind::Count { .. }, _) => wrong(kind, raw),
        (_, Ok(Json::String(text))) if text.is_empty() => Ok(None),
        (Kind::Duration { .. }, Ok(Json::String(text))) => match go_duration(&text) {
            Some(Duration::ZERO) => Ok(None),
            Some(duration) => kind.parse(&humantime::format_duration(duration).to_string()).map(Some),
            None => Err(Invalid(format!("`{text}` is not a duration; write e.g. \"30s\" or \"1h30m\""))),
        },
        (_, Ok(Json::String(text))) => kind.parse_many(&[&text]).map(Some),
        _ => wrong(kind, raw),
    }
}

fn wrong(kind: Kind, raw: &RawValue) -> Result<Option<Value>, Invalid> {
    let wanted = if kind.is_many() { "a string" } else { kind.wanted() };
    Err(Invalid(format!("must be {wanted}, not {}", kind_of(raw))))
}

fn kind_of(raw: &RawValue) -> &'static str {
    match raw.get().bytes().next() {
        Some(b'"') => "a string",
        Some(b'[') => "a list",
        Some(b'{') => "an object",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// Go's `time.ParseDuration`, without negative ones: `1h30m`, `1.5s`, `250ms`, `0`.
pub(crate) fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let is_numeral = |c: char| c.is_ascii_digit() || c == '.';
    let mut sum = Duration::ZERO;
    loop {
        let (number, after) = rest.split_at(rest.find(|c| !is_numeral(c))?);
        let (unit, next) = after.split_at(after.find(is_numeral).unwrap_or(after.len()));
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        sum = sum.checked_add(part)?;
        if next.is_empty() {
            return Some(sum);
        }
        rest = next;
    }
}

/// A JSON object whose values are still text, which tells where they stand.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(InOrder).map(Object)
    }
}

#[cfg(test)]
mod tests;
