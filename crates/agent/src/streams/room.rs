//! The room that all streams share, and who has to go when it is short.
//!
//! Whoever needs room waits for it, first come, first served. Meanwhile the guest that has stalled longest is shown out,
//! again and again: so neither held connections nor dribbling ones keep working ones waiting. One large message at a time
//! is read, so that no two hold half of what each needs and wait for the other.

use crate::complaints::Complaints;
use crate::limits::{
    ANSWER_BYTES_MAX, CONNECTIONS_MAX, EXCHANGES_MAX, LARGE_BYTES, LARGE_QUEUE_MAX, PROGRESS_BYTES, STALL,
    STREAM_BYTES_MAX,
};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// How often somebody who waits looks for guests that have stalled.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Semaphores count KiB: their permits are 32 bits.
const KIB: usize = 1024;

/// What is shared.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    guests: Arc<Mutex<Guests>>,
    buffers: Arc<Semaphore>,
    /// Who may read a large message.
    large: Arc<Semaphore>,
    /// Who may wait for that.
    large_queue: Arc<Semaphore>,
    exchanges: Arc<Semaphore>,
    /// Whose exchange is with the core, or its answer not yet in `answers`.
    desk: Arc<Semaphore>,
    answers: Arc<Semaphore>,
}

#[derive(Debug)]
struct Guests {
    /// Those whose move it is, the one that moved longest ago first.
    by_progress: BTreeMap<u64, Place>,
    /// All, also those who wait for us.
    count: usize,
    next: u64,
    complaints: Complaints,
    began: Instant,
}

#[derive(Debug)]
struct Place {
    since: Instant,
    out: Arc<Notify>,
}

impl Room {
    pub(crate) fn new() -> Self {
        let guests = Guests {
            by_progress: BTreeMap::new(),
            count: 0,
            next: 0,
            complaints: Complaints::default(),
            began: Instant::now(),
        };
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self {
            guests: Arc::new(Mutex::new(guests)),
            buffers: semaphore(STREAM_BYTES_MAX / KIB),
            large: semaphore(1),
            large_queue: semaphore(LARGE_QUEUE_MAX),
            exchanges: semaphore(EXCHANGES_MAX),
            desk: semaphore(1),
            answers: semaphore(ANSWER_BYTES_MAX / KIB),
        }
    }

    /// Lets one more in; when there are too many, the one that moved longest ago goes. `None`: all wait for us.
    pub(crate) fn enter(&self) -> Option<Guest> {
        let mut guests = self.guests();
        if guests.count >= CONNECTIONS_MAX && !guests.show_out(Duration::ZERO) {
            guests.complain("too many gossip connections at once, all at work; closed a new one");
            return None;
        }
        guests.count += 1;
        let out = Arc::new(Notify::new());
        let place = guests.place(&out);
        drop(guests);
        Some(Guest { room: self.clone(), out, place: Some(place), moved: 0 })
    }

    /// The one that moved longest ago goes, however short that is.
    pub(crate) fn show_out_one(&self) {
        self.guests().show_out(Duration::ZERO);
    }

    /// A share of the buffers, yet of no bytes.
    pub(crate) fn memory(&self) -> Memory {
        Memory { room: self.clone(), taken: None, large: None }
    }

    /// Room for one exchange to be answered.
    pub(crate) async fn exchange(&self) -> Exchange {
        let working = self.wait(&self.exchanges, 1).await;
        let desk = self.wait(&self.desk, 1).await;
        Exchange { room: self.clone(), _working: working, desk: Some(desk), answer: None }
    }

    /// Waits for permits, and shows out who stalls meanwhile.
    async fn wait(&self, semaphore: &Arc<Semaphore>, permits: usize) -> OwnedSemaphorePermit {
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let mut permits = pin!(Arc::clone(semaphore).acquire_many_owned(permits));
        loop {
            match timeout(LOOK_EVERY, &mut permits).await {
                Ok(permits) => return permits.expect("no semaphore of the room is ever closed"),
                Err(_) => _ = self.guests().show_out(STALL),
            }
        }
    }

    /// No guest panics with the lock held; and the lists are right between any two lines.
    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guests {
    fn place(&mut self, out: &Arc<Notify>) -> u64 {
        self.next += 1;
        self.by_progress.insert(self.next, Place { since: Instant::now(), out: Arc::clone(out) });
        self.next
    }

    /// Whether somebody who has stalled for this long was there to be shown out.
    fn show_out(&mut self, stalled: Duration) -> bool {
        let Some(first) = self.by_progress.first_entry() else { return false };
        if first.get().since.elapsed() < stalled {
            return false;
        }
        first.remove().out.notify_one();
        self.count -= 1;
        self.complain("closed gossip connections that stood still, to make room for others");
        true
    }

    fn complain(&mut self, text: &str) {
        if let Some(line) = self.complaints.tell(text, self.began.elapsed()) {
            tracing::warn!("{line}");
        }
    }
}

/// One inbound connection's place in the room; given up when dropped.
#[derive(Debug)]
pub(crate) struct Guest {
    room: Room,
    out: Arc<Notify>,
    /// `None`: it waits for us.
    place: Option<u64>,
    /// Bytes since it was last moved to the end.
    moved: usize,
}

impl Guest {
    /// Resolves when this guest has to go.
    pub(crate) fn out(&self) -> impl Future<Output = ()> + Send + use<> {
        let out = Arc::clone(&self.out);
        async move { out.notified().await }
    }

    /// It moved this many bytes.
    pub(crate) fn moved(&mut self, bytes: usize) {
        self.moved += bytes;
        if self.moved >= PROGRESS_BYTES {
            self.its_move();
        }
    }

    /// From now on the connection waits for us: it cannot stall.
    pub(crate) fn our_move(&mut self) {
        // Who was shown out a moment ago keeps its place, which is no longer there.
        self.place.take_if(|place| self.room.guests().by_progress.remove(place).is_some());
    }

    /// From now on we wait for the connection.
    pub(crate) fn its_move(&mut self) {
        self.moved = 0;
        let mut guests = self.room.guests();
        // Shown out a moment ago: it shall not come in again.
        if self.place.is_some_and(|place| guests.by_progress.remove(&place).is_none()) {
            return;
        }
        self.place = Some(guests.place(&self.out));
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut guests = self.room.guests();
        // Who was shown out is counted out already.
        if self.place.is_none_or(|place| guests.by_progress.remove(&place).is_some()) {
            guests.count -= 1;
        }
    }
}

/// A share of the bytes all streams may hold; given back when dropped.
#[derive(Debug)]
pub(crate) struct Memory {
    room: Room,
    taken: Option<OwnedSemaphorePermit>,
    large: Option<OwnedSemaphorePermit>,
}

impl Memory {
    fn taken_kib(&self) -> usize {
        self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    /// Waits for room for so many more bytes. While a large message of `guest` waits, that is no fault of the guest's;
    /// small ones are many, and may have to go.
    ///
    /// # Errors
    /// There will never be so much, or too many wait for it.
    pub(crate) async fn take(&mut self, bytes: usize, guest: Option<&mut Guest>) -> Result<(), String> {
        let kib = bytes.div_ceil(KIB);
        let wanted = self.taken_kib() + kib;
        if wanted > STREAM_BYTES_MAX / KIB {
            return Err(format!("more than {STREAM_BYTES_MAX} bytes with what it expands to"));
        }
        let mut waiting = guest.filter(|_| wanted > LARGE_BYTES / KIB);
        if let Some(guest) = &mut waiting {
            guest.our_move();
        }
        if wanted > LARGE_BYTES / KIB && self.large.is_none() {
            let queued = Arc::clone(&self.room.large_queue).try_acquire_owned();
            let _queued = queued.map_err(|_| "too many large gossip messages at once".to_owned())?;
            self.large = Some(self.room.wait(&self.room.large, 1).await);
        }
        let more = self.room.wait(&self.room.buffers, kib).await;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        if let Some(guest) = waiting {
            guest.its_move();
        }
        Ok(())
    }

    /// Gives back all but so much: the message is read.
    pub(crate) fn keep(&mut self, bytes: usize) {
        let excess = self.taken_kib().saturating_sub(bytes.div_ceil(KIB));
        drop(self.taken.as_mut().and_then(|taken| taken.split(excess)));
        self.large = None;
    }
}

/// One exchange's place among those being answered; given up when dropped.
#[derive(Debug)]
pub(crate) struct Exchange {
    room: Room,
    _working: OwnedSemaphorePermit,
    desk: Option<OwnedSemaphorePermit>,
    answer: Option<OwnedSemaphorePermit>,
}

impl Exchange {
    /// The answer is made: waits until the others that are being written leave room for it. Only then is the next made.
    pub(crate) async fn answered(&mut self, bytes: usize) {
        // A longer one than all may be is written alone.
        let kib = bytes.div_ceil(KIB).min(ANSWER_BYTES_MAX / KIB);
        self.answer = Some(self.room.wait(&self.room.answers, kib).await);
        self.desk = None;
    }
}

#[cfg(test)]
mod tests;
