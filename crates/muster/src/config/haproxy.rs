//! `[haproxy]` as the agent and PID 1 want it.

use super::keys::haproxy as keys;
use super::settings::Settings;
use muster_agent::templates::{Action, FileConfig, TemplatesConfig};
use muster_haproxy_driver::{Config, Reload};
use muster_render::{Escape, Pace};
use std::path::PathBuf;
use std::time::Duration;

/// What the group of its configuration is called.
pub(crate) const GROUP: &str = "haproxy";

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
