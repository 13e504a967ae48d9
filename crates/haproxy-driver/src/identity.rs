//! Which text a HAProxy runs: the one that we brought it to, if it is still that process; else the one that the file had when it
//! started. What fits neither, or has other servers than the text, is not known.

use crate::OLD;
use muster_haproxy::{Config, Info, ServerName};
use muster_whole_file as whole_file;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// HAProxy tells its age in whole seconds.
const SAME_START: Duration = Duration::from_secs(3);
/// Ticks of /proc, a second (sysconf(3) `_SC_CLK_TCK`; 100 on every Linux that Rust runs on).
const TICKS_A_SECOND: f64 = 100.0;

/// One process of HAProxy.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Stamp {
    pub(crate) pid: u32,
    started: SystemTime,
}

impl Stamp {
    pub(crate) fn of(info: &Info) -> Self {
        let age = age(info.pid).unwrap_or(Duration::from_secs(info.uptime_s));
        Self { pid: info.pid, started: SystemTime::now().checked_sub(age).unwrap_or(UNIX_EPOCH) }
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let apart = self.started.duration_since(other.started);
        let apart = apart.unwrap_or_else(|earlier| earlier.duration());
        self.pid == other.pid && apart <= SAME_START
    }
}

/// How long the process has run, finer than HAProxy tells it; nothing where it is not in our /proc.
fn age(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (before, behind) = stat.rsplit_once(") ")?;
    // Another process may have that number here.
    before.ends_with("(haproxy").then_some(())?;
    let started: f64 = behind.split(' ').nth(19)?.parse().ok()?;
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let now: f64 = uptime.split(' ').next()?.parse().ok()?;
    Duration::try_from_secs_f64(now - started / TICKS_A_SECOND).ok()
}

/// Where it is kept which process runs which text, so that it outlives the driver.
fn note_of(file: &Path) -> PathBuf {
    whole_file::companion(file, "running")
}

/// Keeps that `process` runs `text`.
pub(crate) fn remember(file: &Path, process: &Stamp, text: &str) {
    let started = process.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let note = format!("{} {started}\n{text}", process.pid);
    if let Err(error) = whole_file::update(&note_of(file), note.as_bytes(), whole_file::PRIVATE) {
        tracing::debug!("cannot keep what HAProxy runs, so the next life may reload it once: {error}");
    }
}

/// The text that `process` runs, whose servers are `servers`.
pub(crate) fn recall(file: &Path, process: &Stamp, servers: &BTreeSet<ServerName>) -> Option<String> {
    let fits = |text: &String| {
        Config::read(text).is_ok_and(|config| config.servers().is_none_or(|listed| listed == *servers))
    };
    let texts = [noted(file, process), read_at_start(file, process), read_before(file, process)];
    texts.into_iter().flatten().find(fits)
}

fn noted(file: &Path, process: &Stamp) -> Option<String> {
    let note = fs::read_to_string(note_of(file)).ok()?;
    let (head, text) = note.split_once('\n')?;
    let (pid, started) = head.split_once(' ')?;
    let started = UNIX_EPOCH.checked_add(Duration::from_secs(started.parse().ok()?))?;
    let noted = Stamp { pid: pid.parse().ok()?, started };
    noted.is_same(process).then(|| text.to_owned())
}

/// What the file had when the process read it.
fn read_at_start(file: &Path, process: &Stamp) -> Option<String> {
    // The time at which it was put there: renaming changes ctime, where mtime is when it was written.
    let metadata = fs::metadata(file).ok()?;
    let put = UNIX_EPOCH.checked_add(Duration::new(
        metadata.ctime().try_into().ok()?,
        metadata.ctime_nsec().try_into().ok()?,
    ))?;
    // It read the file a moment before it was this process. Who changed the file within that moment is found by its servers.
    let was_there = put <= process.started;
    was_there.then(|| fs::read_to_string(file).ok())?
}

/// What stood there before a file that HAProxy has not been told of.
fn read_before(file: &Path, process: &Stamp) -> Option<String> {
    let old = whole_file::companion(file, OLD);
    let was_there = fs::metadata(&old).ok()?.modified().ok()? <= process.started;
    was_there.then(|| fs::read_to_string(&old).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(pid: u32, started: SystemTime) -> Stamp {
        Stamp { pid, started }
    }

    #[test]
    fn a_process_is_known_again_and_another_with_its_number_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("haproxy.cfg");
        let (now, long_ago) = (SystemTime::now(), SystemTime::now() - Duration::from_secs(100));
        fs::write(&file, "backend b\n server new 10.0.0.1:80\n").unwrap();
        let old = "backend b\n server old 10.0.0.1:80\n";
        remember(&file, &stamp(7, long_ago), old);
        let servers = |name: &str| BTreeSet::from([ServerName { backend: "b".into(), server: name.into() }]);
        let recalled = |process, name| recall(&file, &process, &servers(name));
        assert_eq!(recalled(stamp(7, long_ago + Duration::from_secs(1)), "old").as_deref(), Some(old));
        assert_eq!(recalled(stamp(7, long_ago), "other"), None, "its servers are others");
        assert_eq!(recalled(stamp(8, long_ago), "old"), None, "it began before the file was there");
        // One that began before the file was put there, with the one that is kept beside it.
        let former = "backend b\n server former 10.0.0.1:80\n";
        let beside = whole_file::companion(&file, OLD);
        fs::write(&beside, former).unwrap();
        fs::File::open(&beside).unwrap().set_modified(long_ago - Duration::from_secs(50)).unwrap();
        assert_eq!(recalled(stamp(8, long_ago), "former").as_deref(), Some(former));
        // Another process of that number, and one that began when the file was there.
        let later = now + Duration::from_secs(9);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(recalled(stamp(7, later), "new"), Some(text));
    }
}
