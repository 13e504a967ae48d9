//! `[haproxy]` as the agent and PID 1 want it.

use super::key::Key;
use super::keys::haproxy as keys;
use super::settings::Settings;
use super::value::Value;
use muster_agent::templates::{Action, FileConfig, TemplatesConfig};
use muster_haproxy_driver::{CONFIG_BYTES_MAX, Config, Reload, lint};
use muster_render::{Escape, Pace};
use muster_whole_file::read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the group of its configuration is called.
pub(crate) const GROUP: &str = "haproxy";

/// So long a newcomer may not answer this node before HAProxy's check decides. An application that starts takes a second or two.
const CHECKED_AFTER: Duration = Duration::from_secs(5);

/// Whether there is one at all, and whether it is touched.
pub(crate) fn is_on(settings: &Settings) -> bool {
    settings.text(&keys::MODE) != keys::OFF
}

/// Whether this node balances by it.
pub(crate) fn balances(settings: &Settings) -> bool {
    is_on(settings) && settings.text(&keys::MODE) != keys::SHADOW
}

/// Whether `muster run` keeps it.
pub(crate) fn is_managed(settings: &Settings) -> bool {
    settings.text(&keys::MODE) == keys::MANAGED
}

/// What only a restart changes: PID 1 started HAProxy with it, or the cluster was told.
const FIXED: [&Key; 4] = [&keys::MODE, &keys::CONFIG, &keys::MASTER, &keys::PROGRAM];

/// Puts back into `settings`, which were read again, what only a restart changes. The names of what was changed all the same.
pub(crate) fn keep_fixed(settings: &mut Settings, started: &Settings) -> Vec<&'static str> {
    let mut changed = Vec::new();
    for key in FIXED {
        if settings.text(key) != started.text(key) {
            changed.push(key.name);
            let value = Value::Text(started.text(key).to_owned());
            settings.set(key, value, &started.origin(key).clone());
        }
    }
    changed
}

/// What is wrong with a configuration of HAProxy, or with a template of one, whatever HAProxy reads it: what none takes, and what is worth
/// knowing; each with its place.
///
/// # Errors
/// It cannot be read.
pub(crate) fn lint(path: &Path) -> Result<(Vec<String>, Vec<String>), String> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = read::text(path, CONFIG_BYTES_MAX).map_err(|error| at(&error))?;
    let findings = lint::lint(&text).map_err(|error| at(&error))?;
    let (refused, risky): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|finding| finding.gravity == lint::Gravity::Refused);
    let told = |findings: Vec<lint::Finding>| {
        findings
            .into_iter()
            .map(|finding| format!("{}:{}: {}", path.display(), finding.line, finding.words))
            .collect()
    };
    Ok((told(refused), told(risky)))
}

/// The group that keeps it right.
pub(crate) fn group(settings: &Settings) -> Option<TemplatesConfig> {
    if !is_on(settings) {
        return None;
    }
    let path = |key| settings.text(key).to_owned();
    let (file, within) = (path(&keys::CONFIG), settings.duration(&keys::RELOAD_WITHIN));
    let reload = settings.texts(&keys::RELOAD);
    Some(TemplatesConfig {
        name: GROUP.to_owned(),
        files: vec![FileConfig {
            template: path(&keys::TEMPLATE).into(),
            target: PathBuf::from(&file),
            escape: Escape::Haproxy,
        }],
        partials: Vec::new(),
        strict: true,
        folder: None,
        check: Some(vec![path(&keys::PROGRAM), "-c".to_owned(), "-f".to_owned(), file.clone()]),
        check_within: within,
        action: Action::Haproxy(Config {
            file: file.into(),
            socket: path(&keys::SOCKET).into(),
            reload: match reload {
                [] => Reload::Master(path(&keys::MASTER).into()),
                words => Reload::Command(words.to_vec()),
            },
            is_shadow: !balances(settings),
            reload_within: within,
            checked_after: CHECKED_AFTER,
            old_workers_max: settings.count(&keys::OLD_WORKERS_MAX),
        }),
        action_within: within,
        pace: Pace {
            settle: settings.duration(&keys::SETTLE),
            settle_max: Duration::from_millis(500).max(settings.duration(&keys::SETTLE)),
            retry: Duration::from_secs(1),
            retry_max: Duration::from_secs(30),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::origin::Origin;

    #[test]
    fn what_only_a_restart_changes_is_as_it_was_at_the_start() {
        let with = |given: &[(&'static Key, &str)]| {
            let mut settings = Settings::defaults();
            for (key, text) in given {
                settings.set(key, key.kind.parse(text).unwrap(), &Origin::Flag(key.flag));
            }
            settings
        };
        let started = with(&[(&keys::MODE, keys::MANAGED), (&keys::CONFIG, "/a")]);
        let mut again = with(&[(&keys::MODE, keys::OFF), (&keys::TEMPLATE, "/t")]);
        assert_eq!(keep_fixed(&mut again, &started), ["mode", "config"]);
        let group = group(&again).unwrap();
        let file = (group.files[0].template.as_path(), group.files[0].target.as_path());
        assert_eq!(file, (Path::new("/t"), Path::new("/a")));
        assert_eq!(keep_fixed(&mut again, &started), [""; 0]);
    }
}
