//! s6-overlay's folders, read into a [`Plan`]. What starts after what is s6-overlay's own order (its `rc.init` and the sources of
//! its `top` bundle):
//!
//! 1. what `fix-attrs.d` says of owners and modes, then scripts of `cont-init.d`, one after the other;
//! 2. services of `s6-overlay/s6-rc.d` that the bundle `user` names, with what they depend on;
//! 3. services of `services.d`;
//! 4. what the bundle `user2` names;
//! 5. the command.
//!
//! The end goes the other way, and runs the scripts of `cont-finish.d` last.

mod attributes;
mod rc;
mod scripts;
mod services;
mod settings;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use muster_supervise::{Condition, Dependency, Restart, Service, ServiceId};

use crate::environment;
use crate::plan::{Entry, Exec, Plan};
pub use attributes::parse_signal;
use settings::Settings;

/// Where to read, and what to run.
#[derive(Debug, Clone)]
pub struct Source {
    /// The folder that is `/etc` in a container.
    pub etc: PathBuf,
    /// Where control places are made (`/run/service`); `None`: nowhere.
    pub places: Option<PathBuf>,
    /// The container's command, or nothing.
    pub command: Vec<OsString>,
}

/// Reads everything. This happens in a fork of PID 1.
///
/// # Errors
/// In words: what is wrong, in which file, and what would be right.
pub fn read(source: &Source) -> Result<Plan, String> {
    let settings = Settings::of(|name| std::env::var_os(name));
    let mut reading = Reading { settings, entries: Vec::new(), warnings: Vec::new() };
    let etc = &reading.settings.profile(&source.etc);
    reading.write_environment();
    reading.run_hook()?;
    scripts::finish(&etc.join("cont-finish.d"), &mut reading)?;
    scripts::fix_attrs(&etc.join("fix-attrs.d"), &mut reading)?;
    scripts::init(&etc.join("cont-init.d"), &mut reading)?;
    let rc = rc::Folders::read(&etc.join("s6-overlay"), reading.settings.bundles.as_deref())?;
    rc.add("user", &mut reading)?;
    services::read(&etc.join("services.d"), &mut reading)?;
    rc.add("user2", &mut reading)?;
    if !source.command.is_empty() {
        reading.add_command(&source.command);
    }
    for ServiceId(reader) in reading.entries.iter().filter_map(|entry| entry.stdout_to).collect::<Vec<_>>() {
        reading.entries[reader].service.ends_with_input = true;
    }
    Ok(Plan {
        grace: reading.settings.grace(),
        verbosity: reading.settings.verbosity,
        places: source.places.clone(),
        warnings: reading.warnings,
        ..Plan::of(reading.entries)
    })
}

/// What has been read so far.
struct Reading {
    settings: Settings,
    entries: Vec<Entry>,
    warnings: Vec<String>,
}

impl Reading {
    /// Adds a service behind what was read before.
    fn push(&mut self, entry: Entry) -> ServiceId {
        self.entries.push(entry);
        ServiceId(self.entries.len() - 1)
    }

    /// Everything read so far is waited for, come what may: an order, not a condition.
    fn behind_all(&self) -> Vec<Dependency> {
        self.behind(0..self.entries.len())
    }

    fn behind(&self, ids: std::ops::Range<usize>) -> Vec<Dependency> {
        ids.map(|id| Dependency { on: ServiceId(id), until: Condition::Settled }).collect()
    }

    fn write_environment(&mut self) {
        let folder = environment::folder();
        if let Err(error) = environment::write(&folder) {
            self.warnings.push(format!("with-contenv will find no variables: {}: {error}", folder.display()));
        }
    }

    /// What may change the folders that are read next. Whoever is told to end meanwhile does so when it has ended.
    fn run_hook(&mut self) -> Result<(), String> {
        let words = std::mem::take(&mut self.settings.hook);
        let Some((program, arguments)) = words.split_first() else { return Ok(()) };
        let why = match std::process::Command::new(program).args(arguments).status() {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => status.to_string(),
            Err(error) => crate::explain::explain(program, None, &error),
        };
        let text = format!("S6_STAGE2_HOOK, {}: {why}", program.display());
        if self.settings.failure_ends_container {
            return Err(text);
        }
        self.warnings.push(text);
        Ok(())
    }

    fn add_command(&mut self, command: &[OsString]) {
        let command = [&self.settings.before_command, command].concat();
        let service = Service {
            critical: true,
            restart: Restart::Never,
            after: self.behind_all(),
            ..Service::longrun("command")
        };
        self.push(Entry {
            main: Some(Exec::of(command)),
            is_command: true,
            is_public: false,
            ..Entry::new(service)
        });
    }
}

/// The names in a folder, in the order of their bytes, as s6-overlay sorts them. A folder that is not there has none.
fn names(folder: &Path) -> Result<Vec<String>, String> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("{} cannot be read: {error}", folder.display())),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name =
            entry.map_err(|error| format!("{} cannot be read: {error}", folder.display()))?.file_name();
        let name = name.to_string_lossy().into_owned();
        // A dot hides a file; a name becomes part of a path and of log lines.
        if name.starts_with('.') {
            continue;
        }
        if name.chars().any(char::is_control) || name.contains(char::REPLACEMENT_CHARACTER) {
            return Err(format!("{}: the name {name:?} is not text that can be shown", folder.display()));
        }
        names.push(name);
    }
    names.sort_unstable();
    Ok(names)
}
