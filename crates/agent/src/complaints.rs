//! Saying the same thing again, but not every time; and never more than a reader can take.

use std::collections::BTreeMap;
use std::time::Duration;

/// The first repetition is told after this long, each further one after twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest silence about something that goes on.
const PAUSE_MAX: Duration = Duration::from_secs(3600);
/// Different complaints remembered; beyond that all are forgotten, since so many cannot be the same few repeated.
const KINDS_MAX: usize = 64;
/// Complaints told in a row, whatever they say; strangers can make up new ones for ever.
const LINES_MAX: u32 = 20;
/// After that, one more each.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// Remembers what was complained about: each distinct text is told at once, then at growing intervals.
#[derive(Debug)]
pub(crate) struct Complaints {
    told: BTreeMap<String, Told>,
    lines_left: u32,
    refilled_at: Duration,
    /// Kept back because there were too many.
    drowned: u64,
}

#[derive(Debug)]
struct Told {
    again_at: Duration,
    pause: Duration,
    /// Kept back because it was told already.
    repeated: u64,
}

impl Default for Complaints {
    fn default() -> Self {
        Self { told: BTreeMap::new(), lines_left: LINES_MAX, refilled_at: Duration::ZERO, drowned: 0 }
    }
}

impl Complaints {
    /// The line to log, if `text` is to be told now. `now` is time since any fixed point.
    pub(crate) fn tell(&mut self, text: &str, now: Duration) -> Option<String> {
        if let Some(told) = self.told.get_mut(text)
            && now < told.again_at
        {
            told.repeated += 1;
            return None;
        }
        if !self.take_line(now) {
            self.drowned += 1;
            return None;
        }
        if self.told.len() >= KINDS_MAX && !self.told.contains_key(text) {
            self.told.clear();
        }
        let told = self.told.entry(text.to_owned()).or_insert(Told {
            again_at: now,
            pause: FIRST_PAUSE / 2,
            repeated: 0,
        });
        told.pause = (told.pause * 2).min(PAUSE_MAX);
        told.again_at = now + told.pause;
        let mut line = text.to_owned();
        match std::mem::take(&mut told.repeated) {
            0 => {}
            times => line += &format!(" ({times} times more since last told)"),
        }
        match std::mem::take(&mut self.drowned) {
            0 => {}
            others => line += &format!(" (and {others} other complaints not told)"),
        }
        Some(line)
    }

    /// All is well again: the next failure is news.
    pub(crate) fn forget(&mut self) {
        self.told.clear();
    }

    fn take_line(&mut self, now: Duration) -> bool {
        let earned = now.saturating_sub(self.refilled_at).as_secs() / LINE_EVERY.as_secs();
        if earned > 0 {
            let earned = u32::try_from(earned).unwrap_or(LINES_MAX);
            self.lines_left = self.lines_left.saturating_add(earned).min(LINES_MAX);
            self.refilled_at = now;
        }
        let allowed = self.lines_left > 0;
        self.lines_left = self.lines_left.saturating_sub(1);
        allowed
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
        assert_eq!(complaints.tell("x", seconds(0)).unwrap(), "x");
        assert_eq!(complaints.tell("x", seconds(1)), None);
        assert_eq!(complaints.tell("x", seconds(2)), None);
        assert_eq!(complaints.tell("y", seconds(2)).unwrap(), "y");
        assert_eq!(complaints.tell("x", seconds(61)).unwrap(), "x (2 times more since last told)");
    }

    #[test]
    fn endless_new_complaints_take_no_endless_memory_and_no_endless_log() {
        let mut complaints = Complaints::default();
        let now = |n: u64| Duration::from_millis(n);
        let told = (0..10_000).filter(|n| complaints.tell(&n.to_string(), now(*n)).is_some()).count();
        assert!((20..=30).contains(&told), "{told}");
        assert!(complaints.told.len() <= KINDS_MAX);
        let line = complaints.tell("late", seconds(60)).unwrap();
        assert!(line.starts_with("late (and 99"), "{line}");
    }

    #[test]
    fn after_a_success_the_same_failure_is_news() {
        let mut complaints = Complaints::default();
        complaints.tell("x", seconds(0));
        complaints.forget();
        assert_eq!(complaints.tell("x", seconds(1)).unwrap(), "x");
    }
}
