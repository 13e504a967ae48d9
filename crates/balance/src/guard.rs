//! What keeps judgements from emptying a service.
//!
//! Of judgements, [`Checks`](crate::Checks) and [`Outliers`](crate::Outliers), each can be wrong about all backends at once: a
//! health endpoint that needs a database, a flood of bad requests. So they may take out only so many in a time, and when few
//! are left, what they say counts no more. Connections that fail are no judgement and are not limited.

use crate::Instant;
use core::time::Duration;

/// How many a service may lose to judgements.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Guard {
    /// Most backends taken out in a window, in percent of the service; at least one.
    pub max_drop_percent: u8,
    /// That window.
    pub window: Duration,
    /// When fewer than so many percent of the service are usable, all those that only a judgement keeps out are used as if
    /// there were none. Outliers are not even ejected then. 0: never.
    pub usable_min_percent: u8,
}

impl Default for Guard {
    fn default() -> Self {
        Self { max_drop_percent: 25, window: Duration::from_secs(10), usable_min_percent: 50 }
    }
}

/// What was dropped in this window.
#[derive(Debug, Default)]
pub(crate) struct Drops {
    since: Instant,
    count: usize,
}

impl Drops {
    /// Whether another of `all` may be dropped now; if so it is counted.
    pub(crate) fn allow(&mut self, now: Instant, guard: &Guard, all: usize) -> bool {
        if now - self.since >= guard.window {
            (self.since, self.count) = (now, 0);
        }
        let most = (all * usize::from(guard.max_drop_percent) / 100).max(1);
        let may = self.count < most;
        self.count += usize::from(may);
        may
    }
}

impl Guard {
    /// Whether so few usable ones are too few.
    pub(crate) fn panics(&self, usable: usize, all: usize) -> bool {
        usable * 100 < all * usize::from(self.usable_min_percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_may_be_dropped_in_a_window_and_always_one() {
        let guard = Guard::default();
        let at = |secs| Instant(Duration::from_secs(secs));
        let dropped =
            |drops: &mut Drops, secs, all| (0..all).filter(|_| drops.allow(at(secs), &guard, all)).count();
        let mut drops = Drops::default();
        assert_eq!(dropped(&mut drops, 100, 20), 5);
        assert_eq!(dropped(&mut drops, 109, 20), 0);
        assert_eq!(dropped(&mut drops, 110, 20), 5);
        assert_eq!(dropped(&mut Drops::default(), 100, 3), 1);
    }

    #[test]
    fn too_few_are_fewer_than_half() {
        let guard = Guard::default();
        assert!(!guard.panics(2, 4) && guard.panics(1, 4) && !guard.panics(0, 0) && guard.panics(0, 1));
        assert!(!Guard { usable_min_percent: 0, ..guard }.panics(0, 9));
    }
}
