//! What happens, handed to everyone who listens: handlers, streams, the snapshot.
//!
//! The gossip thread waits for nobody. Each listener has a mailbox of its own, bounded in number and bytes; what does not
//! fit is not delivered to that listener, is counted, and the listener is told before the next notice.

use muster_events::Notice;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::Notify;

/// Listeners at a time, of every kind together.
const LISTENERS_MAX: usize = 1024;

/// How much may wait for a listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Bounds {
    pub(crate) notices: usize,
    /// By [`Notice::weight`].
    pub(crate) bytes: usize,
}

/// What a listener gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Mail {
    /// It happened; shared among all who listen.
    Notice(Arc<Notice>),
    /// So many did not fit, just here.
    Missed(u64),
}

/// Where it is told, and where one listens. Clones are the same hub.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hub {
    listeners: Arc<Mutex<Vec<Weak<Mailbox>>>>,
}

/// Too many listen already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{LISTENERS_MAX} listen to events already; end one first")]
pub(crate) struct TooMany;

impl Hub {
    /// Tells everyone who listens now.
    pub(crate) fn tell(&self, notice: Notice) {
        if !lock(&self.listeners).is_empty() {
            self.pass(&Arc::new(notice));
        }
    }

    /// The same for what is shared already.
    pub(crate) fn pass(&self, notice: &Arc<Notice>) {
        lock(&self.listeners)
            .retain(|listener| listener.upgrade().is_some_and(|mailbox| mailbox.put(notice)));
    }

    /// Everything told from now on.
    pub(crate) fn listen(&self, bounds: Bounds) -> Result<Listener, TooMany> {
        let mut listeners = lock(&self.listeners);
        listeners.retain(|listener| listener.strong_count() > 0);
        if listeners.len() >= LISTENERS_MAX {
            return Err(TooMany);
        }
        let mailbox = Arc::new(Mailbox { waiting: Mutex::default(), news: Notify::new(), bounds });
        listeners.push(Arc::downgrade(&mailbox));
        Ok(Listener { mailbox })
    }
}

#[derive(Debug)]
struct Mailbox {
    waiting: Mutex<Waiting>,
    news: Notify,
    bounds: Bounds,
}

#[derive(Debug, Default)]
struct Waiting {
    mail: VecDeque<Mail>,
    bytes: usize,
}

impl Mailbox {
    /// Always true: it is still there.
    fn put(&self, notice: &Arc<Notice>) -> bool {
        let mut waiting = lock(&self.waiting);
        let weight = notice.weight();
        let full = waiting.mail.len() >= self.bounds.notices || waiting.bytes + weight > self.bounds.bytes;
        if !full {
            waiting.bytes += weight;
            waiting.mail.push_back(Mail::Notice(Arc::clone(notice)));
        } else if let Some(Mail::Missed(count)) = waiting.mail.back_mut() {
            *count += 1;
        } else {
            // One above the bound, so that the gap is told where it is.
            waiting.mail.push_back(Mail::Missed(1));
        }
        drop(waiting);
        self.news.notify_one();
        true
    }
}

/// One listener. Dropped, it listens no more.
#[derive(Debug)]
pub(crate) struct Listener {
    mailbox: Arc<Mailbox>,
}

impl Listener {
    /// The next; waits for it. Cancel safe.
    pub(crate) async fn next(&self) -> Mail {
        loop {
            if let Some(mail) = self.take() {
                return mail;
            }
            self.mailbox.news.notified().await;
        }
    }

    /// The next, if there is one.
    pub(crate) fn take(&self) -> Option<Mail> {
        let mut waiting = lock(&self.mailbox.waiting);
        let mail = waiting.mail.pop_front()?;
        if let Mail::Notice(notice) = &mail {
            waiting.bytes -= notice.weight();
        }
        Some(mail)
    }
}

/// A panic while a plain list is held leaves it as whole as it was.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Bounds = Bounds { notices: 3, bytes: 4096 };

    fn user(ltime: u64, bytes: usize) -> Notice {
        Notice::User { ltime, name: "n".into(), payload: vec![0; bytes], coalesce: false }
    }

    /// Times of the notices, and how many were missed between them.
    fn taken(listener: &Listener) -> Vec<Result<u64, u64>> {
        let what = |mail| match mail {
            Mail::Missed(count) => Err(count),
            Mail::Notice(notice) => match &*notice {
                Notice::User { ltime, .. } => Ok(*ltime),
                other => panic!("{other:?}"),
            },
        };
        std::iter::from_fn(|| listener.take()).map(what).collect()
    }

    #[test]
    fn everyone_hears_what_is_told_while_they_listen() {
        let hub = Hub::default();
        hub.tell(user(1, 0));
        let (first, second) = (hub.listen(ROOM).unwrap(), hub.listen(ROOM).unwrap());
        hub.tell(user(2, 0));
        drop(second);
        hub.tell(user(3, 0));
        assert_eq!(taken(&first), [Ok(2), Ok(3)]);
        assert_eq!(lock(&hub.listeners).len(), 1, "who went away is forgotten");
    }

    #[test]
    fn what_does_not_fit_is_counted_where_it_is_missing() {
        let hub = Hub::default();
        let (slow, quick) = (hub.listen(ROOM).unwrap(), hub.listen(ROOM).unwrap());
        for ltime in 1..=5 {
            hub.tell(user(ltime, 0));
            assert_eq!(taken(&quick), [Ok(ltime)], "one who is slow costs no other anything");
        }
        assert_eq!(taken(&slow), [Ok(1), Ok(2), Ok(3), Err(2)]);
        hub.tell(user(6, 0));
        assert_eq!(taken(&slow), [Ok(6)]);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let hub = Hub::default();
        let listener = hub.listen(ROOM).unwrap();
        hub.tell(user(1, 3000));
        hub.tell(user(2, 3000));
        hub.tell(user(3, 10));
        assert_eq!(taken(&listener), [Ok(1), Err(1), Ok(3)]);
    }

    #[test]
    fn listeners_are_bounded() {
        let hub = Hub::default();
        let all: Vec<_> = (0..LISTENERS_MAX).map(|_| hub.listen(ROOM).unwrap()).collect();
        assert!(hub.listen(ROOM).is_err());
        drop(all);
        assert!(hub.listen(ROOM).is_ok());
    }

    #[tokio::test]
    async fn what_came_before_the_wait_is_not_missed() {
        let hub = Hub::default();
        let listener = hub.listen(ROOM).unwrap();
        hub.tell(user(1, 0));
        hub.tell(user(2, 0));
        assert!(matches!(listener.next().await, Mail::Notice(_)));
        assert!(matches!(listener.next().await, Mail::Notice(_)));
    }
}
