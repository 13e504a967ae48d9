//! The small files of a service folder that hold one value each.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use muster_supervise::{Kind, Readiness, Service};
use nix::sys::signal::Signal;

use crate::plan::{Entry, Exec};
use crate::tally;

/// A longrun's folder as an entry: `run`, `finish`, `down` and the values beside them.
pub(super) fn longrun(name: &str, folder: &Path) -> Result<Entry, String> {
    if !folder.join("run").is_file() {
        return Err(format!("{}: there is no file `run`, which a service needs", folder.display()));
    }
    let finish = folder.join("finish").is_file();
    let notification_fd = number(folder, "notification-fd")?;
    let defaults = Service::longrun(name);
    let service = Service {
        kind: Kind::Longrun { finish },
        wanted: !folder.join("down").exists(),
        readiness: if notification_fd.is_some() { Readiness::Told } else { Readiness::Started },
        stop_signal: signal(folder, "down-signal")?.unwrap_or(defaults.stop_signal),
        kill_after: limit(folder, "timeout-kill", None)?,
        finish_within: limit(folder, "timeout-finish", defaults.finish_within)?,
        ..defaults
    };
    let exec = |file: &str| Exec {
        directory: Some(folder.to_owned()),
        ..Exec::of(vec![format!("./{file}").into()])
    };
    let mut main = exec("run");
    // s6-supervise tells a run script the service's name.
    main.words.push(name.into());
    Ok(Entry {
        main: Some(main),
        after: finish.then(|| exec("finish")),
        deaths_kept: number(folder, "max-death-tally")?.map_or(tally::KEPT, |kept| kept as usize),
        notification_fd: notification_fd.map(|fd| i32::try_from(fd).unwrap_or(i32::MAX)),
        ..Entry::new(service)
    })
}

/// The first line of a file; `None` without the file.
pub(super) fn line(folder: &Path, file: &str) -> Result<Option<String>, String> {
    let path = folder.join(file);
    match fs::read(&path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).lines().next().map(|line| line.trim().to_owned())),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}

/// A file that holds a number.
pub(super) fn number(folder: &Path, file: &str) -> Result<Option<u32>, String> {
    let Some(line) = line(folder, file)? else { return Ok(None) };
    line.parse().map(Some).map_err(|_| format!("{}: {line:?} is no number", folder.join(file).display()))
}

/// A time limit in milliseconds, of which zero is none.
pub(super) fn limit(folder: &Path, file: &str, unset: Option<Duration>) -> Result<Option<Duration>, String> {
    Ok(match number(folder, file)? {
        None => unset,
        Some(0) => None,
        Some(milliseconds) => Some(Duration::from_millis(u64::from(milliseconds))),
    })
}

/// A signal by name, with or without SIG, or by number.
fn signal(folder: &Path, file: &str) -> Result<Option<i32>, String> {
    let Some(line) = line(folder, file)? else { return Ok(None) };
    parse_signal(&line)
        .map(Some)
        .ok_or_else(|| format!("{}: there is no signal {line:?}", folder.join(file).display()))
}

/// A signal by name, with or without SIG, or by number.
pub fn parse_signal(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return Signal::try_from(number).ok().map(|signal| signal as i32);
    }
    let name = text.to_ascii_uppercase();
    let name = if name.starts_with("SIG") { name } else { format!("SIG{name}") };
    name.parse::<Signal>().ok().map(|signal| signal as i32)
}
