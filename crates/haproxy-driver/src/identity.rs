//! Which text a HAProxy runs: the one that we brought it to, if it is still that process; else the one that the file had when it
//! started. What fits neither, or has other servers than the text, is not known.

use crate::OLD;
use muster_haproxy::{Config, Info, Leaving, ServerName, ServerState};
use muster_whole_file as whole_file;
use rustix::time::{ClockId, clock_gettime};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// HAProxy tells its age in whole seconds.
const SAME_START: Duration = Duration::from_secs(3);
/// Ticks of /proc, a second (sysconf(3) `_SC_CLK_TCK`; 100 on every Linux that Rust runs on).
const TICKS_A_SECOND: f64 = 100.0;

/// So much earlier than it was put there a file may be stamped: Linux looks at the time once a tick, of 10 ms at most.
const STAMPS_LATE: Duration = Duration::from_millis(10);

/// One process of HAProxy.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Stamp {
    pub(crate) pid: u32,
    started: SystemTime,
}

impl Stamp {
    pub(crate) fn of(info: &Info) -> Self {
        // Rather too old than too young: a file that it has not read must not be taken for the one that it runs.
        let age = age(info.pid).unwrap_or(Duration::from_secs(info.uptime_s.saturating_add(1)));
        Self { pid: info.pid, started: SystemTime::now().checked_sub(age).unwrap_or(UNIX_EPOCH) }
    }

    /// As a line that [`read`](Self::read) reads, to the second.
    pub(crate) fn line(&self) -> String {
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        format!("{} {started}", self.pid)
    }

    /// Reads a line; `None` if it is none.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let (pid, started) = line.split_once(' ')?;
        let started = UNIX_EPOCH.checked_add(Duration::from_secs(started.parse().ok()?))?;
        Some(Self { pid: pid.parse().ok()?, started })
    }

    #[cfg(test)]
    pub(crate) fn new(pid: u32, started: SystemTime) -> Self {
        Self { pid, started }
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
    let now = clock_gettime(ClockId::Boottime);
    let now = Duration::new(now.tv_sec.try_into().ok()?, now.tv_nsec.try_into().ok()?);
    now.checked_sub(Duration::try_from_secs_f64(started / TICKS_A_SECOND).ok()?)
}

/// Where it is kept which process runs which text, so that it outlives the driver.
fn note_of(file: &Path) -> PathBuf {
    whole_file::companion(file, "running")
}

/// Keeps that `process` runs `text`.
pub(crate) fn remember(file: &Path, process: &Stamp, text: &str) {
    let note = format!("{}\n{text}", process.line());
    if let Err(error) = whole_file::note(&note_of(file), note.as_bytes(), whole_file::PRIVATE) {
        tracing::debug!("cannot keep what HAProxy runs, so the next life may reload it once: {error}");
    }
}

/// The text that `process` runs, with these servers and with `leaving` beside it.
pub(crate) fn recall(
    file: &Path,
    process: &Stamp,
    servers: &[ServerState],
    leaving: &BTreeMap<ServerName, Leaving>,
) -> Option<Config> {
    let texts = [noted(file, process), read_at_start(file, process), read_before(file, process)];
    let configs = texts.into_iter().flatten().filter_map(|text| Config::read(&text).ok());
    configs.into_iter().find(|config| config.fits(servers, |name| leaving.contains_key(name)))
}

fn noted(file: &Path, process: &Stamp) -> Option<String> {
    let note = fs::read_to_string(note_of(file)).ok()?;
    let (head, text) = note.split_once('\n')?;
    let noted = Stamp::read(head)?;
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
    // It read the file a moment before it was this process.
    let was_there = put + STAMPS_LATE <= process.started;
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

    const OLD_TEXT: &str = "backend b\n server old 10.0.0.1:80\n";

    #[test]
    fn a_process_is_known_again_and_another_with_its_number_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("haproxy.cfg");
        let (now, long_ago) = (SystemTime::now(), SystemTime::now() - Duration::from_secs(100));
        fs::write(&file, "backend b\n server new 10.0.0.1:80\n").unwrap();
        remember(&file, &Stamp::new(7, long_ago), OLD_TEXT);
        let recalled = |process, name: &str| {
            let reply = format!(
                "1\n# be_name srv_name srv_addr srv_admin_state srv_uweight srv_port\nb {name} 10.0.0.1 0 1 80\n"
            );
            recall(&file, &process, &muster_haproxy::server_states(&reply), &BTreeMap::new())
        };
        let read = |text: &str| Config::read(text).ok();
        assert_eq!(recalled(Stamp::new(7, long_ago + Duration::from_secs(1)), "old"), read(OLD_TEXT));
        assert_eq!(recalled(Stamp::new(7, long_ago), "other"), None, "its servers are others");
        assert_eq!(recalled(Stamp::new(8, long_ago), "old"), None, "it began before the file was there");
        // One that began before the file was put there, with the one that is kept beside it.
        let former = OLD_TEXT.replace("old", "former");
        let beside = whole_file::companion(&file, OLD);
        fs::write(&beside, &former).unwrap();
        fs::File::open(&beside).unwrap().set_modified(long_ago - Duration::from_secs(50)).unwrap();
        assert_eq!(recalled(Stamp::new(8, long_ago), "former"), read(&former));
        // Another process of that number, and one that began when the file was there.
        let later = now + Duration::from_secs(9);
        assert_eq!(recalled(Stamp::new(7, later), "new"), read(&OLD_TEXT.replace("old", "new")));
    }
}
