//! A quiet node sleeps: it wakes to probe and to exchange, and for nothing else.

use crate::world::{World, secs};
use muster_serf::Status;

const NAMES: [&str; 3] = ["a", "b", "c"];

/// Timeouts of `name` in each of ten minutes.
fn per_minute(world: &mut World, name: &str) -> Vec<usize> {
    let minute = |world: &mut World| {
        let before = world.host(name).timeouts;
        world.run(secs(60));
        world.host(name).timeouts - before
    };
    (0..10).map(|_| minute(world)).collect()
}

#[test]
fn a_lone_node_wakes_for_nothing() {
    let mut world = World::new(1);
    world.start("a");
    // Once, to find that nobody is there to be told of it.
    world.run(secs(3600));
    assert_eq!((world.host("a").timeouts, world.host("a").serf.next_timeout()), (1, None));
}

#[test]
fn a_node_among_others_wakes_for_60_probes_and_2_exchanges_a_minute() {
    let mut world = World::new(1);
    NAMES.iter().for_each(|name| world.start(name));
    NAMES[1..].iter().for_each(|name| _ = world.join(name, "a"));
    world.run_until(|world| world.whole(&NAMES));
    world.run(secs(60));
    for minute in per_minute(&mut world, "a") {
        // One more where a round falls on both ends of the minute.
        assert!((60..=64).contains(&minute), "{minute}");
    }
}

#[test]
fn a_node_that_lost_all_others_wakes_to_try_them_again_and_sleeps_when_they_left() {
    let mut world = World::new(1);
    NAMES.iter().for_each(|name| world.start(name));
    NAMES[1..].iter().for_each(|name| _ = world.join(name, "a"));
    world.run_until(|world| world.whole(&NAMES));
    world.kill("b");
    world.kill("c");
    world.run_until(|world| world.all_see(&["a"], "b", Some(Status::Failed)));
    world.run_until(|world| world.all_see(&["a"], "c", Some(Status::Failed)));
    world.run(secs(60));
    let trying = per_minute(&mut world, "a");
    assert!(trying.iter().all(|minute| *minute <= 3), "a reconnect every 30 seconds: {trying:?}");
    world.tell("a", |serf, now| ["b", "c"].map(|gone| serf.force_leave(now, gone, false)));
    world.run(secs(60));
    assert_eq!(per_minute(&mut world, "a"), [0; 10]);
}

#[test]
fn a_lone_node_that_is_joined_begins_to_probe() {
    let mut world = World::new(1);
    world.start("a");
    world.run(secs(600));
    world.start("b");
    world.join("b", "a");
    world.run_until(|world| world.whole(&["a", "b"]));
    world.kill("b");
    let took = world.run_until(|world| world.all_see(&["a"], "b", Some(Status::Failed)));
    assert!(took < secs(10), "{took:?}");
}
