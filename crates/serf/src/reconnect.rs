//! Trying the failed again.
//!
//! A partition makes each half fail the other. memberlist forgets the dead within seconds, so Serf goes on trying: per
//! round, the whole cluster tries each failed member about once (serf.go, reconnect).

use crate::members::Members;
use crate::ticker::Ticker;
use crate::{Instant, Member};
use core::time::Duration;

/// Who to try, and when.
#[derive(Debug)]
pub(crate) struct Reconnect {
    pub(crate) ticker: Ticker,
    rng: fastrand::Rng,
}

impl Reconnect {
    /// The first round is one interval away.
    pub(crate) fn new(now: Instant, interval: Duration, seed: u64) -> Self {
        // swim draws from the same seed; the two must not draw the same numbers.
        Self { ticker: Ticker::new(now, interval), rng: fastrand::Rng::with_seed(seed ^ 0x7265_636f_6e6e) }
    }

    /// When the next round is due, if there is anybody to try.
    pub(crate) fn due(&self, members: &Members) -> Option<Instant> {
        (members.count().failed > 0).then(|| self.ticker.due())
    }

    /// Whom to try in this round: anyone failed, with probability failed / present.
    pub(crate) fn choose<'a>(&mut self, members: &'a Members) -> Option<&'a Member> {
        let count = members.count();
        let present = (count.all - count.failed - count.left).max(1);
        if count.failed == 0 || self.rng.usize(..present) >= count.failed {
            return None;
        }
        let nth = self.rng.usize(..count.failed);
        members.failed().nth(nth)
    }
}
