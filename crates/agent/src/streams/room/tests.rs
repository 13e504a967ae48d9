//! The room alone, in virtual time.

use super::*;
use tokio::task::yield_now;

/// Whether the future has something to say now.
async fn is_ready<T>(future: impl Future<Output = T>) -> bool {
    timeout(Duration::ZERO, future).await.is_ok()
}

/// All permits are back and nobody is in.
fn assert_empty(room: &Room) {
    assert_eq!(room.buffers.available_permits(), STREAM_BYTES_MAX / KIB);
    assert_eq!(room.exchanges.available_permits(), EXCHANGES_MAX);
    assert_eq!(room.desk.available_permits(), 1);
    assert_eq!(room.answers.available_permits(), ANSWER_BYTES_MAX / KIB);
    let guests = room.guests();
    assert_eq!((guests.count, guests.by_progress.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn beyond_the_limit_the_one_that_moved_longest_ago_goes() {
    let room = Room::new();
    let mut guests: Vec<_> = (0..CONNECTIONS_MAX).map(|_| room.enter().unwrap()).collect();
    // The first moves on; the second moves too little.
    guests[0].moved(PROGRESS_BYTES);
    guests[1].moved(PROGRESS_BYTES - 1);
    let newest = room.enter().unwrap();
    assert!(is_ready(guests[1].out()).await);
    assert!(!is_ready(guests[0].out()).await && !is_ready(guests[2].out()).await);
    // It was counted out once, whatever it still does.
    guests[1].our_move();
    guests[1].its_move();
    guests[1].moved(PROGRESS_BYTES);
    drop((guests, newest));
    assert_empty(&room);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_us_does_not_stall() {
    let room = Room::new();
    let mut guests: Vec<_> = (0..CONNECTIONS_MAX).map(|_| room.enter().unwrap()).collect();
    guests.iter_mut().for_each(Guest::our_move);
    assert!(room.enter().is_none());
    guests[7].its_move();
    assert!(room.enter().is_some());
    assert!(is_ready(guests[7].out()).await);
    drop(guests);
    assert_empty(&room);
}

#[tokio::test(start_paused = true)]
async fn whoever_needs_memory_waits_until_somebody_has_stalled() {
    let room = Room::new();
    let (mut first, second) = (room.enter().unwrap(), room.enter().unwrap());
    let (mut large, mut small) = (room.memory(), room.memory());
    large.take(STREAM_BYTES_MAX - KIB, Some(&mut first)).await.unwrap();
    small.take(KIB, None).await.unwrap();
    drop(second);
    let began = Instant::now();
    let leaving = tokio::spawn({
        let out = first.out();
        async move {
            out.await;
            drop((large, first));
        }
    });
    small.take(KIB, None).await.unwrap();
    assert!((STALL..STALL * 2).contains(&began.elapsed()), "{:?}", began.elapsed());
    leaving.await.unwrap();
    drop(small);
    assert_empty(&room);
}

#[tokio::test(start_paused = true)]
async fn one_large_message_at_a_time_and_those_that_wait_do_not_stall() {
    let room = Room::new();
    let mut guests: Vec<_> = (0..3 + LARGE_QUEUE_MAX).map(|_| room.enter().unwrap()).collect();
    let mut reading = room.memory();
    let mut holder = guests.remove(0);
    reading.take(LARGE_BYTES + KIB, Some(&mut holder)).await.unwrap();
    let mut last = guests.pop().unwrap();
    let mut waiting: Vec<_> = guests
        .into_iter()
        .take(LARGE_QUEUE_MAX)
        .map(|mut guest| {
            let mut memory = room.memory();
            tokio::spawn(async move {
                memory.take(LARGE_BYTES + KIB, Some(&mut guest)).await.map(|()| (guest, memory))
            })
        })
        .collect();
    yield_now().await;
    let refused = room.memory().take(LARGE_BYTES + KIB, Some(&mut last)).await.unwrap_err();
    assert!(refused.contains("at once"), "{refused}");
    // The holder keeps moving for long, and only then is done; all the others come to their turn.
    for _ in 0..20 {
        tokio::time::sleep(STALL / 2).await;
        holder.moved(PROGRESS_BYTES);
    }
    assert!(!is_ready(holder.out()).await);
    drop((reading, holder));
    for waiting in waiting.drain(..) {
        let (guest, memory) = waiting.await.unwrap().unwrap();
        assert!(!is_ready(guest.out()).await);
        drop((guest, memory));
    }
    drop(last);
    assert_empty(&room);
}

#[tokio::test(start_paused = true)]
async fn no_message_is_larger_than_the_room() {
    let room = Room::new();
    let mut memory = room.memory();
    memory.take(STREAM_BYTES_MAX - KIB, None).await.unwrap();
    assert!(memory.take(2 * KIB, None).await.unwrap_err().contains("more than 12582912"));
    let mut other = room.memory();
    assert!(!is_ready(other.take(2 * KIB, None)).await);
    // The message is read, and takes less than it did while it came.
    memory.keep(KIB);
    assert!(is_ready(other.take(STREAM_BYTES_MAX / 2, None)).await);
    drop((memory, other));
    assert_empty(&room);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_made_only_when_the_others_leave_room_for_it() {
    let room = Room::new();
    let mut first = room.exchange().await;
    // The second's answer is not made before the first's is.
    assert!(timeout(STALL, room.exchange()).await.is_err());
    first.answered(ANSWER_BYTES_MAX * 3).await;
    let mut second = room.exchange().await;
    let waiting = tokio::spawn(async move {
        second.answered(1).await;
        second
    });
    // Nor the third's while the second's has no room.
    assert!(timeout(STALL, room.exchange()).await.is_err());
    drop(first);
    let second = waiting.await.unwrap();
    let third = room.exchange().await;
    drop((second, third));
    assert_empty(&room);
}

#[tokio::test(start_paused = true)]
async fn sixteen_exchanges_work_at_once_and_a_stalled_one_makes_way() {
    let room = Room::new();
    let mut working = Vec::new();
    for _ in 0..EXCHANGES_MAX {
        let guest = room.enter().unwrap();
        let mut exchange = room.exchange().await;
        exchange.answered(100).await;
        working.push((guest, exchange));
    }
    let first = working.remove(0);
    let leaving = tokio::spawn(async move {
        first.0.out().await;
        drop(first);
    });
    yield_now().await;
    let began = Instant::now();
    let next = room.exchange().await;
    assert!(began.elapsed() >= STALL);
    leaving.await.unwrap();
    drop((working, next));
    assert_empty(&room);
}
