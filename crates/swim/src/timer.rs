//! Everything that is due later: one table, one next deadline.

use crate::{Instant, Slot};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use core::time::Duration;

/// What can be due.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Timer {
    /// A direct probe has waited long enough: ask others.
    ProbeTimeout,
    /// A probe's interval is over without an ack.
    ProbeEnd,
    /// Probe the next member.
    ProbeRound,
    /// A ping we sent for somebody else stayed unanswered; by our sequence number.
    Relay(u32),
    /// A claim to a known name is to be settled.
    Claim(Arc<str>),
    /// A suspected member had its time to refute.
    Suspicion(Slot),
    /// A suspected member is to hear that we alone suspect it.
    Appeal(Slot),
    /// A member that was found dead is to hear so, in case it lives.
    SecondLook(Slot),
    /// A member has been gone long enough to be forgotten.
    Forget(Slot),
    /// The next round of gossip.
    Gossip,
    /// Somebody has not confirmed what it was told straight.
    Direct,
    /// The next full exchange.
    PushPull,
}

/// Timers by kind and by time. Setting one again moves it.
#[derive(Debug)]
pub struct Timers<T> {
    deadline: BTreeMap<T, Instant>,
    order: BTreeSet<(Instant, T)>,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self { deadline: BTreeMap::new(), order: BTreeSet::new() }
    }
}

impl<T: Ord + Clone> Timers<T> {
    /// It is due then, and not when it was before.
    pub fn set(&mut self, timer: T, at: Instant) {
        self.cancel(&timer);
        self.order.insert((at, timer.clone()));
        self.deadline.insert(timer, at);
    }

    /// Moves it to `at` if it is due later, or not at all.
    pub fn hasten(&mut self, timer: T, at: Instant) {
        if self.deadline.get(&timer).is_none_or(|due| *due > at) {
            self.set(timer, at);
        }
    }

    /// It is not due any more.
    pub fn cancel(&mut self, timer: &T) {
        if let Some(at) = self.deadline.remove(timer) {
            self.order.remove(&(at, timer.clone()));
        }
    }

    /// Whether it is to come.
    pub fn is_set(&self, timer: &T) -> bool {
        self.deadline.contains_key(timer)
    }

    /// When the earliest is due.
    pub fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes the earliest timer that is due.
    pub fn pop_due(&mut self, now: Instant) -> Option<T> {
        if self.next()? > now {
            return None;
        }
        let (_, timer) = self.order.pop_first()?;
        self.deadline.remove(&timer);
        Some(timer)
    }

    /// Moves every deadline: the clock ran while we did not.
    pub fn shift(&mut self, by: Duration) {
        self.order =
            core::mem::take(&mut self.order).into_iter().map(|(at, timer)| (at + by, timer)).collect();
        for at in self.deadline.values_mut() {
            *at = *at + by;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant(Duration::from_secs(seconds))
    }

    #[test]
    fn timers_fire_in_order_of_time_and_only_once() {
        let mut timers = Timers::default();
        timers.set(Timer::PushPull, at(3));
        timers.set(Timer::Gossip, at(1));
        timers.set(Timer::Claim("a".into()), at(2));
        assert_eq!(timers.next(), Some(at(1)));
        assert_eq!(timers.pop_due(at(2)), Some(Timer::Gossip));
        assert_eq!(timers.pop_due(at(2)), Some(Timer::Claim("a".into())));
        assert_eq!(timers.pop_due(at(2)), None);
        assert_eq!(timers.pop_due(at(3)), Some(Timer::PushPull));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn setting_a_timer_again_moves_it() {
        let mut timers = Timers::default();
        timers.set(Timer::Gossip, at(1));
        timers.set(Timer::Gossip, at(5));
        assert_eq!(timers.pop_due(at(4)), None);
        timers.cancel(&Timer::Gossip);
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn hastening_never_delays() {
        let mut timers = Timers::default();
        timers.hasten(Timer::Gossip, at(5));
        timers.hasten(Timer::Gossip, at(9));
        assert_eq!(timers.next(), Some(at(5)));
        timers.hasten(Timer::Gossip, at(2));
        assert_eq!(timers.next(), Some(at(2)));
    }

    #[test]
    fn a_shift_moves_all_and_keeps_them_cancellable() {
        let mut timers = Timers::default();
        timers.set(Timer::Gossip, at(1));
        timers.set(Timer::PushPull, at(2));
        timers.shift(Duration::from_secs(10));
        assert_eq!(timers.next(), Some(at(11)));
        timers.cancel(&Timer::Gossip);
        assert_eq!(timers.next(), Some(at(12)));
    }
}
