//! How long to wait before trying the seeds again.

use std::time::Duration;

/// The longest pause, unless the first is longer: Serf's default interval.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// The pause is this part of the time already waited: a seed that was away for T is found within T/10.
const PART: u32 = 10;

/// The pause after a round without success. `waited` is the time since the first round, `first` the configured pause,
/// `random` in 0..1 spreads the members of a cluster that lost its seeds together.
pub(crate) fn pause(waited: Duration, first: Duration, random: f64) -> Duration {
    let pause = (waited / PART).clamp(first, PAUSE_MAX.max(first));
    pause.mul_f64(0.75 + 0.5 * random.clamp(0.0, 1.0))
}

/// How long the members of a whole cluster rest together between two looks for those who were forgotten.
const LOOK_PAUSE: Duration = Duration::from_secs(15);
/// How long one member rests at most.
const LOOK_PAUSE_MAX: Duration = Duration::from_secs(600);

/// How long one of `members` rests, so that together they look at the same pace however many they are. `random` as above.
pub(crate) fn rest(members: usize, random: f64) -> Duration {
    let members = u32::try_from(members).unwrap_or(u32::MAX);
    let rest = LOOK_PAUSE.saturating_mul(members).clamp(LOOK_PAUSE, LOOK_PAUSE_MAX);
    rest.mul_f64(0.75 + 0.5 * random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(250);

    fn plain(waited: Duration) -> Duration {
        pause(waited, FIRST, 0.5)
    }

    #[test]
    fn the_first_pauses_are_short() {
        assert_eq!(plain(Duration::ZERO), FIRST);
        assert_eq!(plain(Duration::from_secs(2)), FIRST);
    }

    #[test]
    fn pauses_grow_with_the_time_waited_up_to_a_bound() {
        assert_eq!(plain(Duration::from_secs(20)), Duration::from_secs(2));
        assert_eq!(plain(Duration::from_secs(86_400)), PAUSE_MAX);
    }

    #[test]
    fn a_longer_first_pause_stays_as_configured() {
        let minute = Duration::from_secs(60);
        assert_eq!(pause(Duration::ZERO, minute, 0.5), minute);
        assert_eq!(pause(Duration::from_secs(86_400), minute, 0.5), minute);
    }

    #[test]
    fn members_are_spread_over_half_the_pause() {
        let waited = Duration::from_secs(20);
        assert_eq!(pause(waited, FIRST, 0.0), Duration::from_millis(1500));
        assert_eq!(pause(waited, FIRST, 1.0), Duration::from_millis(2500));
    }

    #[test]
    fn a_cluster_looks_at_the_same_pace_whatever_its_size_up_to_a_bound() {
        assert_eq!(rest(0, 0.5), LOOK_PAUSE);
        assert_eq!(rest(10, 0.5), 10 * LOOK_PAUSE);
        assert_eq!(rest(usize::MAX, 0.5), LOOK_PAUSE_MAX);
        assert!(rest(10, 0.0) < rest(10, 1.0));
    }
}
