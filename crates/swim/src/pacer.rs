//! Not too often: what peers can provoke is done at most once per interval and key.

use crate::Instant;
use alloc::collections::BTreeMap;
use core::time::Duration;

/// Most keys remembered at a time. Further ones wait until a remembered one is old: peers choose them.
const KEYS_MAX: usize = 256;

/// Lets each key through once per interval.
#[derive(Debug)]
pub(crate) struct Pacer<K> {
    interval: Duration,
    last: BTreeMap<K, Instant>,
}

impl<K: Ord> Pacer<K> {
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, last: BTreeMap::new() }
    }

    /// Whether `key` may pass now; if so, it counts as passed.
    pub(crate) fn allows(&mut self, now: Instant, key: K) -> bool {
        let interval = self.interval;
        let is_recent = |at: &Instant| now - *at < interval;
        if self.last.get(&key).is_some_and(is_recent) {
            return false;
        }
        if self.last.len() >= KEYS_MAX {
            self.last.retain(|_, at| is_recent(at));
        }
        if self.last.len() >= KEYS_MAX {
            return false;
        }
        self.last.insert(key, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant(Duration::from_secs(seconds))
    }

    #[test]
    fn each_key_passes_once_per_interval() {
        let mut pacer = Pacer::new(Duration::from_secs(10));
        assert!(pacer.allows(at(0), "a"));
        assert!(!pacer.allows(at(9), "a"));
        assert!(pacer.allows(at(9), "b"), "each on its own");
        assert!(pacer.allows(at(10), "a"));
        assert!(!pacer.allows(at(19), "a"), "counted from the last that passed");
    }

    #[test]
    fn no_more_keys_are_remembered_than_stated() {
        let mut pacer = Pacer::new(Duration::from_secs(10));
        let passed = (0..1000).filter(|key| pacer.allows(at(0), *key)).count();
        assert_eq!((passed, pacer.last.len()), (KEYS_MAX, KEYS_MAX));
        assert!(pacer.allows(at(10), 1000), "the old make room");
        assert_eq!(pacer.last.len(), 1);
    }
}
