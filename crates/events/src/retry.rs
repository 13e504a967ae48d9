//! When to knock again at a webhook that did not take a notice.

use core::time::Duration;

/// How often a notice is offered at most.
pub const ATTEMPTS_MAX: u32 = 5;
/// Before the second attempt; each later pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Whatever the receiver's trouble is, longer pauses do not help it.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The pause after `attempts` failed ones; none when it is time to give up. `random` in 0..1 spreads nodes that were refused
/// together.
pub fn pause(attempts: u32, random: f64) -> Option<Duration> {
    if attempts >= ATTEMPTS_MAX {
        return None;
    }
    let doubled = FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    Some(doubled.min(PAUSE_MAX).mul_f64(0.75 + 0.5 * random.clamp(0.0, 1.0)))
}

/// Whether an answer with this HTTP status may become another: the receiver's trouble passes, and a mistake of ours stays.
pub fn may_change(status: u16) -> bool {
    status >= 500 || matches!(status, 408 | 425 | 429)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end() {
        let pauses: Vec<_> = (1..).map_while(|attempts| pause(attempts, 0.5)).collect();
        assert_eq!(pauses, [1, 2, 4, 8].map(Duration::from_secs));
        assert!(pause(1, 0.0) < pause(1, 1.0));
    }

    #[test]
    fn only_trouble_that_passes_is_worth_another_attempt() {
        let worth: Vec<u16> = [200, 301, 400, 404, 408, 429, 500, 503]
            .into_iter()
            .filter(|status| may_change(*status))
            .collect();
        assert_eq!(worth, [408, 429, 500, 503]);
    }
}
