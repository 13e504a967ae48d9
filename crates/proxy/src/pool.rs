//! Idle connections to backends.
//!
//! Last in, first out: the connection used most recently is the least likely to have been closed by its backend, and
//! those beyond need grow old and are swept. Bounded per backend; the oldest makes room. A connection that its peer
//! closed has already given its descriptor back; its entry goes at the next look.

use muster_balance::Key;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// What the pool must know of a connection.
pub(crate) trait Pooled {
    /// Open, and done with its last exchange.
    fn is_usable(&self) -> bool;
    /// How long the backend said it keeps the connection (`Keep-Alive: timeout=5`).
    fn kept_for(&self) -> Option<Duration>;
}

/// Idle connections by backend.
#[derive(Debug)]
pub(crate) struct Pool<C> {
    idle: BTreeMap<Key, VecDeque<Idle<C>>>,
    max_per_backend: usize,
    timeout: Duration,
}

#[derive(Debug)]
struct Idle<C> {
    connection: C,
    since: Instant,
}

impl<C: Pooled> Idle<C> {
    fn is_fresh(&self, now: Instant, timeout: Duration) -> bool {
        // One second less than the backend promised: its clock started when it sent, and our request needs time too.
        let promised = self.connection.kept_for().map(|kept| kept.saturating_sub(Duration::from_secs(1)));
        let limit = promised.map_or(timeout, |promised| promised.min(timeout));
        self.connection.is_usable() && now.saturating_duration_since(self.since) < limit
    }
}

impl<C: Pooled> Pool<C> {
    /// A pool of at most `max_per_backend` connections to each backend, each idle for at most `timeout`.
    pub(crate) fn new(max_per_backend: usize, timeout: Duration) -> Self {
        Self { idle: BTreeMap::new(), max_per_backend, timeout }
    }

    /// The connection to `key` used last, if it was idle for less than `idle_max`.
    pub(crate) fn take(&mut self, now: Instant, key: Key, idle_max: Duration) -> Option<C> {
        let idle = self.idle.get_mut(&key)?;
        while let Some(last) = idle.pop_back() {
            if !last.is_fresh(now, self.timeout) {
                continue;
            }
            if now.saturating_duration_since(last.since) < idle_max {
                return Some(last.connection);
            }
            // The others are older still.
            idle.push_back(last);
            return None;
        }
        self.idle.remove(&key);
        None
    }

    /// Keeps a connection that is ready for another request.
    pub(crate) fn put(&mut self, now: Instant, key: Key, connection: C) {
        if self.max_per_backend == 0 {
            return;
        }
        let idle = self.idle.entry(key).or_default();
        if idle.len() >= self.max_per_backend {
            idle.pop_front();
        }
        idle.push_back(Idle { connection, since: now });
    }

    /// Closes all idle connections to `key`.
    pub(crate) fn close(&mut self, key: Key) {
        self.idle.remove(&key);
    }

    /// Closes what was idle for too long and forgets what its peer closed.
    pub(crate) fn sweep(&mut self, now: Instant) {
        let timeout = self.timeout;
        self.idle.retain(|_, idle| {
            idle.retain(|one| one.is_fresh(now, timeout));
            !idle.is_empty()
        });
    }

    /// Idle connections to `key`, for tests and debugging.
    #[cfg(test)]
    fn count(&self, key: Key) -> usize {
        self.idle.get(&key).map_or(0, VecDeque::len)
    }
}

#[cfg(test)]
mod tests;
