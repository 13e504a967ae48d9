//! What waits for one handler, and what became of what did not.
//!
//! Bounded in number and bytes. What does not fit is not delivered to this handler, is counted, and is said in the log: at
//! once when it begins, and with its number when there is room again.

use crate::process::outcome::Outcome;
use muster_events::Notice;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// By [`Notice::weight`]; what several handlers wait for is shared, so this is the most that one of them can hold.
const BYTES_MAX: usize = 4 << 20;

/// A notice for a handler.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// In the order of events on this node.
    pub(super) ticket: u64,
    pub(super) notice: Arc<Notice>,
    /// How often to run for it.
    pub(super) runs: usize,
}

/// What a handler did so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) queued: usize,
    pub(super) running: usize,
    pub(super) runs: u64,
    pub(super) failures: u64,
    pub(super) dropped: u64,
    pub(super) last: Option<Last>,
}

/// The last run.
#[derive(Clone, Debug)]
pub(super) struct Last {
    pub(super) event: String,
    /// When it ended, on the agent's clock.
    pub(super) ended: Duration,
    pub(super) outcome: Outcome,
}

#[derive(Debug)]
pub(super) struct Lane {
    /// Of the handler, for the log: it may get another one.
    name: Mutex<Arc<str>>,
    waiting: Mutex<Waiting>,
    news: Notify,
    queue: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    bytes: usize,
    is_closed: bool,
    /// Dropped since there was room.
    gap: u64,
    tally: Tally,
}

enum Taken {
    /// And how many were dropped before it was taken.
    Job(Job, u64),
    Nothing,
    Closed,
}

/// Whether a notice found room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pushed {
    Waits,
    /// The first one for which there was no room.
    Full,
    Dropped,
}

impl Lane {
    pub(super) fn new(name: &str, queue: usize) -> Self {
        Self { name: Mutex::new(name.into()), waiting: Mutex::default(), news: Notify::new(), queue }
    }

    pub(super) fn name(&self) -> Arc<str> {
        Arc::clone(&self.name.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn rename(&self, name: &str) {
        *self.name.lock().unwrap_or_else(PoisonError::into_inner) = name.into();
    }

    pub(super) fn push(&self, job: Job) -> Pushed {
        let mut waiting = self.lock();
        let weight = job.notice.weight();
        if waiting.jobs.len() >= self.queue || waiting.bytes + weight > BYTES_MAX {
            waiting.gap += 1;
            waiting.tally.dropped += 1;
            return if waiting.gap == 1 { Pushed::Full } else { Pushed::Dropped };
        }
        waiting.bytes += weight;
        waiting.jobs.push_back(job);
        drop(waiting);
        self.news.notify_one();
        Pushed::Waits
    }

    /// Notices were lost on the way here.
    pub(super) fn missed(&self, count: u64) {
        self.lock().tally.dropped += count;
    }

    /// The next job, and how many were dropped since the one before it; none when closed. Cancel safe.
    pub(super) async fn next(&self) -> Option<(Job, u64)> {
        loop {
            match self.take() {
                Taken::Job(job, gap) => return Some((job, gap)),
                Taken::Closed => return None,
                Taken::Nothing => self.news.notified().await,
            }
        }
    }

    fn take(&self) -> Taken {
        let mut waiting = self.lock();
        if waiting.is_closed {
            // For the next worker.
            self.news.notify_one();
            return Taken::Closed;
        }
        let Some(job) = waiting.jobs.pop_front() else { return Taken::Nothing };
        waiting.bytes -= job.notice.weight();
        waiting.tally.running += 1;
        if !waiting.jobs.is_empty() {
            // One permit is kept however many came; another worker may be free.
            self.news.notify_one();
        }
        Taken::Job(job, std::mem::take(&mut waiting.gap))
    }

    /// One run ended.
    pub(super) fn ran(&self, last: Last) {
        let tally = &mut self.lock().tally;
        tally.runs += 1;
        tally.failures += u64::from(!last.outcome.is_success());
        tally.last = Some(last);
    }

    /// A job is done.
    pub(super) fn done(&self) {
        self.lock().tally.running -= 1;
    }

    /// Nothing more is handed out. How many had waited.
    pub(super) fn close(&self) -> usize {
        let mut waiting = self.lock();
        waiting.is_closed = true;
        let left = std::mem::take(&mut waiting.jobs).len();
        waiting.tally.dropped += left as u64;
        drop(waiting);
        self.news.notify_one();
        left
    }

    pub(super) fn tally(&self) -> Tally {
        let waiting = self.lock();
        Tally { queued: waiting.jobs.len(), ..waiting.tally.clone() }
    }

    pub(super) fn is_idle(&self) -> bool {
        let waiting = self.lock();
        waiting.jobs.is_empty() && waiting.tally.running == 0
    }

    /// A panic while a plain list is held leaves it as whole as it was.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(ticket: u64, bytes: usize) -> Job {
        let notice =
            Notice::User { ltime: ticket, name: "e".into(), payload: vec![0; bytes], coalesce: false };
        Job { ticket, notice: Arc::new(notice), runs: 1 }
    }

    #[tokio::test]
    async fn what_does_not_fit_is_counted_and_order_is_kept() {
        let lane = Lane::new("a", 2);
        let pushed: Vec<_> = (1..=4).map(|ticket| lane.push(job(ticket, 0))).collect();
        assert_eq!(pushed, [Pushed::Waits, Pushed::Waits, Pushed::Full, Pushed::Dropped]);
        let (first, gap) = lane.next().await.unwrap();
        assert_eq!((first.ticket, gap), (1, 2));
        assert_eq!(lane.push(job(5, 0)), Pushed::Waits);
        let (second, gap) = lane.next().await.unwrap();
        assert_eq!((second.ticket, gap), (2, 0));
        assert_eq!(lane.next().await.unwrap().0.ticket, 5);
        let tally = lane.tally();
        assert_eq!((tally.dropped, tally.queued, tally.running), (2, 0, 3));
    }

    #[tokio::test]
    async fn bytes_are_bounded_too() {
        let lane = Lane::new("a", usize::MAX);
        assert_eq!(lane.push(job(1, BYTES_MAX / 2)), Pushed::Waits);
        assert_eq!(lane.push(job(2, BYTES_MAX / 2)), Pushed::Full);
        lane.next().await.unwrap();
        assert_eq!(lane.push(job(3, BYTES_MAX / 2)), Pushed::Waits);
    }

    #[tokio::test]
    async fn a_closed_lane_ends_every_worker() {
        let lane = Arc::new(Lane::new("a", 9));
        let workers: Vec<_> = (0..3)
            .map(|_| {
                let lane = Arc::clone(&lane);
                tokio::spawn(async move { while lane.next().await.is_some() {} })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(lane.close(), 0);
        for worker in workers {
            worker.await.unwrap();
        }
    }
}
