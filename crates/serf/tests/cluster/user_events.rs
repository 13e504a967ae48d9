//! User events: heard everywhere once, by gossip or by push/pull, and refused in Serf's words when too long.

use crate::world::{World, secs};
use muster_serf::{Event, Limits};

fn cluster(seed: u64, names: &[&str]) -> World {
    let mut world = World::new(seed);
    world.start_whole(names);
    world
}

/// The user events `name` told, as "name=payload".
fn heard(world: &World, name: &str) -> Vec<String> {
    let text = |event: &Event| match event {
        Event::User { name, payload, .. } => Some(format!("{name}={}", String::from_utf8_lossy(payload))),
        _ => None,
    };
    let mut heard: Vec<String> =
        world.host(name).events.iter().filter_map(|(_, event)| text(event)).collect();
    heard.sort_unstable();
    heard
}

fn say(world: &mut World, who: &str, name: &str, payload: &[u8]) {
    world.tell(who, |serf, now| serf.user_event(now, name, payload, true)).unwrap();
}

#[test]
fn every_event_is_heard_by_everyone_exactly_once_in_spite_of_loss() {
    for seed in 0..5 {
        let names = ["a", "b", "c", "d", "e"];
        let mut world = cluster(seed, &names);
        world.loss_percent = 30;
        // At the same moment, so that some share a Lamport time.
        for name in names {
            say(&mut world, name, name, b"1");
            say(&mut world, name, "deploy", name.as_bytes());
        }
        // What gossip loses, push/pulls bring.
        world.run(secs(300));
        for name in names {
            let wanted =
                ["a=1", "b=1", "c=1", "d=1", "deploy=a", "deploy=b", "deploy=c", "deploy=d", "deploy=e"];
            let mut wanted: Vec<String> = wanted.map(String::from).to_vec();
            wanted.push("e=1".into());
            assert_eq!(heard(&world, name), wanted, "{name}, seed {seed}");
        }
    }
}

#[test]
fn the_same_words_said_again_are_another_event() {
    let mut world = cluster(1, &["a", "b"]);
    say(&mut world, "a", "deploy", b"");
    say(&mut world, "a", "deploy", b"");
    world.run(secs(10));
    assert_eq!(heard(&world, "b"), ["deploy=", "deploy="]);
}

#[test]
fn who_joins_late_hears_old_events_only_when_asked_for_and_new_ones_always() {
    for replay in [true, false] {
        let mut world = cluster(1, &["a", "b"]);
        say(&mut world, "a", "before", b"");
        world.run(secs(30));
        world.start("c");
        let to = world.host("b").addr;
        world.tell("c", |serf, now| serf.join(now, to, replay));
        world.run_until(|world| world.whole(&["a", "b", "c"]));
        say(&mut world, "a", "after", b"");
        // Long enough for periodic exchanges, which repeat everything.
        world.run(secs(200));
        let wanted: &[&str] = if replay { &["after=", "before="] } else { &["after="] };
        assert_eq!(heard(&world, "c"), wanted, "replay {replay}");
    }
}

#[test]
fn an_event_longer_than_a_packet_arrives_with_the_next_exchange() {
    let mut world = World::new(1);
    world.limits = Limits { user_event: 9216, ..Limits::default() };
    world.start_whole(&["a", "b"]);
    say(&mut world, "a", "long", &[b'x'; 3000]);
    world.run(secs(1));
    assert_eq!(heard(&world, "b"), [""; 0]);
    world.run(secs(120));
    assert_eq!(heard(&world, "b"), [format!("long={}", "x".repeat(3000))]);
}

#[test]
fn what_is_too_long_is_refused_in_serfs_words_and_told_to_nobody() {
    let refusal = |limit: usize, name: &str, payload: usize| {
        let mut world = World::new(1);
        world.limits = Limits { user_event: limit, ..Limits::default() };
        world.start("a");
        let payload = vec![0; payload];
        let refused = world.tell("a", |serf, now| serf.user_event(now, name, &payload, false));
        let error = refused.map_err(|error| error.to_string());
        assert_eq!(heard(&world, "a").len(), usize::from(error.is_ok()));
        error
    };
    let before = "user event exceeds configured limit of 512 bytes before encoding";
    let after = "encoded user event exceeds configured limit of 512 bytes after encoding";
    assert_eq!(refusal(512, "n", 512), Err(before.into()));
    assert_eq!(refusal(512, "n", 511), Err(after.into()));
    assert_eq!(refusal(512, "n", 400), Ok(()));
    let sane = "user event exceeds sane limit of 9216 bytes before encoding";
    assert_eq!(refusal(20_000, "n", 9216), Err(sane.into()));
    let encoded = "encoded user event exceeds sane limit of 9216 bytes before encoding";
    assert_eq!(refusal(20_000, "n", 9200), Err(encoded.into()));
}
