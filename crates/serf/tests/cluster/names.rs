//! Two that claim one name.

use crate::world::{PORT, World, secs};
use muster_serf::{Event, Status};
use muster_wire::memberlist::{Alive, Message};
use muster_wire::serf::{ConflictResponse, Message as Serf, Query};
use muster_wire::{RawAddr, Versions};
use std::time::Duration;

/// Three that know each other: 10.0.0.1 to 10.0.0.3.
fn cluster() -> World {
    let mut world = World::new(1);
    for name in ["a", "b", "c"] {
        world.start(name);
    }
    for name in ["b", "c"] {
        world.join(name, "a");
    }
    world.run_until(|world| world.whole(&["a", "b", "c"]));
    world
}

/// Somebody at 10.0.0.77 claims `name`, as far as `to` hears.
fn claim(world: &mut World, to: &str, name: &str) {
    let twin = Alive {
        incarnation: 9,
        node: name,
        addr: RawAddr::V4([10, 0, 0, 77]),
        port: PORT,
        meta: b"",
        versions: Some(Versions::OURS),
    };
    let mut bytes = Vec::new();
    Message::Alive(twin).encode(&mut bytes);
    world.inject(to, bytes);
}

/// Whoever is at `asker` asks `to` who holds `name`, as the reference does.
fn ask(world: &mut World, to: &str, name: &str, asker: [u8; 4]) {
    ask_as(world, 7, to, name, asker);
}

/// The same with a number of its own: a question is heard once.
fn ask_as(world: &mut World, id: u32, to: &str, name: &str, asker: [u8; 4]) {
    let query = Query {
        ltime: 7,
        id,
        addr: Some(RawAddr::V4(asker)),
        port: PORT,
        source_node: name,
        filters: vec![],
        flags: 0,
        relay_factor: 0,
        timeout_ns: 3_200_000_000,
        name: "_serf_conflict",
        payload: Some(name.as_bytes()),
    };
    let mut bytes = vec![muster_wire::memberlist::kind::USER];
    Serf::Query(query).encode(&mut bytes);
    world.inject(to, bytes);
}

/// When `name` answered, and where it says the holder is.
fn answers(world: &World, name: &str) -> Vec<(Duration, RawAddr)> {
    world.messages(name, |message| {
        let Message::User(serf) = message else { return None };
        let Serf::QueryResponse(response) = Serf::decode(serf).unwrap() else { return None };
        assert_eq!((response.ltime, response.from), (7, name));
        Some(ConflictResponse::decode(response.payload.unwrap()).unwrap().member.unwrap().addr)
    })
}

#[test]
fn the_answer_waits_until_it_is_known_whether_the_holder_lives() {
    let mut world = cluster();
    let asked = world.now.0;
    claim(&mut world, "a", "c");
    ask(&mut world, "a", "c", [10, 0, 0, 3]);
    world.run(secs(5));
    let said = answers(&world, "a");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].0 - asked >= secs(1), "not before a probe's time: {said:?}, asked at {asked:?}");
    assert_eq!(answers(&world, "b").len(), 1, "b heard of no claim");
}

#[test]
fn whoever_has_not_heard_of_a_claim_says_nothing_to_it() {
    let mut world = cluster();
    ask(&mut world, "a", "c", [10, 0, 0, 77]);
    world.run(secs(5));
    assert_eq!(answers(&world, "a"), []);
    claim(&mut world, "a", "c");
    world.run(secs(2));
    ask_as(&mut world, 8, "a", "c", [10, 0, 0, 77]);
    world.run(secs(2));
    let said: Vec<_> = answers(&world, "a").into_iter().map(|(_, addr)| addr).collect();
    assert_eq!(said, [RawAddr::V4([10, 0, 0, 3])], "the holder was asked, and lives");
}

#[test]
fn one_that_was_re_created_elsewhere_may_stay() {
    let mut world = cluster();
    world.kill("c");
    world.start_as("new c", "c");
    world.join("new c", "a");
    world.run(Duration::from_millis(100));
    ask(&mut world, "a", "c", [10, 0, 0, 4]);
    world.run(secs(5));
    let said: Vec<_> = answers(&world, "a").into_iter().map(|(_, addr)| addr).collect();
    assert_eq!(said, [RawAddr::V4([10, 0, 0, 4])]);
}

#[test]
fn a_name_conflict_is_noted_and_nobody_stops() {
    let mut world = cluster();
    claim(&mut world, "a", "a");
    world.run(secs(60));
    let conflict = |event: &Event| {
        matches!(event, Event::Note { warn: false, text }
            if text == "our name a of 10.0.0.1:7946 is also claimed by 10.0.0.77:7946: nobody answers to it there, so \
                that this is old news or forged")
    };
    assert_eq!(world.count("a", conflict), 1);
    assert_eq!(world.status("a", "a"), Some(Status::Alive));
    assert_eq!(world.count("a", |event| matches!(event, Event::LeftCluster)), 0);
}

fn lost(world: &World, name: &str) -> usize {
    world.count(name, |event| matches!(event, Event::NameLost { .. }))
}

/// Where `name` knows `about`.
fn place(world: &World, name: &str, about: &str) -> Option<std::net::SocketAddr> {
    world.member(name, about).map(|member| member.socket_addr())
}

#[test]
fn the_newcomer_gives_way_and_nobody_takes_the_holder_for_gone() {
    for seed in 0..5 {
        let mut world = World::new(seed);
        world.loss_percent = 10;
        world.start_whole(&["a", "b", "c", "d"]);
        world.start_as("twin", "a");
        world.join("twin", "b");
        world.run_until(|world| lost(world, "twin") == 1);
        // As the agent does.
        world.kill("twin");
        world.run(secs(300));
        assert_eq!(lost(&world, "a"), 0);
        for name in ["a", "b", "c", "d"] {
            assert_eq!(world.status(name, "a"), Some(Status::Alive), "{name}, seed {seed}");
            assert_eq!(place(&world, name, "a"), Some(world.host("a").addr));
            assert_eq!(world.told(name, "a"), ["join"], "{name}, seed {seed}");
        }
    }
}

#[test]
fn where_nobody_else_can_say_both_stay() {
    let mut world = World::new(1);
    world.start("a");
    world.start_as("twin", "a");
    world.join("twin", "a");
    world.run(secs(600));
    assert_eq!((lost(&world, "a"), lost(&world, "twin")), (0, 0));
    let asked = |event: &Event| matches!(event, Event::Note { warn: true, text } if text.starts_with("nobody answered whose our name is"));
    assert!(world.count("a", asked) + world.count("twin", asked) > 0, "{}", world.trace.join("\n"));
}

#[test]
fn whoever_was_replaced_while_cut_off_gives_way_when_it_returns() {
    let mut world = World::new(1);
    world.start_whole(&["a", "b", "c"]);
    for other in ["b", "c"] {
        world.cut("a", other, true);
    }
    world.run_until(|world| world.all_see(&["b", "c"], "a", Some(Status::Failed)));
    world.start_as("twin", "a");
    world.cut("a", "twin", true);
    world.join("twin", "b");
    let twin = world.host("twin").addr;
    world.run_until(|world| ["b", "c"].iter().all(|name| place(world, name, "a") == Some(twin)));
    world.run(secs(60));
    for other in ["b", "c", "twin"] {
        world.cut("a", other, false);
    }
    // It finds them again by its reconnects.
    world.run_until(|world| lost(world, "a") == 1);
    world.kill("a");
    world.run(secs(300));
    assert_eq!(lost(&world, "twin"), 0);
    for name in ["b", "c"] {
        assert_eq!((world.status(name, "a"), place(&world, name, "a")), (Some(Status::Alive), Some(twin)));
    }
}
