//! Who is served, and who makes way when all places are taken.
//!
//! A newcomer is worth more than a connection that nobody uses: Serf's commands come, ask one thing and go, and whoever must
//! look after an agent in trouble must get in, while an idle client connects again when it wants something. So the place
//! goes to the newcomer: first of those that have not even made their handshake, then of those that do not take what is sent
//! to them, then of those that are idle, and among them of the one that is so longest. Who came or was answered a moment ago
//! is on its way: until somebody is not, the newcomer waits. Who waits for events is not idle, and keeps its place; so that
//! such clients cannot take all places, only some may listen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// How long a client may be silent before its silence counts. A flood of newcomers therefore waits, four seconds for a
/// thousand, and nobody who has something to say is pushed out by it.
pub(super) const GRACE: Duration = Duration::from_millis(500);

/// The places. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Crowd(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    places: Mutex<Places>,
    /// Somebody went, or does something else.
    changed: Notify,
}

/// One client's place. Dropped, it is free.
#[derive(Debug)]
pub(super) struct Place {
    crowd: Crowd,
    id: u64,
}

/// A place as seen by who gives it.
pub(super) struct Seat {
    crowd: Crowd,
    id: u64,
}

/// What a client does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Doing {
    /// It has not been admitted.
    Knocking,
    /// It asks nothing.
    Idle,
    /// It is being served.
    Asking,
}

#[derive(Debug)]
struct Places {
    taken: BTreeMap<u64, Taken>,
    max: usize,
    listening_max: usize,
    last_id: u64,
}

struct Taken {
    doing: Doing,
    listening: bool,
    since: Instant,
    /// Since when it takes nothing of what is being sent to it.
    stalled: Option<Instant>,
    evict: Option<Box<dyn FnOnce() + Send>>,
}

/// There is no place: not before this, or not before something changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Full(Option<Instant>);

impl std::fmt::Debug for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { doing, listening, since, stalled, evict: _ } = self;
        write!(f, "{doing:?}, listening: {listening}, since {since:?}, stalled {stalled:?}")
    }
}

impl Crowd {
    pub(super) fn new(max: usize, listening_max: usize) -> Self {
        let places = Places { taken: BTreeMap::new(), max, listening_max, last_id: 0 };
        Self(Arc::new(Shared { places: Mutex::new(places), changed: Notify::new() }))
    }

    /// A place for a newcomer; waits for it.
    pub(super) async fn enter(&self) -> Place {
        loop {
            match self.try_enter(Instant::now()) {
                Ok(place) => return place,
                Err(Full(until)) => {
                    tokio::select! {
                        () = self.0.changed.notified() => {}
                        () = async { sleep_until(until.unwrap_or_else(Instant::now)).await }, if until.is_some() => {}
                    }
                }
            }
        }
    }

    fn try_enter(&self, now: Instant) -> Result<Place, Full> {
        let mut places = self.lock();
        let evicted = match places.taken.len() < places.max {
            true => None,
            false => {
                let (id, idle_at) = places.next_to_go(now).ok_or(Full(None))?;
                if idle_at > now {
                    return Err(Full(Some(idle_at)));
                }
                places.taken.remove(&id).and_then(|taken| taken.evict)
            }
        };
        places.last_id += 1;
        let id = places.last_id;
        let (doing, since) = (Doing::Knocking, now);
        places.taken.insert(id, Taken { doing, listening: false, since, stalled: None, evict: None });
        // Its end takes the lock again.
        drop(places);
        if let Some(evict) = evicted {
            evict();
        }
        Ok(Place { crowd: self.clone(), id })
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// Who goes next, and from when on it may have to: the least worthy of those who may go now, else the first who will.
    fn next_to_go(&self, now: Instant) -> Option<(u64, Instant)> {
        let turn = |taken: &Taken| match (taken.doing, taken.stalled) {
            (Doing::Knocking, _) => Some((Worth::Stranger, taken.since)),
            (_, Some(since)) => Some((Worth::Stalled, since)),
            (Doing::Idle, None) if !taken.listening => Some((Worth::Idle, taken.since)),
            _ => None,
        };
        let turns = self.taken.iter().filter_map(|(id, taken)| Some((turn(taken)?, *id)));
        let due = turns.clone().filter(|((_, since), _)| *since + GRACE <= now).min();
        let next = due.or_else(|| turns.min_by_key(|((_, since), _)| *since));
        next.map(|((_, since), id)| (id, since + GRACE))
    }
}

/// Why somebody may have to go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Worth {
    Stranger,
    Stalled,
    Idle,
}

impl Place {
    /// For whoever is to end this client's service.
    pub(super) fn seat(&self) -> Seat {
        Seat { crowd: self.crowd.clone(), id: self.id }
    }

    /// Tells what the client does now.
    pub(super) fn set(&self, doing: Doing, listening: bool, now: Instant) {
        if let Some(taken) = self.crowd.lock().taken.get_mut(&self.id) {
            (taken.doing, taken.listening, taken.since) = (doing, listening, now);
        }
        self.crowd.0.changed.notify_one();
    }

    /// Tells since when the client takes nothing of what is being sent to it.
    pub(super) fn set_stalled(&self, since: Option<Instant>) {
        if let Some(taken) = self.crowd.lock().taken.get_mut(&self.id) {
            taken.stalled = since;
        }
        self.crowd.0.changed.notify_one();
    }

    /// Whether this client may listen beside those who do.
    pub(super) fn may_listen(&self) -> bool {
        let places = self.crowd.lock();
        let others = places.taken.iter().filter(|(id, taken)| **id != self.id && taken.listening).count();
        others < places.listening_max
    }
}

impl Seat {
    /// How it is ended when it must make way.
    pub(super) fn evicted_by(self, evict: impl FnOnce() + Send + 'static) {
        if let Some(taken) = self.crowd.lock().taken.get_mut(&self.id) {
            taken.evict = Some(Box::new(evict));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.lock().taken.remove(&self.id);
        self.crowd.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three places, of which one may listen, and who was evicted from them. Its time is told in milliseconds.
    struct Room {
        crowd: Crowd,
        evicted: Arc<Mutex<Vec<&'static str>>>,
        began: Instant,
    }

    impl Room {
        fn new() -> Self {
            Self { crowd: Crowd::new(3, 1), evicted: Arc::default(), began: Instant::now() }
        }

        fn at(&self, millis: u64) -> Instant {
            self.began + Duration::from_millis(millis)
        }

        fn enter(&self, name: &'static str, millis: u64) -> Result<Place, Full> {
            let place = self.crowd.try_enter(self.at(millis))?;
            let evicted = Arc::clone(&self.evicted);
            place.seat().evicted_by(move || evicted.lock().unwrap().push(name));
            Ok(place)
        }

        /// All places taken in the first three milliseconds.
        fn full() -> (Self, [Place; 3]) {
            let room = Self::new();
            let places =
                [("a", 0), ("b", 1), ("c", 2)].map(|(name, millis)| room.enter(name, millis).unwrap());
            (room, places)
        }

        fn evicted(&self) -> Vec<&'static str> {
            std::mem::take(&mut *self.evicted.lock().unwrap())
        }
    }

    #[test]
    fn who_did_not_shake_hands_makes_way_first_then_who_is_idle_longest() {
        let (room, [a, b, c]) = Room::full();
        a.set(Doing::Idle, false, room.at(10));
        b.set(Doing::Idle, false, room.at(20));
        a.set(Doing::Asking, false, room.at(30));
        a.set(Doing::Idle, false, room.at(40));
        let d = room.enter("d", 1000).unwrap();
        assert_eq!(room.evicted(), ["c"]);
        d.set(Doing::Idle, false, room.at(1001));
        let _e = room.enter("e", 2000).unwrap();
        assert_eq!(room.evicted(), ["b"]);
        // Evicted, it says nothing any more.
        c.set(Doing::Asking, true, room.at(2001));
        drop(c);
        assert!(a.may_listen());
    }

    #[test]
    fn nobody_is_idle_who_came_or_was_answered_a_moment_ago() {
        let (room, [a, _b, _c]) = Room::full();
        a.set(Doing::Idle, false, room.at(100));
        // The first of those who knock.
        assert_eq!(room.enter("d", 200).unwrap_err(), Full(Some(room.at(501))));
        assert!(room.enter("d", 501).is_ok());
        assert_eq!(room.evicted(), ["b"]);
    }

    #[test]
    fn who_listens_or_asks_keeps_the_place() {
        let (room, [a, b, c]) = Room::full();
        a.set(Doing::Idle, true, room.at(10));
        b.set(Doing::Asking, false, room.at(10));
        c.set(Doing::Asking, false, room.at(10));
        assert_eq!(room.enter("d", 99_999).unwrap_err(), Full(None));
        assert_eq!(room.evicted(), [""; 0]);
        drop(b);
        assert!(room.enter("e", 99_999).is_ok());
    }

    #[test]
    fn who_does_not_take_what_is_sent_makes_way_before_who_is_idle() {
        let (room, [a, b, c]) = Room::full();
        a.set(Doing::Idle, false, room.at(10));
        b.set(Doing::Idle, true, room.at(10));
        c.set(Doing::Asking, false, room.at(10));
        b.set_stalled(Some(room.at(3000)));
        c.set_stalled(Some(room.at(2000)));
        c.set_stalled(None);
        let _d = room.enter("d", 3500).unwrap();
        assert_eq!(room.evicted(), ["b"]);
    }

    #[test]
    fn only_some_may_listen() {
        let (room, [a, b, _c]) = Room::full();
        assert!(a.may_listen());
        a.set(Doing::Idle, true, room.at(10));
        assert!(a.may_listen(), "it does already");
        assert!(!b.may_listen());
        drop(a);
        assert!(b.may_listen());
    }

    #[tokio::test(start_paused = true)]
    async fn a_newcomer_waits_for_a_place() {
        let (room, [a, _b, _c]) = Room::full();
        let crowd = room.crowd.clone();
        let waiting = tokio::spawn(async move { crowd.enter().await });
        tokio::time::advance(Duration::from_millis(10)).await;
        drop(a);
        let _d = waiting.await.unwrap();
        assert_eq!(room.evicted(), [""; 0]);
        let _next = room.crowd.enter().await;
        assert_eq!(room.evicted(), ["b"]);
    }
}
