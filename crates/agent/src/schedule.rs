//! How long to wait before trying the seeds again.

use std::time::Duration;

/// The shortest pause. Trying costs one refused connection, and the cluster forms within this time of its last member.
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// The pause is this part of the time already waited: a seed that was away for T is found within T/10.
const PART: u32 = 10;

/// The pause after a round without success. `waited` is the time since the first round, `longest` the configured bound,
/// `random` in 0..1 spreads the members of a cluster that lost its seeds together.
pub(crate) fn pause(waited: Duration, longest: Duration, random: f64) -> Duration {
    let pause = (waited / PART).clamp(PAUSE_MIN.min(longest), longest);
    pause.mul_f64(0.75 + 0.5 * random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(30);

    fn plain(waited: Duration) -> Duration {
        pause(waited, LONGEST, 0.5)
    }

    #[test]
    fn the_first_pauses_are_short() {
        assert_eq!(plain(Duration::ZERO), PAUSE_MIN);
        assert_eq!(plain(Duration::from_secs(2)), PAUSE_MIN);
    }

    #[test]
    fn pauses_grow_with_the_time_waited_up_to_the_bound() {
        assert_eq!(plain(Duration::from_secs(20)), Duration::from_secs(2));
        assert_eq!(plain(Duration::from_secs(86_400)), LONGEST);
    }

    #[test]
    fn a_bound_below_the_shortest_pause_holds() {
        assert_eq!(pause(Duration::ZERO, Duration::from_millis(10), 0.5), Duration::from_millis(10));
    }

    #[test]
    fn members_are_spread_over_half_the_pause() {
        let waited = Duration::from_secs(20);
        assert_eq!(pause(waited, LONGEST, 0.0), Duration::from_millis(1500));
        assert_eq!(pause(waited, LONGEST, 1.0), Duration::from_millis(2500));
    }
}
