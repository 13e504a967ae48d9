//! `s6-overlay/s6-rc.d`: services with dependencies, in the source format of s6-rc. Bundles name what is started.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use muster_supervise::{Condition, Dependency, Kind, Service, ServiceId};

use super::{Reading, attributes, names};
use crate::execline;
use crate::plan::{Entry, Exec};

/// Bundles that s6-overlay itself makes. Everything in `s6-rc.d` comes behind what they stand for.
const BUILT_IN: [&str; 4] = ["base", "fix-attrs", "legacy-cont-init", "legacy-services"];

/// The definitions, by name.
#[derive(Debug, Default)]
pub(super) struct Folders {
    definitions: BTreeMap<String, Definition>,
    /// Where the bundles `user` and `user2` are, if they are not among the definitions.
    user_bundles: PathBuf,
}

#[derive(Debug)]
struct Definition {
    folder: PathBuf,
    kind: Form,
    /// Whom it depends on, or for a bundle: what it is made of.
    names: Vec<String>,
    producer_for: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Form {
    Longrun,
    Oneshot,
    Bundle,
}

impl Folders {
    /// `user_bundles`: where those of users are, if they said so.
    pub(super) fn read(overlay: &Path, user_bundles: Option<&Path>) -> Result<Self, String> {
        let folder = overlay.join("s6-rc.d");
        let mut definitions = BTreeMap::new();
        for name in names(&folder)? {
            let own = folder.join(&name);
            if own.is_dir() && own.join("type").exists() {
                definitions.insert(name, Definition::read(own)?);
            }
        }
        Ok(Self {
            definitions,
            user_bundles: user_bundles.map_or_else(|| overlay.join("user-bundles.d"), Path::to_owned),
        })
    }

    /// Adds what a bundle names and what that depends on; those already there are left as they are.
    pub(super) fn add(&self, bundle: &str, reading: &mut Reading) -> Result<(), String> {
        let wanted = match self.definitions.get(bundle) {
            Some(bundle) => bundle.names.clone(),
            // A bundle's folder without `type` is understood too: people forget it, and there it can be nothing else.
            None => list(&self.user_bundles.join(bundle), "contents")?,
        };
        let behind = reading.entries.len();
        let mut adding = Adding { folders: self, reading, behind, path: Vec::new() };
        for name in wanted {
            adding.add(&name)?;
        }
        Ok(())
    }
}

impl Definition {
    fn read(folder: PathBuf) -> Result<Self, String> {
        let kind = match attributes::line(&folder, "type")?.as_deref() {
            Some("longrun") => Form::Longrun,
            Some("oneshot") => Form::Oneshot,
            Some("bundle") => Form::Bundle,
            other => {
                let other = other.unwrap_or_default();
                let file = folder.join("type");
                return Err(format!("{}: {other:?} is not longrun, oneshot or bundle", file.display()));
            }
        };
        let names = list(&folder, if kind == Form::Bundle { "contents" } else { "dependencies" })?;
        let producer_for = attributes::line(&folder, "producer-for")?;
        Ok(Self { folder, kind, names, producer_for })
    }
}

/// Names in a file, one a line, and in a folder with `.d` behind the file's name, one a file.
fn list(folder: &Path, file: &str) -> Result<Vec<String>, String> {
    let mut found = names(&folder.join(format!("{file}.d")))?;
    if let Ok(text) = fs::read_to_string(folder.join(file)) {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        found.extend(lines.map(str::to_owned));
    }
    Ok(found)
}

struct Adding<'a> {
    folders: &'a Folders,
    reading: &'a mut Reading,
    /// How many entries were there before this bundle: all of them are waited for.
    behind: usize,
    /// Who brought us to the name at hand.
    path: Vec<String>,
}

impl Adding<'_> {
    /// Adds a service or a bundle, and returns the services that are meant.
    fn add(&mut self, name: &str) -> Result<Vec<ServiceId>, String> {
        if let Some(id) =
            self.reading.entries.iter().position(|entry| entry.is_public && *entry.service.name == *name)
        {
            return Ok(vec![ServiceId(id)]);
        }
        if self.path.iter().any(|before| before == name) {
            return Err(format!(
                "s6-rc.d: these depend on each other in a circle: {} -> {name}",
                self.path.join(" -> ")
            ));
        }
        let Some(definition) = self.folders.definitions.get(name) else {
            if BUILT_IN.contains(&name) {
                return Ok(Vec::new());
            }
            let by = self.path.last().map_or_else(|| "a bundle".to_owned(), |by| format!("{by:?}"));
            return Err(format!(
                "s6-rc.d: {by} names {name:?}, which is not there (a folder with a file `type`)"
            ));
        };
        self.path.push(name.to_owned());
        let mut before = Vec::new();
        for other in definition.names.iter().chain(&definition.producer_for) {
            before.extend(self.add(other)?);
        }
        self.path.pop();
        if definition.kind == Form::Bundle {
            return Ok(before);
        }
        let mut entry = definition.entry(name, self.reading)?;
        entry.service.after = self.reading.behind(0..self.behind);
        entry.service.after.extend(before.iter().map(|on| Dependency { on: *on, until: Condition::Ready }));
        if let Some(consumer) = &definition.producer_for {
            entry.stdout_to = self.add(consumer)?.first().copied();
        }
        Ok(vec![self.reading.push(entry)])
    }
}

impl Definition {
    fn entry(&self, name: &str, reading: &Reading) -> Result<Entry, String> {
        let up_within = attributes::limit(&self.folder, "timeout-up", None)?;
        if self.kind == Form::Longrun {
            let mut entry = attributes::longrun(name, &self.folder)?;
            // In s6-rc's source format, nothing is said by a file `down`: the database decides.
            entry.service.wanted = true;
            entry.service.up_within = up_within.or(entry.notification_fd.and(reading.settings.ready_within));
            return Ok(entry);
        }
        let (main, after) = (self.command("up")?, self.command("down")?);
        let service = Service {
            kind: Kind::Oneshot { up: main.is_some(), down: after.is_some() },
            up_within,
            down_within: attributes::limit(&self.folder, "timeout-down", None)?,
            critical: reading.settings.failure_ends_container,
            ..Service::oneshot(name)
        };
        Ok(Entry { main, after, ..Entry::new(service) })
    }

    fn command(&self, file: &str) -> Result<Option<Exec>, String> {
        let path = self.folder.join(file);
        let Ok(text) = fs::read(&path) else { return Ok(None) };
        let words = execline::words(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok((!words.is_empty()).then_some(Exec::of(words)))
    }
}
