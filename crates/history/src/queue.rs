//! What waits to be written: bounded, and the oldest makes way, since the newest is what somebody will ask for first.

use muster_control::history::Fact;
use std::collections::VecDeque;

/// Facts that wait; by the bounds of their texts at most 58 MB, in practice some hundred kilobytes.
pub(crate) const WAITING_MAX: usize = 16_384;

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Fact>,
    dropped: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, fact: Fact) {
        if self.waiting.len() >= WAITING_MAX {
            self.waiting.pop_front();
            self.dropped += 1;
        }
        self.waiting.push_back(fact);
    }

    /// The oldest, up to `max` of them. What cannot be written is [given back](Self::give_back).
    pub(crate) fn take(&mut self, max: usize) -> Vec<Fact> {
        let count = self.waiting.len().min(max);
        self.waiting.drain(..count).collect()
    }

    /// To the front again, as far as there is room: the oldest of them are dropped.
    pub(crate) fn give_back(&mut self, batch: Vec<Fact>) {
        for fact in batch.into_iter().rev() {
            if self.waiting.len() < WAITING_MAX {
                self.waiting.push_front(fact);
            } else {
                self.dropped += 1;
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Facts dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(at_ms: u64) -> Fact {
        Fact { at_ms, ..Fact::default() }
    }

    #[test]
    fn the_oldest_makes_way_and_is_counted() {
        let mut queue = Queue::default();
        let max = WAITING_MAX as u64;
        (0..max + 3).for_each(|at| queue.push(fact(at)));
        assert_eq!((queue.waiting.len(), queue.dropped()), (WAITING_MAX, 3));
        let batch = queue.take(10);
        assert_eq!(batch[0].at_ms, 3);
        (0..6).for_each(|at| queue.push(fact(max + 3 + at)));
        queue.give_back(batch);
        assert_eq!((queue.waiting.len(), queue.dropped()), (WAITING_MAX, 9), "four found room");
        assert_eq!(queue.take(1)[0].at_ms, 9, "those that came back are the younger ones");
    }
}
