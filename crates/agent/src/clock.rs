//! The time the core sees.

use muster_serf::Instant;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// How late a timer may ring before the pause counts as sleep. A loaded host is late by tens of milliseconds; what is late
/// by a second was stopped, suspended or starved, and knows nothing about its peers in that time.
const LATE_MAX: Duration = Duration::from_secs(1);

/// Time since the agent started, suspension included.
///
/// `std::time::Instant` stands still while the host is suspended (`CLOCK_MONOTONIC`), and the peers' suspicions do not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Duration,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { started: since_boot() }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant(since_boot().saturating_sub(self.started))
    }
}

fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// How much of the time between `asleep` and `awake` nobody asked for: `None` when it is no more than a loaded host
/// explains. `due` is when the sleeper wanted to be woken at the latest.
pub(crate) fn overslept(asleep: Instant, due: Option<Instant>, awake: Instant) -> Option<Duration> {
    let late = awake - due?.max(asleep);
    (late > LATE_MAX).then_some(late)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant(Duration::from_millis(millis))
    }

    #[test]
    fn a_stopped_process_has_slept_for_the_time_nobody_asked_for() {
        assert_eq!(overslept(at(1000), Some(at(1200)), at(61_200)), Some(Duration::from_secs(60)));
        assert_eq!(overslept(at(1000), Some(at(500)), at(4000)), Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_late_or_early_wake_is_no_sleep() {
        assert_eq!(overslept(at(1000), Some(at(1200)), at(1300)), None);
        assert_eq!(overslept(at(1000), Some(at(90_000)), at(1001)), None);
        assert_eq!(overslept(at(1000), None, at(90_000)), None);
    }

    #[test]
    fn time_goes_forward() {
        let clock = Clock::start();
        let first = clock.now();
        assert!(clock.now() >= first);
        assert!(first.0 < Duration::from_secs(5));
    }
}
