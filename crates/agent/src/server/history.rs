//! The last things that happened, numbered, so that a reader who was away goes on where it stopped.
//!
//! A reader holds a place in the history and nothing else: however many read, and however slowly, what happened is kept once,
//! within [`KEPT_MAX`] and [`KEPT_BYTES_MAX`]. Who falls behind that learns how much was missed.

use crate::hub::{Bounds, Hub, Mail};
use muster_events::Notice;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Notices kept: at Serf's rates, hours; in a storm, the time to connect again.
const KEPT_MAX: usize = 4096;
/// Bytes of them, by [`Notice::weight`].
const KEPT_BYTES_MAX: usize = 2 << 20;
/// What may wait until the history takes it in, which is as soon as the control thread gets to it.
const WAITING: Bounds = Bounds { notices: 4096, bytes: 2 << 20 };

/// A place in the history of one life of an agent: behind the event of that number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) epoch: u64,
    pub(super) number: u64,
}

impl Place {
    /// Reads what `Display` writes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (epoch, number) = text.split_once('-')?;
        Some(Self { epoch: epoch.parse().ok()?, number: number.parse().ok()? })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.epoch, self.number)
    }
}

/// What stands behind a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// The next thing that happened.
    Notice(Arc<Notice>),
    /// So much is not kept.
    Missed(u64),
    /// Nothing yet.
    Nothing,
}

/// The kept ones.
#[derive(Debug)]
struct Kept {
    notices: VecDeque<(u64, Arc<Notice>)>,
    bytes: usize,
    /// Number of the last thing that happened, kept or not.
    last: u64,
}

impl Kept {
    fn push(&mut self, notice: Arc<Notice>) {
        self.last += 1;
        self.bytes += notice.weight();
        self.notices.push_back((self.last, notice));
        while self.notices.len() > KEPT_MAX || self.bytes > KEPT_BYTES_MAX {
            let Some((_, gone)) = self.notices.pop_front() else { return };
            self.bytes -= gone.weight();
        }
    }

    /// What stands behind `number`, and the number to go on from.
    fn behind(&self, number: u64) -> (u64, Next) {
        let at = self.notices.partition_point(|(of, _)| *of <= number);
        match self.notices.get(at) {
            Some((of, notice)) if *of == number + 1 => (*of, Next::Notice(Arc::clone(notice))),
            Some((of, _)) => (of - 1, Next::Missed(of - 1 - number)),
            None if number < self.last => (self.last, Next::Missed(self.last - number)),
            None => (number, Next::Nothing),
        }
    }
}

/// The history of this life of the agent.
#[derive(Debug)]
pub(super) struct History {
    epoch: u64,
    kept: Mutex<Kept>,
    /// Follows [`Kept::last`].
    last: watch::Sender<u64>,
}

impl History {
    pub(super) fn new(epoch: u64) -> Self {
        let kept = Kept { notices: VecDeque::new(), bytes: 0, last: 0 };
        Self { epoch, kept: Mutex::new(kept), last: watch::Sender::new(0) }
    }

    /// Takes in what `hub` tells, until nobody reads the history any more.
    pub(super) fn follow(self: &Arc<Self>, hub: &Hub) {
        let Ok(listener) = hub.listen(WAITING) else {
            // It is the first to listen.
            return tracing::error!("the stream of events stays empty");
        };
        let history = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                let mail = listener.next().await;
                let Some(history) = history.upgrade() else { return };
                history.take_in(mail);
            }
        });
    }

    fn take_in(&self, mail: Mail) {
        let mut kept = self.lock();
        match mail {
            Mail::Notice(notice) => kept.push(notice),
            // Nobody finds these numbers, and so whoever comes by learns that they are missing.
            Mail::Missed(count) => kept.last += count,
        }
        self.last.send_replace(kept.last);
    }

    /// Behind the last thing that happened.
    pub(super) fn now(&self) -> Place {
        Place { epoch: self.epoch, number: self.lock().last }
    }

    /// The place to go on from for who was at `place`, and whether something is missing between the two: another life of the
    /// agent has another history, of which all that is kept is new.
    pub(super) fn resume(&self, place: Option<Place>) -> (Place, bool) {
        let kept = self.lock();
        match place {
            Some(place) if place.epoch == self.epoch && place.number <= kept.last => (place, false),
            _ => {
                let oldest = kept.notices.front().map_or(kept.last, |(number, _)| number - 1);
                (Place { epoch: self.epoch, number: oldest }, true)
            }
        }
    }

    /// What stands behind `place`, which moves on.
    pub(super) fn next(&self, place: &mut Place) -> Next {
        let (number, next) = self.lock().behind(place.number);
        place.number = number;
        next
    }

    /// Changes when something happened.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// A panic while plain data is held leaves it as whole as it was.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(ltime: u64, bytes: usize) -> Mail {
        let payload = vec![0; bytes];
        Mail::Notice(Arc::new(Notice::User { ltime, name: "n".into(), payload, coalesce: false }))
    }

    /// Times of the notices from `place` on, and how many were missed between them.
    fn read(history: &History, place: &mut Place) -> Vec<Result<u64, u64>> {
        std::iter::from_fn(|| match history.next(place) {
            Next::Nothing => None,
            Next::Missed(count) => Some(Err(count)),
            Next::Notice(notice) => match &*notice {
                Notice::User { ltime, .. } => Some(Ok(*ltime)),
                other => panic!("{other:?}"),
            },
        })
        .collect()
    }

    #[test]
    fn who_comes_again_goes_on_where_it_stopped() {
        let history = History::new(7);
        history.take_in(user(1, 0));
        let mut place = history.now();
        history.take_in(user(2, 0));
        assert_eq!(read(&history, &mut place), [Ok(2)]);
        history.take_in(user(3, 0));
        history.take_in(user(4, 0));
        let text = place.to_string();
        let (mut again, is_missing) = history.resume(Place::parse(&text));
        assert!(!is_missing);
        assert_eq!(read(&history, &mut again), [Ok(3), Ok(4)]);
        assert_eq!(again, history.now());
    }

    #[test]
    fn what_is_not_kept_is_counted_where_it_is_missing() {
        let history = History::new(7);
        let mut place = history.now();
        for ltime in 1..=KEPT_MAX as u64 + 3 {
            history.take_in(user(ltime, 0));
        }
        let read_all = read(&history, &mut place);
        assert_eq!((read_all[0], read_all[1], read_all.len()), (Err(3), Ok(4), KEPT_MAX + 1));
        // The hub had to leave out some itself.
        history.take_in(Mail::Missed(5));
        assert_eq!(read(&history, &mut place), [Err(5)]);
        history.take_in(Mail::Missed(2));
        history.take_in(user(9, 0));
        assert_eq!(read(&history, &mut place), [Err(2), Ok(9)]);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let history = History::new(7);
        let mut place = history.now();
        for ltime in 1..=5 {
            history.take_in(user(ltime, KEPT_BYTES_MAX / 3));
        }
        assert_eq!(read(&history, &mut place), [Err(3), Ok(4), Ok(5)]);
        assert!(history.lock().bytes <= KEPT_BYTES_MAX);
    }

    #[test]
    fn of_another_life_all_that_is_kept_is_new() {
        let history = History::new(7);
        history.take_in(user(1, 0));
        for place in [Some(Place { epoch: 6, number: 1 }), Some(Place { epoch: 7, number: 9 }), None] {
            let (mut place, is_missing) = history.resume(place);
            assert!(is_missing);
            assert_eq!(read(&history, &mut place), [Ok(1)]);
        }
        for text in ["", "7", "7-", "-1", "7-x", "7--1", "99999999999999999999-1"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }
}
