//! Something due again and again.

use crate::Instant;
use core::time::Duration;

/// A fixed interval; rounds missed are not made up for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticker {
    interval: Duration,
    next: Instant,
}

impl Ticker {
    /// First due one interval from `now`.
    pub(crate) fn new(now: Instant, interval: Duration) -> Self {
        Self { interval, next: now + interval }
    }

    /// When it is due.
    pub(crate) fn due(self) -> Instant {
        self.next
    }

    /// Whether it is due; if so, the next round begins.
    pub(crate) fn is_due(&mut self, now: Instant) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now + self.interval;
        }
        due
    }

    /// The clock jumped.
    pub(crate) fn slept(&mut self, by: Duration) {
        self.next = self.next + by;
    }
}
