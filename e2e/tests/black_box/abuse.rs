//! Clients that mean no good: others are served meanwhile, memory stays within what each connection may hold, and all of them are
//! ended in the time that is said. Larger numbers are in `bench/results/abuse.json`.

use muster_e2e::abuse::{Abuse, Seen, Siege};
use std::time::Duration;

/// How long a client may have nothing to say here.
const IDLE: &str = "2s";
/// What one connection may hold: a block for each direction (`crates/proxy/src/buffer.rs`), and as much again for its sockets' tasks.
const CONNECTION_KIB_MAX: u64 = 2 * 80 + 16;
/// Allocators do not give back all at once, and free blocks are kept.
const SPARE_KIB: u64 = 16 << 10;

fn is_bounded(seen: &Seen, each_kib: u64) {
    let bound = seen.before_kib + seen.connections as u64 * each_kib + SPARE_KIB;
    assert!(seen.during_kib <= bound, "more than {bound} KiB: {seen:?}");
}

async fn hold(abuse: Abuse, count: usize, each_kib: u64, told: Option<&str>) {
    let siege = Siege::start(&["--idle-timeout", IDLE]).await;
    let seen = siege.suffer(abuse, count, true).await;
    is_bounded(&seen, each_kib);
    assert!(seen.ended_within.is_some_and(|time| time < Duration::from_secs(60)), "{seen:?}");
    let expected = told.map_or(Vec::new(), |status| vec![status.to_owned(); count]);
    assert!(seen.told == expected, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_come_byte_by_byte_are_ended_and_others_are_served() {
    hold(Abuse::SlowHead, 500, CONNECTION_KIB_MAX, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_stop_get_408_and_others_are_served() {
    hold(Abuse::SlowBody, 300, CONNECTION_KIB_MAX, Some("408")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_take_nothing_are_cut_and_others_are_served() {
    hold(Abuse::SlowReader, 100, CONNECTION_KIB_MAX, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_heads_without_an_end_are_ended_within_their_memory() {
    hold(Abuse::LargeHead, 300, CONNECTION_KIB_MAX, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_of_fields_are_told_that_it_is_enough() {
    let siege = Siege::start(&["--idle-timeout", IDLE]).await;
    let seen = siege.suffer(Abuse::HeadFlood, 200, true).await;
    is_bounded(&seen, CONNECTION_KIB_MAX);
    // Who still writes into a closed connection may lose what it was told.
    assert!(seen.told.iter().all(|told| told == "431"), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_that_say_nothing_take_little_and_are_ended() {
    // Far from both sides' limits of open files wherever this runs.
    let siege = Siege::start(&["--idle-timeout", "5s"]).await;
    let seen = siege.suffer(Abuse::Idle, 2000, true).await;
    // A connection that waits holds no block.
    is_bounded(&seen, 8);
}
