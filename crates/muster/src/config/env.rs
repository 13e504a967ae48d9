//! The environment: `MUSTER_SECTION__KEY`, and the short names of a few keys.

use super::key::{Key, Kind};
use super::keys;
use super::origin::{Origin, Problem};
use super::settings::Settings;
use super::sources::{CONFIG_VARIABLE, Env};
use super::suggest;
use super::value::{Invalid, Value};

/// Variables of ours that are not keys: the demo ties its children to itself with them.
const OTHER_PREFIX: &str = "MUSTER_DEMO_";
/// So are these: what PID 1 hands over to a role, and where `muster status` looks.
const OTHERS: [&str; 4] =
    [muster_agent::inherited::VARIABLE, "MUSTER_PICTURE_FD", "MUSTER_CONTROL", crate::roles::log::PIPES];

/// Lays the variables over `settings`. An empty variable counts as not set: that is how Docker Compose writes absence.
pub(super) fn read(
    env: &Env,
    settings: &mut Settings,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Problem>,
) {
    let mut not_text = Vec::new();
    let mut set = |name: &str| {
        let value = env.get(name).filter(|value| !value.is_empty())?;
        if value.to_str().is_none() {
            not_text.push(Problem::at(&Origin::Env(name.to_owned()), "is not UTF-8"));
        }
        value.to_str()
    };
    let mut apply = |key: &'static Key, name: &str, read: Result<Value, Invalid>| {
        let origin = Origin::Env(name.to_owned());
        match read {
            Ok(value) => settings.set(key, value, &origin),
            Err(why) => problems.push(Problem::at(&origin, why.0)),
        }
    };
    // The short names first, so that the full one wins.
    for key in keys::TABLE {
        if let Some((name, value)) = key.env_also.and_then(|name| Some((name, set(name)?))) {
            apply(key, name, short(key.kind, name, value));
        }
    }
    for key in keys::TABLE {
        let name = key.env();
        if let Some(value) = set(&name) {
            apply(key, &name, key.kind.parse(value));
        }
    }
    problems.extend(not_text);
    // A warning only: Kubernetes injects MUSTER_PORT and more for a Service called "muster".
    let others = OTHERS.into_iter().chain([CONFIG_VARIABLE]).map(str::to_owned);
    let known: Vec<String> = keys::TABLE.iter().map(|key| key.env()).chain(others).collect();
    for name in env.keys().filter(|name| name.starts_with("MUSTER_") && !name.starts_with(OTHER_PREFIX)) {
        if !known.contains(name) && !OTHERS.contains(&name.as_str()) {
            let hint = suggest::hint(name, known.iter().map(String::as_str));
            let text = format!("this variable means nothing to Muster{hint}");
            warnings.push(Problem::at(&Origin::Env(name.clone()), text));
        }
    }
}

/// What a short name says: `JOIN` is the list itself; `ROLE=web` is the tag `role=web`, one tag whatever it contains.
fn short(kind: Kind, name: &str, text: &str) -> Result<Value, Invalid> {
    match kind {
        Kind::Tags => kind.parse_many(&[&format!("{}={text}", name.to_ascii_lowercase())]),
        _ => kind.parse(text),
    }
}
