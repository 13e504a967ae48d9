//! How long the gone are remembered, and how often the failed are tried meanwhile.

use core::time::Duration;

/// A day, as Serf's defaults have it.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Serf's options of these names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Memory {
    /// Between rounds of trying the failed (ReconnectInterval).
    pub reconnect_interval: Duration,
    /// How long a failed member is remembered, and tried (ReconnectTimeout).
    pub failed_for: Duration,
    /// How long one that left is remembered (TombstoneTimeout).
    pub left_for: Duration,
}

impl Default for Memory {
    fn default() -> Self {
        Self { reconnect_interval: Duration::from_secs(30), failed_for: DAY, left_for: DAY }
    }
}
