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

/// One process of HAProxy. Its start is told from the boot of the machine, since the wall clock may be set at any time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp {
    pub(crate) pid: u32,
    /// Since the boot.
    started: Duration,
    /// Which boot that was.
    boot: u128,
}

impl Stamp {
    pub(crate) fn of(info: &Info) -> Self {
        let now = since_boot();
        // Rather too old than too young: a file that it has not read must not be taken for the one that it runs.
        let age = Duration::from_secs(info.uptime_s.saturating_add(1));
        let started = started(info.pid).unwrap_or(now.saturating_sub(age));
        Self { pid: info.pid, started, boot: this_boot() }
    }

    /// As a line that [`read`](Self::read) reads, to the second.
    pub(crate) fn line(&self) -> String {
        format!("{} {} {:x}", self.pid, self.started.as_secs(), self.boot)
    }

    /// Reads a line; `None` if it is none.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (pid, started, boot) = (words.next()?, words.next()?, words.next()?);
        let started = Duration::from_secs(started.parse().ok()?);
        Some(Self { pid: pid.parse().ok()?, started, boot: u128::from_str_radix(boot, 16).ok()? })
    }

    #[cfg(test)]
    pub(crate) fn new(pid: u32, started: Duration) -> Self {
        Self { pid, started, boot: this_boot() }
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.boot == other.boot && self.pid == other.pid && self.started.abs_diff(other.started) <= SAME_START
    }

    /// When it began, by the clock that files are stamped with, as that is set now.
    fn started_by(&self, clock: Clock) -> SystemTime {
        let wall = clock.wall.checked_sub(clock.since_boot).and_then(|boot| boot.checked_add(self.started));
        wall.unwrap_or(UNIX_EPOCH)
    }
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug)]
struct Clock {
    since_boot: Duration,
    wall: SystemTime,
}

impl Clock {
    fn now() -> Self {
        Self { since_boot: since_boot(), wall: SystemTime::now() }
    }
}

fn since_boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(now.tv_sec.try_into().unwrap_or(0), now.tv_nsec.try_into().unwrap_or(0))
}

/// Tells one boot of the machine from another; 0 where nobody says.
fn this_boot() -> u128 {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    u128::from_str_radix(&id.trim().replace('-', ""), 16).unwrap_or(0)
}

/// When the process began, finer than HAProxy tells it; nothing where it is not in our /proc.
fn started(pid: u32) -> Option<Duration> {
    started_in(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The same, of what /proc says (proc_pid_stat(5), field 22).
fn started_in(stat: &str) -> Option<Duration> {
    let (before, behind) = stat.rsplit_once(") ")?;
    // Another process may have that number here.
    before.ends_with("(haproxy").then_some(())?;
    let ticks: f64 = behind.split(' ').nth(19)?.parse().ok()?;
    Duration::try_from_secs_f64(ticks / TICKS_A_SECOND).ok()
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
    let was_there = put + STAMPS_LATE <= process.started_by(Clock::now());
    was_there.then(|| fs::read_to_string(file).ok())?
}

/// What stood there before a file that HAProxy has not been told of.
fn read_before(file: &Path, process: &Stamp) -> Option<String> {
    let old = whole_file::companion(file, OLD);
    let was_there = fs::metadata(&old).ok()?.modified().ok()? <= process.started_by(Clock::now());
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
        let (now, long_ago) = (since_boot(), since_boot() - Duration::from_secs(100));
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
        fs::File::open(&beside).unwrap().set_modified(SystemTime::now() - Duration::from_secs(150)).unwrap();
        assert_eq!(recalled(Stamp::new(8, long_ago), "former"), read(&former));
        // Another process of that number, and one that began when the file was there.
        let later = now + Duration::from_secs(9);
        assert_eq!(recalled(Stamp::new(7, later), "new"), read(&OLD_TEXT.replace("old", "new")));
    }

    #[test]
    fn a_wall_clock_that_is_set_makes_no_other_process() {
        let stat = |ticks: u64| format!("7 (haproxy) S 1 {}{ticks} 0", "0 ".repeat(17));
        let started = started_in(&stat(12_345)).unwrap();
        assert_eq!(started, Duration::from_millis(123_450));
        assert_eq!(started_in(&stat(12_345).replace("haproxy", "other")), None);
        let process = Stamp::new(7, started);
        let noted = Stamp::read(&process.line()).unwrap();
        assert!(noted.is_same(&process), "{noted:?}");
        // Minutes later somebody sets the clock by hours: only what files say is read anew.
        let hours = Duration::from_secs(7_200);
        let then = Clock { since_boot: started + Duration::from_secs(100), wall: SystemTime::now() };
        let set = Clock { wall: then.wall + hours, ..then };
        assert_eq!(process.started_by(set), process.started_by(then) + hours);
        assert!(!noted.is_same(&Stamp { boot: process.boot ^ 1, ..process }), "the machine was booted anew");
        assert!(!noted.is_same(&Stamp::new(7, started + Duration::from_secs(9))));
    }
}
