//! Who is served, and who makes way when all places are taken.
//!
//! A newcomer is worth more than a connection that nobody uses: Serf's commands come, ask one thing and go, and whoever must
//! look after an agent in trouble must get in, while an idle client connects again when it wants something. So the place
//! goes to the newcomer of the one that is idle longest, those first that have not even made their handshake. Who waits for
//! events is not idle, and keeps its place; so that such clients cannot take all places, only some may listen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The places. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Crowd(Arc<Mutex<Places>>);

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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Doing {
    /// It has not been admitted.
    Knocking,
    /// It asks nothing.
    Idle,
    /// It is being served.
    Asking,
}

struct Places {
    taken: BTreeMap<u64, Taken>,
    max: usize,
    listening_max: usize,
    /// Grows with everything that happens: the order in which clients became idle, and their ids.
    clock: u64,
}

struct Taken {
    doing: Doing,
    listening: bool,
    since: u64,
    evict: Option<Box<dyn FnOnce() + Send>>,
}

impl std::fmt::Debug for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Places").field("taken", &self.taken.len()).finish_non_exhaustive()
    }
}

impl Crowd {
    pub(super) fn new(max: usize, listening_max: usize) -> Self {
        let places = Places { taken: BTreeMap::new(), max, listening_max, clock: 0 };
        Self(Arc::new(Mutex::new(places)))
    }

    /// A place for a newcomer; `None` if everybody is served or listens.
    pub(super) fn enter(&self) -> Option<Place> {
        let mut places = self.lock();
        let evicted = match places.taken.len() < places.max {
            true => None,
            false => Some(places.longest_idle()?),
        };
        let evicted = evicted.and_then(|id| places.taken.remove(&id)).and_then(|taken| taken.evict);
        let id = places.tick();
        let taken = Taken { doing: Doing::Knocking, listening: false, since: id, evict: None };
        places.taken.insert(id, taken);
        // Its end takes the lock again.
        drop(places);
        if let Some(evict) = evicted {
            evict();
        }
        Some(Place { crowd: self.clone(), id })
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn longest_idle(&self) -> Option<u64> {
        let can_go = |taken: &Taken| taken.doing != Doing::Asking && !taken.listening;
        let idle = self.taken.iter().filter(|(_, taken)| can_go(taken));
        idle.min_by_key(|(_, taken)| (taken.doing, taken.since)).map(|(id, _)| *id)
    }
}

impl Place {
    /// For whoever is to end this client's service.
    pub(super) fn seat(&self) -> Seat {
        Seat { crowd: self.crowd.clone(), id: self.id }
    }

    /// Tells what the client does now.
    pub(super) fn set(&self, doing: Doing, listening: bool) {
        let mut places = self.crowd.lock();
        let since = places.tick();
        if let Some(taken) = places.taken.get_mut(&self.id) {
            (taken.doing, taken.listening, taken.since) = (doing, listening, since);
        }
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three places, of which one may listen, and who was evicted from them.
    struct Room {
        crowd: Crowd,
        evicted: Arc<Mutex<Vec<&'static str>>>,
    }

    impl Room {
        fn new() -> Self {
            Self { crowd: Crowd::new(3, 1), evicted: Arc::default() }
        }

        fn enter(&self, name: &'static str) -> Option<Place> {
            let place = self.crowd.enter()?;
            let evicted = Arc::clone(&self.evicted);
            place.seat().evicted_by(move || evicted.lock().unwrap().push(name));
            Some(place)
        }

        fn evicted(&self) -> Vec<&'static str> {
            std::mem::take(&mut *self.evicted.lock().unwrap())
        }
    }

    #[test]
    fn who_did_not_shake_hands_makes_way_first_then_who_is_idle_longest() {
        let room = Room::new();
        let (a, b, c) = (room.enter("a").unwrap(), room.enter("b").unwrap(), room.enter("c").unwrap());
        a.set(Doing::Idle, false);
        b.set(Doing::Idle, false);
        a.set(Doing::Asking, false);
        a.set(Doing::Idle, false);
        let d = room.enter("d").unwrap();
        assert_eq!(room.evicted(), ["c"]);
        d.set(Doing::Idle, false);
        let _e = room.enter("e").unwrap();
        assert_eq!(room.evicted(), ["b"]);
        // Evicted, it says nothing any more.
        c.set(Doing::Asking, true);
        drop(c);
        assert!(a.may_listen());
    }

    #[test]
    fn who_listens_or_asks_keeps_the_place() {
        let room = Room::new();
        let (a, b, c) = (room.enter("a").unwrap(), room.enter("b").unwrap(), room.enter("c").unwrap());
        a.set(Doing::Idle, true);
        b.set(Doing::Asking, false);
        c.set(Doing::Asking, false);
        assert!(room.enter("d").is_none());
        assert_eq!(room.evicted(), [""; 0]);
        drop(b);
        assert!(room.enter("e").is_some());
    }

    #[test]
    fn only_some_may_listen() {
        let room = Room::new();
        let (a, b) = (room.enter("a").unwrap(), room.enter("b").unwrap());
        assert!(a.may_listen());
        a.set(Doing::Idle, true);
        assert!(a.may_listen(), "it does already");
        assert!(!b.may_listen());
        drop(a);
        assert!(b.may_listen());
    }
}
