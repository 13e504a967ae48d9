use super::*;
use std::cell::Cell;
use std::rc::Rc;

/// A connection that can be closed by its peer.
#[derive(Debug, Clone)]
struct Fake {
    name: u32,
    open: Rc<Cell<bool>>,
    kept_for: Option<Duration>,
}

impl Fake {
    fn new(name: u32) -> Self {
        Self { name, open: Rc::new(Cell::new(true)), kept_for: None }
    }
}

impl Pooled for Fake {
    fn is_usable(&self) -> bool {
        self.open.get()
    }
    fn kept_for(&self) -> Option<Duration> {
        self.kept_for
    }
}

const A: Key = Key(1);
const B: Key = Key(2);
const ANY: Duration = Duration::MAX;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn pool() -> (Pool<Fake>, Instant) {
    (Pool::new(2, seconds(60)), Instant::now())
}

fn name(taken: Option<Fake>) -> Option<u32> {
    taken.map(|fake| fake.name)
}

#[test]
fn the_connection_used_last_is_taken_first() {
    let (mut pool, now) = pool();
    pool.put(now, A, Fake::new(1));
    pool.put(now, A, Fake::new(2));
    pool.put(now, B, Fake::new(3));
    assert_eq!(name(pool.take(now, A, ANY)), Some(2));
    assert_eq!(name(pool.take(now, A, ANY)), Some(1));
    assert_eq!(name(pool.take(now, A, ANY)), None);
    assert_eq!(name(pool.take(now, B, ANY)), Some(3));
}

#[test]
fn the_oldest_makes_room_when_a_backend_has_enough() {
    let (mut pool, now) = pool();
    for name in 1..=3 {
        pool.put(now, A, Fake::new(name));
    }
    assert_eq!(pool.count(A), 2);
    assert_eq!(name(pool.take(now, A, ANY)), Some(3));
    assert_eq!(name(pool.take(now, A, ANY)), Some(2));
    assert_eq!(name(pool.take(now, A, ANY)), None);
}

#[test]
fn a_connection_closed_by_its_peer_is_passed_over() {
    let (mut pool, now) = pool();
    pool.put(now, A, Fake::new(1));
    let closed = Fake::new(2);
    pool.put(now, A, closed.clone());
    closed.open.set(false);
    assert_eq!(name(pool.take(now, A, ANY)), Some(1));
}

#[test]
fn closing_a_backend_drops_its_connections_and_no_others() {
    let (mut pool, now) = pool();
    let (mine, other) = (Fake::new(1), Fake::new(2));
    pool.put(now, A, mine.clone());
    pool.put(now, B, other.clone());
    pool.close(A);
    assert_eq!(Rc::strong_count(&mine.open), 1, "the pool's handle is gone, and with it the connection");
    assert_eq!(Rc::strong_count(&other.open), 2);
}

#[test]
fn a_sweep_drops_what_was_idle_too_long() {
    let (mut pool, now) = pool();
    pool.put(now, A, Fake::new(1));
    pool.put(now + seconds(30), A, Fake::new(2));
    pool.sweep(now + seconds(59));
    assert_eq!(pool.count(A), 2);
    pool.sweep(now + seconds(60));
    assert_eq!(pool.count(A), 1);
    pool.sweep(now + seconds(90));
    assert_eq!(pool.count(A), 0);
    assert!(pool.idle.is_empty(), "no empty entry stays behind");
}

#[test]
fn a_connection_is_not_used_after_the_time_its_backend_promised() {
    let (mut pool, now) = pool();
    let mut promised = Fake::new(1);
    promised.kept_for = Some(seconds(5));
    pool.put(now, A, promised.clone());
    assert_eq!(name(pool.take(now + seconds(4), A, ANY)), None);
    pool.put(now, A, promised);
    assert_eq!(name(pool.take(now + seconds(3), A, ANY)), Some(1));
}

#[test]
fn a_caller_may_want_a_connection_idle_for_a_short_time_only() {
    let (mut pool, now) = pool();
    pool.put(now, A, Fake::new(1));
    assert_eq!(name(pool.take(now + seconds(2), A, seconds(1))), None);
    assert_eq!(name(pool.take(now + seconds(2), A, seconds(3))), Some(1), "it stayed for others");
}

#[test]
fn a_pool_of_none_keeps_none() {
    let mut pool = Pool::new(0, seconds(60));
    let fake = Fake::new(1);
    pool.put(Instant::now(), A, fake.clone());
    assert_eq!(Rc::strong_count(&fake.open), 1);
}
