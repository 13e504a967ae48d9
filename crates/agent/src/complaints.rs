//! Saying the same thing again, but not every time.

use std::collections::BTreeMap;
use std::time::Duration;

/// The first repetition is told after this long, each further one after twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest silence about something that goes on.
const PAUSE_MAX: Duration = Duration::from_secs(3600);
/// Different complaints remembered; beyond that all are forgotten, since so many cannot be the same few repeated.
const KINDS_MAX: usize = 64;

/// Remembers what was complained about: each distinct text is told at once, then at growing intervals.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    told: BTreeMap<String, Told>,
}

#[derive(Debug)]
struct Told {
    again_at: Duration,
    pause: Duration,
    unsaid: u64,
}

impl Complaints {
    /// Whether `text` is to be told now, and how often it was kept back since the last time. `now` is time since any fixed
    /// point.
    pub(crate) fn tell(&mut self, text: &str, now: Duration) -> Option<u64> {
        if let Some(told) = self.told.get_mut(text) {
            if now < told.again_at {
                told.unsaid += 1;
                return None;
            }
            told.pause = (told.pause * 2).min(PAUSE_MAX);
            told.again_at = now + told.pause;
            return Some(std::mem::take(&mut told.unsaid));
        }
        if self.told.len() >= KINDS_MAX {
            self.told.clear();
        }
        self.told
            .insert(text.to_owned(), Told { again_at: now + FIRST_PAUSE, pause: FIRST_PAUSE, unsaid: 0 });
        Some(0)
    }

    /// All is well again: the next failure is news.
    pub(crate) fn forget(&mut self) {
        self.told.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_complaint_is_told_at_once_then_at_growing_intervals() {
        let mut complaints = Complaints::default();
        let told: Vec<u64> = (0..1000).filter(|n| complaints.tell("x", seconds(*n)).is_some()).collect();
        assert_eq!(told, [0, 60, 180, 420, 900]);
    }

    #[test]
    fn what_was_kept_back_is_counted() {
        let mut complaints = Complaints::default();
        assert_eq!(complaints.tell("x", seconds(0)), Some(0));
        assert_eq!(complaints.tell("x", seconds(1)), None);
        assert_eq!(complaints.tell("x", seconds(2)), None);
        assert_eq!(complaints.tell("y", seconds(2)), Some(0));
        assert_eq!(complaints.tell("x", seconds(61)), Some(2));
    }

    #[test]
    fn endless_new_complaints_take_no_endless_memory() {
        let mut complaints = Complaints::default();
        for n in 0..1000 {
            complaints.tell(&n.to_string(), seconds(0));
        }
        assert!(complaints.told.len() <= KINDS_MAX);
    }

    #[test]
    fn after_a_success_the_same_failure_is_news() {
        let mut complaints = Complaints::default();
        complaints.tell("x", seconds(0));
        complaints.forget();
        assert_eq!(complaints.tell("x", seconds(1)), Some(0));
    }
}
