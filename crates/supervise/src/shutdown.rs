//! How the container ends: where it is of a cluster, that lets it go first ([`crate::retire`]); then services in the opposite order of their start, then whoever is left, then with force. All of it within
//! a time that Docker grants (10 s by default; then it kills everything, PID 1 first).

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::retire::Step;

/// How long each step of the end may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grace {
    /// One service, from being asked to being killed. (s6-overlay: `S6_SERVICES_GRACETIME`)
    pub each: Duration,
    /// All services together. After that all that is left is asked to end at once.
    pub all: Duration,
    /// Whatever is left after the services, before it is killed. (s6-overlay: `S6_KILL_GRACETIME`)
    pub rest: Duration,
}

impl Default for Grace {
    /// Nine seconds at most, so that one of Docker's ten is left for a busy machine.
    fn default() -> Self {
        Self { each: Duration::from_secs(5), all: Duration::from_secs(7), rest: Duration::from_millis(1500) }
    }
}

/// After the last KILL, processes are waited for this long. (What is stuck in the kernel is not waited for: with PID 1 its whole
/// namespace goes.)
pub(crate) const KILLED_WITHIN: Duration = Duration::from_millis(500);

/// Where the container stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It runs.
    Running,
    /// The cluster lets it go; its services still run.
    Retiring {
        /// How far it is.
        step: Step,
        /// Since when.
        began: Instant,
        /// When patience with this step ends.
        until: Instant,
    },
    /// Its services are being stopped.
    Stopping {
        /// When patience with them ends.
        until: Instant,
    },
    /// Everybody left was asked to end.
    Sweeping {
        /// When they are killed.
        until: Instant,
    },
    /// Everybody left was killed.
    Killing {
        /// When nobody is waited for any more.
        until: Instant,
    },
    /// It is over.
    Over,
}

impl Phase {
    /// When this phase ends by itself.
    pub(crate) const fn until(self) -> Option<Instant> {
        match self {
            Self::Running | Self::Over => None,
            Self::Retiring { until, .. }
            | Self::Stopping { until }
            | Self::Sweeping { until }
            | Self::Killing { until } => Some(until),
        }
    }
}
