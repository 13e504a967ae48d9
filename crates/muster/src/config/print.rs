//! `muster config print`: every value in force and who said so.
//!
//! The TOML form is itself a configuration that says the same. Secrets are not shown.

use super::family::Family;
use super::handlers;
use super::key::{Kind, Section};
use super::keys;
use super::named::Named;
use super::origin::Origin;
use super::settings::{Setting, Settings};
use super::value::Value;
use serde_json::json;

/// As TOML, origins in comments beside the values.
pub(crate) fn toml(settings: &Settings) -> String {
    let mut out = String::new();
    let has_frontends = settings.frontends().next().is_some();
    let once = Section::ALL.into_iter().map(|section| {
        let title =
            if section == Section::Node { String::new() } else { format!("\n[{}]\n", section.name()) };
        let settings: Vec<&Setting> =
            settings.iter().filter(|setting| setting.key.section == section).collect();
        (title, settings)
    });
    let named = Family::ALL.into_iter().flat_map(|family| {
        settings.named(family).map(move |(name, settings)| {
            (format!("\n[{}.{}]\n", family.name(), quoted_key(name)), settings.iter().collect())
        })
    });
    for (title, settings) in once.chain(named) {
        out.push_str(&title);
        let lines: Vec<(String, String)> = settings
            .into_iter()
            .flat_map(|setting| replaced(setting, has_frontends).unwrap_or_else(|| lines(setting)))
            .collect();
        // One long value does not push the comments of all others to the right.
        let width = lines
            .iter()
            .map(|(text, _)| text.chars().count())
            .filter(|width| *width <= 44)
            .max()
            .unwrap_or(0);
        for (text, origin) in lines {
            out.push_str(&format!("{text:width$}  # {origin}\n"));
        }
    }
    for named in settings.frontends() {
        let tables = settings.rules_of(named.name).iter();
        tables.for_each(|rule| out.push_str(&rule.toml(named.name, quoted, quoted_key)));
    }
    settings.declared().iter().for_each(|declared| out.push_str(&handlers::toml(declared, quoted)));
    out
}

/// The short form of a frontend has no value beside those that are written out: it would be a mistake where this is read.
fn replaced(setting: &Setting, has_frontends: bool) -> Option<Vec<(String, String)>> {
    let is_short =
        [&keys::proxy::LISTEN, &keys::proxy::SERVICE].iter().any(|key| std::ptr::eq(setting.key, *key));
    (is_short && has_frontends && setting.origin == Origin::Default)
        .then(|| vec![(format!("# {} =", setting.key.name), "default: see [proxy.frontends]".to_owned())])
}

fn lines(setting: &Setting) -> Vec<(String, String)> {
    let (key, origin) = (setting.key, setting.origin.to_string());
    match &setting.value {
        Value::Tags(tags) if !tags.is_empty() => tags
            .iter()
            .map(|(tag, value)| {
                let origin = setting.tag_origins.get(tag).unwrap_or(&setting.origin);
                (format!("{}.{} = {}", key.name, quoted_key(tag), quoted(value)), origin.to_string())
            })
            .collect(),
        Value::Texts(texts)
            if texts.is_empty()
                && (Family::of(key.section).is_some()
                    || matches!(key.kind, Kind::Words | Kind::Networks)) =>
        {
            vec![(format!("# {} =", key.name), format!("{origin}: {}", key.default_words()))]
        }
        Value::Tags(_) if Family::of(key.section).is_some() => {
            vec![(format!("# {} =", key.name), format!("{origin}: {}", key.default_words()))]
        }
        Value::Unset => vec![(format!("# {} =", key.name), format!("{origin}: {}", key.default_words()))],
        _ if key.kind == Kind::Secret => {
            vec![(format!("# {} =", key.name), format!("{origin}; set, not shown"))]
        }
        value => vec![(format!("{} = {}", key.name, toml_value(value)), origin)],
    }
}

fn toml_value(value: &Value) -> String {
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    match value {
        Value::Unset => String::new(),
        Value::Bool(bool) => bool.to_string(),
        Value::Count(count) => count.to_string(),
        Value::Texts(texts) => list(texts.iter().map(|text| quoted(text)).collect()),
        Value::Tags(tags) => {
            let tags: Vec<String> =
                tags.iter().map(|(tag, value)| format!("{} = {}", quoted_key(tag), quoted(value))).collect();
            if tags.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", tags.join(", ")) }
        }
        Value::Text(text) => quoted(text),
        Value::Duration(duration) => quoted(&humantime::format_duration(*duration).to_string()),
        Value::Address(address) => quoted(&address.to_string()),
    }
}

/// A basic string (TOML, "String"): everything that a terminal or a reader could stumble over is escaped. A dollar sign is
/// doubled, for it would be read as the beginning of a variable.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '$' => out.push_str("$$"),
            c if crate::text::is_dangerous(c) => out.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Keys are not expanded.
fn quoted_key(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { key.to_owned() } else { quoted(key).replace("$$", "$") }
}

/// As JSON: one object per key, in the order of the file.
pub(crate) fn json(settings: &Settings) -> String {
    let once = settings.iter().map(|setting| (setting.key.path(), setting));
    let named = Family::ALL.into_iter().flat_map(|family| {
        settings.named(family).flat_map(move |(name, settings)| {
            settings
                .iter()
                .map(move |setting| (format!("{}.{name}.{}", family.name(), setting.key.name), setting))
        })
    });
    let rows: Vec<serde_json::Value> = once
        .chain(named)
        .map(|(path, setting)| {
            let mut row = json!({ "key": path, "value": json_value(setting) });
            place(&mut row, &setting.origin);
            if !setting.tag_origins.is_empty() {
                let tags = setting.tag_origins.iter().map(|(tag, origin)| {
                    let mut row = json!({});
                    place(&mut row, origin);
                    (tag.clone(), row)
                });
                row["tags"] = serde_json::Value::Object(tags.collect());
            }
            row
        })
        .collect();
    let handlers: Vec<serde_json::Value> = settings
        .declared()
        .iter()
        .map(|declared| {
            let mut row = handlers::json(&declared.config);
            place(&mut row, &declared.origin);
            row
        })
        .collect();
    let of_frontend = |named: Named<'_>| {
        let rules = settings.rules_of(named.name).iter().map(|rule| {
            let mut row = json!({ "rule": rule.json() });
            place(&mut row, &rule.origin);
            row
        });
        let rules: Vec<serde_json::Value> = rules.collect();
        (!rules.is_empty()).then(|| (named.name.to_owned(), rules.into()))
    };
    let rules: serde_json::Map<String, serde_json::Value> =
        settings.frontends().filter_map(of_frontend).collect();
    let mut whole = json!({ "settings": rows, "handlers": handlers });
    if !rules.is_empty() {
        whole["rules"] = rules.into();
    }
    crate::json::pretty(&whole)
}

/// Adds the source, and where in it when it has places.
fn place(row: &mut serde_json::Value, origin: &Origin) {
    row["source"] = json!(origin.source());
    match origin {
        Origin::Default => {}
        Origin::File { path, line } | Origin::SerfFile { path, line } => {
            row["path"] = json!(path.to_string_lossy());
            row["line"] = json!(line);
        }
        Origin::Env(name) => row["name"] = json!(name),
        Origin::Flag(name) => row["name"] = json!(name),
    }
}

fn json_value(setting: &Setting) -> serde_json::Value {
    match &setting.value {
        Value::Text(_) if setting.key.kind == Kind::Secret => json!("(not shown)"),
        Value::Unset => json!(null),
        Value::Text(text) => json!(text),
        Value::Bool(bool) => json!(bool),
        Value::Count(count) => json!(count),
        Value::Duration(duration) => json!(humantime::format_duration(*duration).to_string()),
        Value::Address(address) => json!(address.to_string()),
        Value::Texts(texts) => json!(texts),
        Value::Tags(tags) => json!(tags),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys;
    use crate::config::{Sources, load};

    fn settings(given: &[(&'static crate::config::key::Key, &[&str])]) -> Settings {
        let mut settings = Settings::defaults();
        for (key, items) in given {
            settings.set(key, key.kind.parse_many(items).unwrap(), &Origin::Flag(key.flag));
        }
        settings
    }

    #[test]
    fn what_is_printed_can_be_read_again_and_says_the_same() {
        let settings = settings(&[
            (&keys::NODE, &["a \"quoted\" ${NAME} \\ \u{1b} ë"]),
            (&keys::TAGS, &["role=web", "odd key$=x\ny", "empty="]),
            (&keys::JOIN, &["lb", "[::1]:1"]),
            (&keys::JOIN_STRICT, &["true"]),
            (&keys::proxy::LISTEN, &["127.0.0.1:1", "[::1]:2"]),
            (&keys::RETRY_INTERVAL, &["1m 500ms"]),
            (&keys::ADVERTISE, &["10.0.0.1"]),
        ]);
        let mut settings = settings;
        let words = ["/bin/x", "a \"$b\""].map(str::to_owned);
        let on = muster_agent::Filters::parse("user:a b,query").unwrap();
        let mut config =
            muster_agent::HandlerConfig::new("h", on, muster_agent::Action::Command(words.into()));
        config.timeout = None;
        settings.declare(handlers::Declared { config, origin: Origin::Default });
        for (key, text) in [
            (&keys::service::FROM, "10.0.0.0/8,fd00::/8"),
            (&keys::service::PORTS, "3000,8000-8999"),
            (&keys::service::TAGS, "zone=a"),
        ] {
            settings.set_of(
                Family::Services,
                "web.v1",
                key,
                key.kind.parse(text).unwrap(),
                &Origin::Flag(key.flag),
            );
        }
        settings.name(Family::Services, "unrestricted");
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("muster.toml"), toml(&settings)).unwrap();
        let directory = directory.path().to_owned();
        let read = load(&Sources { config: None, serf: vec![], given: vec![], env: [].into(), directory });
        assert_eq!(read.problems, []);
        assert_eq!(read.settings.declared()[0].config, settings.declared()[0].config);
        for (before, after) in settings.iter().zip(read.settings.iter()) {
            assert_eq!(before.value, after.value, "{}", before.key.path());
        }
        let values = |settings: &Settings| -> Vec<(String, Vec<Value>)> {
            let of = |set: &[Setting]| set.iter().map(|setting| setting.value.clone()).collect();
            settings.named(Family::Services).map(|(name, set)| (name.to_owned(), of(set))).collect()
        };
        assert_eq!(values(&settings), values(&read.settings));
        let json = json(&settings);
        assert!(json.contains(r#""key": "services.web.v1.from""#), "{json}");
    }

    #[test]
    fn every_value_stands_beside_its_origin() {
        let mut settings = settings(&[(&keys::BIND, &["127.0.0.1"]), (&keys::TAGS, &["role=web"])]);
        let tag = keys::TAGS.kind.parse("zone=a").unwrap();
        settings.set(&keys::TAGS, tag, &Origin::File { path: "/etc/muster/muster.toml".into(), line: 7 });
        let text = toml(&settings);
        for line in [
            r#"bind = "127.0.0.1:7946"                       # flag --bind"#,
            r#"tags.role = "web"                             # flag --tag"#,
            r#"tags.zone = "a"                               # /etc/muster/muster.toml:7"#,
            "# advertise =                                # default: the source address towards the first seed that answers",
            "[proxy]",
            r#"listen = ["0.0.0.0:8080"]  # default"#,
        ] {
            let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.lines().any(|found| squeeze(found) == squeeze(line)), "{line}\n{text}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let settings = settings(&[(&keys::serf::RPC_AUTH, &["hunter2"])]);
        for text in [toml(&settings), json(&settings)] {
            assert!(!text.contains("hunter2") && text.contains("not shown"));
        }
    }

    #[test]
    fn json_has_every_key_with_its_source() {
        let mut settings = settings(&[(&keys::TAGS, &["role=web"])]);
        settings.set(
            &keys::BIND,
            keys::BIND.kind.parse(":1").unwrap(),
            &Origin::Env("MUSTER_AGENT__BIND".to_owned()),
        );
        let parsed: serde_json::Value = serde_json::from_str(&json(&settings)).unwrap();
        let rows = parsed["settings"].as_array().unwrap();
        assert_eq!(rows.len(), keys::TABLE.len());
        let row = |key: &str| rows.iter().find(|row| row["key"] == key).unwrap();
        let bind = json!({ "key": "agent.bind", "value": "0.0.0.0:1", "source": "env", "name": "MUSTER_AGENT__BIND" });
        assert_eq!(*row("agent.bind"), bind);
        assert_eq!(row("agent.tags")["tags"]["role"], json!({ "source": "flag", "name": "tag" }));
        assert_eq!(row("agent.advertise")["value"], json!(null));
    }
}
