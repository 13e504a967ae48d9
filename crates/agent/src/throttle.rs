//! Whether the kernel withholds the CPU from this container: what its cgroup's accounts say, and when that matters.
//!
//! A group with a quota runs until the quota of a period is used up, then stands still until the next period begins. An agent
//! in it answers late through no fault of the network: others may take it for failed, and it may misjudge them.
//!
//! Source: the kernel's `sched-bwc.rst`; `cgroup-v2.rst` (`cpu.stat`, `cpu.max`). Here is no I/O; see `cgroup`.

use muster_serf::Instant;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// How far back a judgement looks, if there was a reading then.
const WINDOW: Duration = Duration::from_secs(10);
/// Readings are made no oftener.
const READ_EVERY: Duration = Duration::from_secs(1);
/// While there is no quota, one is looked for this often: `docker update --cpus` sets one at any time.
const SEEK_EVERY: Duration = Duration::from_secs(60);
/// Whoever stands still for a smaller part of the time still does everything in time.
const SHARE_MAX: f64 = 0.1;
/// Shorter pauses delay no answer by what a prober notices: a tenth of the probe timeout on a LAN.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// The log says it again after this long at the earliest.
const TELL_EVERY: Duration = Duration::from_secs(300);

/// One reading of a group with a quota. Counters only grow, unless we were moved to another group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Accounts {
    /// Periods in which the group stood still.
    pub periods_throttled: u64,
    /// For how long, summed over the CPUs it ran on.
    pub throttled: Duration,
    /// How often the quota is renewed.
    pub period: Duration,
}

/// What `cpu.stat` says: `throttled_usec` in version 2 of cgroups, `throttled_time` in nanoseconds in version 1.
pub(crate) fn read_stat(cpu_stat: &str) -> Option<(u64, Duration)> {
    let periods = value(cpu_stat, "nr_throttled")?;
    let micros = value(cpu_stat, "throttled_usec").map(Duration::from_micros);
    let throttled = micros.or_else(|| value(cpu_stat, "throttled_time").map(Duration::from_nanos))?;
    Some((periods, throttled))
}

/// The period of version 2's `cpu.max`, such as `50000 100000`; `None` without a quota (`max 100000`).
pub(crate) fn period_of_max(cpu_max: &str) -> Option<Duration> {
    let (quota, period) = cpu_max.trim().split_once(' ')?;
    quota.parse::<u64>().ok().and(period.parse().ok()).map(Duration::from_micros)
}

/// The same of version 1's `cpu.cfs_quota_us` (-1: none) and `cpu.cfs_period_us`.
pub(crate) fn period_of_cfs(quota_us: &str, period_us: &str) -> Option<Duration> {
    quota_us.trim().parse::<u64>().ok().and(period_us.trim().parse().ok()).map(Duration::from_micros)
}

fn value(text: &str, key: &str) -> Option<u64> {
    let of_key = |line: &str| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok();
    text.lines().find_map(of_key)
}

/// How much of a time was withheld.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Throttled {
    pub by: Duration,
    pub of: Duration,
    periods: u64,
}

impl Throttled {
    /// Between two readings. The kernel sums over CPUs; a group stands still no longer than the periods it is throttled in,
    /// and no longer than the time that passed.
    fn between(old: &Accounts, new: &Accounts, of: Duration) -> Self {
        let periods = new.periods_throttled.saturating_sub(old.periods_throttled);
        let in_periods = new.period.saturating_mul(u32::try_from(periods).unwrap_or(u32::MAX));
        let by = new.throttled.saturating_sub(old.throttled).min(in_periods).min(of);
        Self { by, of, periods }
    }

    /// For the log.
    pub(crate) fn warning(&self) -> String {
        format!(
            "this container's CPU was throttled for {self}; it may answer too late and be taken for failed; \
             give it more CPU (docker run --cpus ...)"
        )
    }

    /// Whether answers may come too late for it. One pause just after the start is no high share.
    fn matters(&self) -> bool {
        let pauses = u32::try_from(self.periods).unwrap_or(u32::MAX);
        self.by > self.of.max(WINDOW).mul_f64(SHARE_MAX) && self.by >= PAUSE_MIN.saturating_mul(pauses)
    }
}

impl fmt::Display for Throttled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s of the last {:.1} s", self.by.as_secs_f64(), self.of.as_secs_f64())
    }
}

/// What the readings of the last seconds amount to.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    /// Oldest first; one may be older than the window. At most a dozen, as readings are a second apart.
    readings: VecDeque<(Instant, Accounts)>,
    next_reading: Instant,
    next_telling: Instant,
}

/// What follows from a reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Strain {
    pub throttled: Throttled,
    /// Whether the log is to say it.
    pub tell: bool,
}

impl Throttle {
    pub(crate) fn wants_reading(&self, now: Instant) -> bool {
        now >= self.next_reading
    }

    /// Takes a reading, `None` if there is no quota; says so if the CPU was withheld so much that it matters.
    pub(crate) fn take(&mut self, now: Instant, accounts: Option<Accounts>) -> Option<Strain> {
        let Some(accounts) = accounts else {
            self.readings.clear();
            self.next_reading = now + SEEK_EVERY;
            return None;
        };
        self.next_reading = now + READ_EVERY;
        while self.readings.get(1).is_some_and(|(at, _)| now - *at >= WINDOW) {
            self.readings.pop_front();
        }
        self.readings.push_back((now, accounts));
        let throttled = self.lately().filter(Throttled::matters)?;
        let tell = now >= self.next_telling;
        if tell {
            self.next_telling = now + TELL_EVERY;
        }
        Some(Strain { throttled, tell })
    }

    /// What was withheld at all, as of the last reading.
    pub(crate) fn lately(&self) -> Option<Throttled> {
        let ((began, old), (ended, new)) = (self.readings.front()?, self.readings.back()?);
        Some(Throttled::between(old, new, *ended - *began)).filter(|throttled| !throttled.by.is_zero())
    }
}

#[cfg(test)]
mod tests;
