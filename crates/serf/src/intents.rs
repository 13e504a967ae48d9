//! Intents about nodes we do not know yet.
//!
//! Gossip has no order: "b is leaving" may arrive before "b is alive". The newest intent per unknown node is kept for a
//! while and applied when the node appears (serf.go, recentIntents).

use crate::Instant;
use alloc::collections::BTreeMap;
use alloc::string::String;
use core::time::Duration;

/// How long an intent waits for its node (Serf: RecentIntentTimeout).
const AGE_MAX: Duration = Duration::from_secs(5 * 60);
/// Most nodes waited for; beyond it the one heard of longest ago is forgotten.
const COUNT_MAX: usize = 4096;
/// Longest name waited for: no node with a longer one is taken in. Each is kept twice, so with the count it bounds what
/// peers can make us remember to 4 MiB and a little.
const NAME_BYTES_MAX: usize = 512;

/// What a node means to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Intent {
    /// It is joining.
    Join,
    /// It is leaving.
    Leave,
}

#[derive(Debug)]
struct Kept {
    intent: Intent,
    ltime: u64,
    heard: Instant,
    /// Its key in `by_age`.
    arrival: u64,
}

/// The newest intent of each unknown node.
#[derive(Debug, Default)]
pub(crate) struct Intents {
    by_name: BTreeMap<String, Kept>,
    by_age: BTreeMap<u64, String>,
    arrivals: u64,
}

impl Intents {
    /// Keeps the intent if it is newer than the one kept for that node; returns whether it was.
    pub(crate) fn keep(&mut self, now: Instant, node: &str, intent: Intent, ltime: u64) -> bool {
        let known = self.by_name.get(node);
        if node.len() > NAME_BYTES_MAX || known.is_some_and(|kept| ltime <= kept.ltime) {
            return false;
        }
        self.forget(node);
        if self.by_name.len() >= COUNT_MAX {
            self.forget_oldest();
        }
        let arrival = self.arrivals;
        self.arrivals += 1;
        self.by_age.insert(arrival, node.into());
        self.by_name.insert(node.into(), Kept { intent, ltime, heard: now, arrival });
        true
    }

    /// The node appeared: takes what was kept for it.
    pub(crate) fn take(&mut self, node: &str) -> Option<(Intent, u64)> {
        self.forget(node).map(|kept| (kept.intent, kept.ltime))
    }

    /// When the oldest has waited too long.
    pub(crate) fn expiry(&self) -> Option<Instant> {
        let (_, oldest) = self.by_age.first_key_value()?;
        self.by_name.get(oldest).map(|kept| kept.heard + AGE_MAX)
    }

    /// Drops what has waited too long.
    pub(crate) fn expire(&mut self, now: Instant) {
        while let Some(oldest) = self.by_age.first_entry() {
            if self.by_name.get(oldest.get()).is_some_and(|kept| now - kept.heard < AGE_MAX) {
                return;
            }
            self.by_name.remove(&oldest.remove());
        }
    }

    fn forget(&mut self, node: &str) -> Option<Kept> {
        let kept = self.by_name.remove(node)?;
        self.by_age.remove(&kept.arrival);
        Some(kept)
    }

    fn forget_oldest(&mut self) {
        if let Some((_, name)) = self.by_age.pop_first() {
            self.by_name.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn at(secs: u64) -> Instant {
        Instant(Duration::from_secs(secs))
    }

    #[test]
    fn only_a_newer_intent_replaces_the_kept_one() {
        let mut intents = Intents::default();
        assert!(intents.keep(at(0), "a", Intent::Join, 5));
        assert!(!intents.keep(at(0), "a", Intent::Leave, 5), "equal time is not newer");
        assert!(!intents.keep(at(0), "a", Intent::Leave, 4));
        assert!(intents.keep(at(0), "a", Intent::Leave, 6));
        assert_eq!(intents.take("a"), Some((Intent::Leave, 6)));
        assert_eq!(intents.take("a"), None, "an intent is applied once");
    }

    #[test]
    fn an_intent_waits_five_minutes_and_no_longer() {
        let mut intents = Intents::default();
        intents.keep(at(0), "a", Intent::Join, 1);
        intents.keep(at(10), "b", Intent::Join, 1);
        assert_eq!(intents.expiry(), Some(at(300)));
        intents.expire(at(299));
        assert!(intents.by_name.contains_key("a"));
        intents.expire(at(300));
        assert!(!intents.by_name.contains_key("a"));
        assert!(intents.by_name.contains_key("b"));
        assert_eq!(intents.by_age.len(), 1);
        assert_eq!(intents.expiry(), Some(at(310)));
    }

    #[test]
    fn a_renewed_intent_is_young_again() {
        let mut intents = Intents::default();
        intents.keep(at(0), "a", Intent::Join, 1);
        intents.keep(at(200), "a", Intent::Join, 2);
        intents.expire(at(400));
        assert_eq!(intents.take("a"), Some((Intent::Join, 2)));
    }

    #[test]
    fn the_oldest_gives_way_when_too_many_wait() {
        let mut intents = Intents::default();
        for n in 0..COUNT_MAX {
            intents.keep(at(1), &format!("n{n}"), Intent::Join, 1);
        }
        intents.keep(at(1), "n0", Intent::Join, 2);
        intents.keep(at(1), "one more", Intent::Leave, 1);
        assert_eq!((intents.by_name.len(), intents.by_age.len()), (COUNT_MAX, COUNT_MAX));
        assert!(intents.take("n1").is_none(), "n1 was heard of longest ago");
        assert!(intents.take("n0").is_some());
        assert!(intents.take("one more").is_some());
    }

    #[test]
    fn a_name_no_packet_can_carry_is_not_kept() {
        let mut intents = Intents::default();
        assert!(!intents.keep(at(0), &"x".repeat(NAME_BYTES_MAX + 1), Intent::Join, 1));
        assert!(intents.by_name.is_empty());
    }
}
