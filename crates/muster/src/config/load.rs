//! Lays the sources over each other: default, files, Serf's files, environment, flags.

use super::env;
use super::file;
use super::origin::{Origin, Problem};
use super::serf_file;
use super::settings::Settings;
use super::sources::{CONFIG_VARIABLE, Sources};
use std::path::{Path, PathBuf};

/// What was read, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Best effort when there are problems: a value that could not be read keeps its earlier one.
    pub(crate) settings: Settings,
    /// The files read, in order.
    pub(crate) files: Vec<PathBuf>,
    /// Reasons not to start.
    pub(crate) problems: Vec<Problem>,
    /// Reasons to look again.
    pub(crate) warnings: Vec<Problem>,
}

/// Reads all sources to the end, whatever is wrong on the way.
pub(crate) fn load(sources: &Sources) -> Loaded {
    let mut loaded = Loaded {
        settings: Settings::defaults(),
        files: Vec::new(),
        problems: Vec::new(),
        warnings: Vec::new(),
    };
    for path in files(sources, &mut loaded.problems) {
        file::read(&path, &sources.env, &mut loaded.settings, &mut loaded.problems);
        loaded.files.push(path);
    }
    for named in &sources.serf {
        for path in files_at(named, "json", &mut loaded.problems) {
            serf_file::read(&path, &mut loaded.settings, &mut loaded.problems);
            loaded.files.push(path);
        }
    }
    let Loaded { settings, problems, warnings, .. } = &mut loaded;
    env::read(&sources.env, settings, problems, warnings);
    for (key, values) in &sources.given {
        let origin = Origin::Flag(key.flag);
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        match key.kind.parse_many(&values) {
            Ok(value) => loaded.settings.set(key, value, &origin),
            Err(why) => loaded.problems.push(Problem::at(&origin, why.0)),
        }
    }
    loaded
}

/// The files to read, in order.
fn files(sources: &Sources, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let variable = sources.env.get(CONFIG_VARIABLE).filter(|value| !value.is_empty());
    let (named, origin) = match (&sources.config, variable) {
        (Some(path), _) => (path.clone(), Origin::Flag("config")),
        (None, Some(path)) => (path.into(), Origin::Env(CONFIG_VARIABLE.to_owned())),
        (None, None) => {
            let main = sources.directory.join("muster.toml");
            let mut files = if main.exists() { vec![main] } else { Vec::new() };
            files.extend(files_in(&sources.directory.join("conf.d"), "toml", problems));
            return files;
        }
    };
    let mut files = files_at(&named, "toml", problems);
    if named.is_dir() {
        files.extend(files_in(&named.join("conf.d"), "toml", problems));
        if files.is_empty() {
            problems.push(Problem::at(&origin, format!("there is no *.toml in {}", named.display())));
        }
    }
    files
}

/// A file, or those of a directory that end in `.EXTENSION`, in name order.
fn files_at(named: &Path, extension: &str, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    if named.is_dir() { files_in(named, extension, problems) } else { vec![named.to_owned()] }
}

/// The files of a directory that end in `.EXTENSION`, in name order; none when it does not exist.
fn files_in(directory: &Path, extension: &str, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            problems.push(Problem::anywhere(format!("cannot list {}: {error}", directory.display())));
            return Vec::new();
        }
    };
    let is_wanted = |path: &PathBuf| path.extension().is_some_and(|ext| ext == extension) && path.is_file();
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_wanted).collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests;
