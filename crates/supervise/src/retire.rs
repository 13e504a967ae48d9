//! How a node goes without a request failing: first the cluster is told that it takes none, then whoever balances has answered that
//! none is in flight, and only then its processes are asked to end.
//!
//! Everything fits into one time T (9 s: Docker grants 10), and each step has its share of it. A step that is late is not waited
//! for: what follows is bounded, whoever does not answer.
//!
//! | until | step |
//! |---|---|
//! | 0.10 T | the own tag says `notready=*`, at every balancer |
//! | 0.45 T | every balancer that answers such questions has nothing in flight here |
//! | 0.65 T | only where plain Serf may balance, which sees joins and leaves and nothing else: leave, then wait |
//! | 0.85 T | the processes end; the agent leaves at the same time |
//! | 1.00 T | who is left is killed |

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::service::ServiceId;
use crate::{Grace, Instant};

/// What a node that retires does, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retire {
    /// Whose process speaks to the cluster.
    pub agent: ServiceId,
    /// T: all of it may take this long.
    pub within: Duration,
    /// How long those need that see nothing but the leave to send no more requests. (The reference stack: 2.3 s for a change to
    /// be in force, measured.)
    pub plain_wait: Duration,
}

/// What the agent tells of a retiring node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The tag is withdrawn, and these are to be waited for.
    Withdrawn(Waiting),
    /// All balancers that answer have answered that nothing is in flight.
    Drained,
}

/// Who is to be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Balancers that will say when nothing is in flight.
    pub ours: bool,
    /// Members of plain Serf, which may balance, and see only that somebody left.
    pub plain: bool,
}

/// Where a retiring node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The cluster is being told.
    Withdrawing,
    /// Balancers are being waited for.
    Draining {
        /// Plain Serf is to be seen to afterwards.
        then_leave: bool,
    },
    /// The agent leaves, before the processes end.
    Leaving,
    /// Those that saw the leave take their time.
    Waiting,
}

impl Retire {
    fn share(&self, of_hundred: u32) -> Duration {
        self.within * of_hundred / 100
    }

    /// When `step`, begun at `now` by a node that began to retire at `began`, is not waited for any more.
    pub(crate) fn until(&self, step: Step, began: Instant, now: Instant) -> Instant {
        let last = |of_hundred| began + self.share(of_hundred);
        match step {
            Step::Withdrawing => last(10),
            Step::Draining { .. } => last(45),
            Step::Leaving => last(65),
            Step::Waiting => (now + self.plain_wait).min(last(65)),
        }
    }

    /// When the processes have to have ended.
    pub(crate) fn stopped_by(&self, began: Instant) -> Instant {
        began + self.share(85)
    }

    /// The time of the steps that follow, from T; how long each process may take is its own affair within it.
    pub(crate) fn grace(&self, grace: Grace) -> Grace {
        Grace { each: self.share(85), all: self.share(85), rest: grace.rest.min(self.share(10)) }
    }
}
