//! What happens next: a heap of events by time, and at the same time in the order they were planned.
//!
//! At one instant a host reads its sockets before it looks at its timers, as the agent does, so arrivals come first.

use crate::arrival::Arrival;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Something that will happen to a host.
#[derive(Debug)]
pub(crate) enum What {
    /// Something reaches its sockets.
    Arrive(Arrival),
    /// Something that reached it earlier is handled now: the host is slow.
    Handle { life: u32, arrival: Arrival },
    /// The time to give up a stream it opened.
    Deadline { life: u32, stream: u64 },
    /// It looks for its cluster.
    Seek { life: u32 },
    /// It is no longer paused.
    Resume { pause: u32 },
    /// Its earliest timer may be due.
    Wake,
}

#[derive(Debug)]
pub(crate) struct Planned {
    /// In nanoseconds since the start of the world.
    pub(crate) at: u64,
    order: u64,
    pub(crate) host: u32,
    pub(crate) what: What,
}

impl Planned {
    fn key(&self) -> (u64, u64) {
        (self.at, self.order)
    }
}

impl Ord for Planned {
    /// Reversed: the heap gives the greatest, and we want the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Planned {}

/// Everything planned.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Planned>,
    planned: u64,
}

/// Sorts wakes behind all else of the same instant.
const LATE: u64 = 1 << 63;

impl Queue {
    pub(crate) fn push(&mut self, at: u64, host: usize, what: What) {
        self.planned += 1;
        let order = if matches!(what, What::Wake) { self.planned | LATE } else { self.planned };
        let host = u32::try_from(host).unwrap_or(u32::MAX);
        self.heap.push(Planned { at, order, host, what });
    }

    /// When the next event is due.
    pub(crate) fn next_at(&self) -> Option<u64> {
        self.heap.peek().map(|next| next.at)
    }

    pub(crate) fn pop(&mut self) -> Option<Planned> {
        self.heap.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_first_then_as_planned_and_timers_last() {
        let mut queue = Queue::default();
        queue.push(7, 1, What::Wake);
        queue.push(7, 2, What::Seek { life: 0 });
        queue.push(3, 3, What::Wake);
        queue.push(7, 4, What::Seek { life: 0 });
        let order: Vec<u32> = std::iter::from_fn(|| queue.pop()).map(|next| next.host).collect();
        assert_eq!(order, [3, 2, 4, 1]);
    }
}
