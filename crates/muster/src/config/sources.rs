//! Everything that may say something about the configuration. Nothing is read here: see [`load`](super::load()).

use super::key::Key;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Where `muster.toml` and `conf.d` are when nobody says otherwise.
pub(crate) const DIRECTORY: &str = "/etc/muster";
/// Names another file or directory.
pub(crate) const CONFIG_VARIABLE: &str = "MUSTER_CONFIG";

/// Flags as typed: a key and its values in order.
pub(crate) type Given = Vec<(&'static Key, Vec<String>)>;

/// Variables by name.
pub(crate) type Env = BTreeMap<String, OsString>;

/// Where to look, and what flags and environment say.
#[derive(Debug)]
pub(crate) struct Sources {
    /// `--config`.
    pub(crate) config: Option<PathBuf>,
    /// `--config-file` and `--config-dir`: Serf's JSON files and directories of them.
    pub(crate) serf: Vec<PathBuf>,
    /// The flags that name keys.
    pub(crate) given: Given,
    /// The environment.
    pub(crate) env: Env,
    /// [`DIRECTORY`], except in tests.
    pub(crate) directory: PathBuf,
}

impl Sources {
    /// These flags and this process's environment. A name that is not UTF-8 is nobody's.
    pub(crate) fn of_process(config: Option<PathBuf>, given: Given) -> Self {
        let env =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect();
        Self { config, serf: Vec::new(), given, env, directory: DIRECTORY.into() }
    }
}
