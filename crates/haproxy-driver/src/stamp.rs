//! One process of HAProxy: how it is known again, and when its file was read.

use muster_haproxy::Info;
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::time::Duration;

/// HAProxy tells its age in whole seconds.
const SAME_START: Duration = Duration::from_secs(3);
/// Ticks of /proc, a second (sysconf(3) `_SC_CLK_TCK`; 100 on every Linux that Rust runs on).
const TICKS_A_SECOND: f64 = 100.0;
/// So long may lie between the start of a process and the moment at which it, or its master before it, has read the file: looking up names
/// takes its time.
const READ_WITHIN: Duration = Duration::from_secs(60);
/// From here on a worker reads the file itself, after it began.
const WORKERS_READ: (u32, u32) = (3, 1);
/// So much later than told a process of /proc may have begun: that is told in ticks.
const TICK: Duration = Duration::from_millis(10);

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
}

/// When its file was read: at one moment from `from` until `until`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reading {
    pub(crate) from: Duration,
    pub(crate) until: Duration,
}

impl Reading {
    /// Of a process that answers now.
    pub(crate) fn of(process: &Stamp, info: &Info) -> Self {
        let stat = stat(process.pid);
        let master = stat.as_deref().and_then(parent_in).and_then(started);
        Self::by(process, master, info.version, since_boot())
    }

    /// `master`: when that began, if there is one. It reads anew for each worker, which it does not tell of.
    fn by(process: &Stamp, master: Option<Duration>, version: (u32, u32), now: Duration) -> Self {
        let earliest = process.started.saturating_sub(READ_WITHIN);
        let from = master.map_or(earliest, |master| master.max(earliest));
        let reads_before = master.is_some() && version < WORKERS_READ;
        let late = if reads_before { TICK } else { READ_WITHIN };
        Self { from, until: now.min(process.started + late) }
    }
}

/// The time now, from the boot of the machine.
pub(crate) fn since_boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(now.tv_sec.try_into().unwrap_or(0), now.tv_nsec.try_into().unwrap_or(0))
}

/// Tells one boot of the machine from another; 0 where nobody says.
fn this_boot() -> u128 {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    u128::from_str_radix(&id.trim().replace('-', ""), 16).unwrap_or(0)
}

/// What /proc says of a process of HAProxy; nothing where it is not in ours.
fn stat(pid: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/stat")).ok()
}

/// When the process began, finer than HAProxy tells it.
fn started(pid: u32) -> Option<Duration> {
    started_in(&stat(pid)?)
}

/// The fields behind the name (proc_pid_stat(5)), from the third one on. Another process may have that number here.
fn fields(stat: &str) -> Option<impl Iterator<Item = &str>> {
    let (before, behind) = stat.rsplit_once(") ")?;
    before.ends_with("(haproxy").then(|| behind.split(' '))
}

/// Its start, field 22.
fn started_in(stat: &str) -> Option<Duration> {
    let ticks: f64 = fields(stat)?.nth(19)?.parse().ok()?;
    Duration::try_from_secs_f64(ticks / TICKS_A_SECOND).ok()
}

/// Its parent, field 4.
fn parent_in(stat: &str) -> Option<u32> {
    fields(stat)?.nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_file_is_read_between_the_starts_of_master_and_worker_and_of_newer_ones_later() {
        let worker = Stamp::new(7, 500 * SECOND);
        let reading = |master: Option<u32>, version| {
            let reading = Reading::by(&worker, master.map(|at| at * SECOND), version, 900 * SECOND);
            (reading.from.as_secs(), reading.until.as_secs())
        };
        assert_eq!(reading(Some(499), (2, 6)), (499, 500));
        assert_eq!(reading(Some(499), (3, 1)), (499, 560));
        let young = Reading::by(&worker, None, (2, 6), 510 * SECOND);
        assert_eq!(young.until.as_secs(), 510);
        assert_eq!(reading(Some(100), (3, 0)), (440, 500), "it was reloaded since");
        assert_eq!(
            reading(None, (2, 6)),
            (440, 560),
            "without a master it reads before it is a daemon, or behind its start"
        );
    }

    #[test]
    fn a_process_is_the_same_as_long_as_the_machine_runs() {
        let stat = |ticks: u64| format!("7 (haproxy) S 3 {}{ticks} 0", "0 ".repeat(17));
        assert_eq!(parent_in(&stat(1)), Some(3));
        let started = started_in(&stat(12_345)).unwrap();
        assert_eq!(started, Duration::from_millis(123_450));
        assert_eq!(started_in(&stat(12_345).replace("haproxy", "other")), None);
        let process = Stamp::new(7, started);
        let noted = Stamp::read(&process.line()).unwrap();
        assert!(noted.is_same(&process), "{noted:?}");
        assert!(!noted.is_same(&Stamp { boot: process.boot ^ 1, ..process }), "the machine was booted anew");
        assert!(!noted.is_same(&Stamp::new(7, started + Duration::from_secs(9))));
    }
}
