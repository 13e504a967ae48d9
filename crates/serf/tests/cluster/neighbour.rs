//! User events, queries and relays of others get through us as the original bytes.

use crate::world::{World, secs};
use muster_serf::Event;
use muster_wire::memberlist::kind;
use muster_wire::serf::PushPullState;
use muster_wire::stream::Inbound;

/// In how many packets a message travels in a cluster of up to nine.
const LIMIT: usize = 4;

fn text(text: &str) -> Vec<u8> {
    let mut bytes = vec![0xa0 | u8::try_from(text.len()).unwrap()];
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// A Serf message: its type, then a map of fixed keys and values already encoded.
fn serf(kind: u8, fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![kind, 0x80 | u8::try_from(fields.len()).unwrap()];
    for (key, value) in fields {
        bytes.extend(text(key));
        bytes.extend(value);
    }
    bytes
}

/// A user event with a field from a future version.
fn event(ltime: u8, name: &str) -> Vec<u8> {
    serf(
        3,
        &[
            ("CC", vec![0xc2]),
            ("LTime", vec![ltime]),
            ("Name", text(name)),
            ("Payload", text("now")),
            ("Urgency", vec![7]),
        ],
    )
}

/// A query for a node that does not exist.
fn query(ltime: u8, id: u8, flags: u8) -> Vec<u8> {
    let mut nobody = vec![0xa0 | 9, 0, 0x91];
    nobody.extend(text("nobody"));
    serf(
        4,
        &[
            ("Addr", vec![0xa4, 10, 0, 0, 1]),
            ("Filters", [vec![0x91], nobody].concat()),
            ("Flags", vec![flags]),
            ("ID", vec![id]),
            ("LTime", vec![ltime]),
            ("Name", text("uptime")),
            ("Payload", vec![0xc0]),
            ("Port", vec![0xcd, 0x1f, 0x0a]),
            ("RelayFactor", vec![0]),
            ("SourceNode", text("a")),
            ("Timeout", vec![0xce, 0x3b, 0x9a, 0xca, 0]),
        ],
    )
}

fn cluster(names: &[&str]) -> World {
    let mut world = World::new(1);
    world.start_whole(names);
    world
}

fn inject(world: &mut World, to: &str, serf: &[u8]) {
    world.inject(to, [&[kind::USER], serf].concat());
}

fn notes(world: &World, name: &str) -> usize {
    world.count(name, |event| matches!(event, Event::Note { .. }))
}

/// The state that `name` last answered a push/pull with.
fn last_state(world: &World, name: &str) -> (u64, Vec<(u64, String)>) {
    let addr = world.host(name).addr;
    let (_, bytes) = world.answers.iter().rev().find(|(from, _)| *from == addr).unwrap();
    let mut plain = Vec::new();
    let Ok(Inbound::PushPull(push_pull)) = Inbound::decode(bytes, &mut plain) else { panic!() };
    let state = PushPullState::decode(push_pull.user_state).unwrap();
    let events = state
        .events
        .iter()
        .flat_map(|recent| recent.events.iter().map(|(name, _)| (recent.ltime, String::from(*name))));
    (state.event_ltime, events.collect())
}

#[test]
fn a_user_event_passes_through_everyone_once_as_the_original_bytes() {
    let names = ["a", "b", "c"];
    let mut world = cluster(&names);
    inject(&mut world, "a", &event(3, "deploy"));
    world.run(secs(30));
    for name in names {
        assert_eq!(world.times_sent(name, &event(3, "deploy")), LIMIT, "{name}");
        assert_eq!(world.host(name).serf.stats().event_time, 4, "{name}");
    }
    for name in names {
        inject(&mut world, name, &event(3, "deploy"));
    }
    world.run(secs(30));
    for name in names {
        assert_eq!(world.times_sent(name, &event(3, "deploy")), LIMIT, "{name}");
        assert_eq!(notes(&world, name), 0);
    }
    inject(&mut world, "a", &event(3, "restart"));
    world.run(secs(30));
    for name in names {
        assert_eq!(world.times_sent(name, &event(3, "restart")), LIMIT, "another of the same time, {name}");
    }
}

#[test]
fn a_query_for_somebody_else_passes_through_unless_it_says_no() {
    let names = ["a", "b", "c"];
    let mut world = cluster(&names);
    let told = query(5, 1, 0);
    let untold = query(6, 1, 2);
    for message in [&told, &told, &untold] {
        inject(&mut world, "a", message);
        world.run(secs(30));
    }
    for name in names {
        assert_eq!(world.times_sent(name, &told), LIMIT, "{name}");
        assert_eq!(world.times_sent(name, &untold), 0, "{name}");
        assert_eq!(notes(&world, name), 0);
    }
    assert_eq!(world.host("a").serf.stats().query_time, 7);
    let another = query(5, 2, 0);
    inject(&mut world, "a", &another);
    world.run(secs(30));
    assert_eq!(world.times_sent("c", &another), LIMIT, "another of the same time");
}

#[test]
fn a_relay_reaches_the_member_it_names_and_no_stranger() {
    let mut world = cluster(&["a", "b"]);
    // An answer that nobody waits for.
    let response = serf(
        5,
        &[
            ("Flags", vec![1]),
            ("From", text("c")),
            ("ID", vec![9]),
            ("LTime", vec![9]),
            ("Payload", vec![0xc0]),
        ],
    );
    let relay = |ip: [u8; 4]| {
        let dest = [
            vec![0x83],
            text("IP"),
            vec![0xa4, ip[0], ip[1], ip[2], ip[3]],
            text("Port"),
            vec![0xcd, 0x1f, 0x0a],
            text("Zone"),
            text(""),
        ];
        [serf(9, &[("DestAddr", dest.concat()), ("DestName", text("b"))]), response.clone()].concat()
    };
    inject(&mut world, "a", &relay([10, 0, 0, 2]));
    world.run(secs(5));
    assert_eq!(world.times_sent("a", &response), 1);
    inject(&mut world, "a", &relay([192, 0, 2, 1]));
    world.run(secs(5));
    assert_eq!(world.times_sent("a", &response), 1);
    assert_eq!(notes(&world, "a") + notes(&world, "b"), 0);
}

#[test]
fn recent_events_travel_in_push_pulls_to_who_wants_them() {
    for replay in [true, false] {
        let mut world = cluster(&["a", "b"]);
        inject(&mut world, "a", &event(3, "deploy"));
        world.run(secs(30));
        world.start("c");
        let to = world.host("a").addr;
        world.tell("c", |serf, now| serf.join(now, to, replay));
        world.run_until(|world| world.whole(&["a", "b", "c"]));
        assert_eq!(world.host("c").serf.stats().event_time, 4, "the clock is witnessed either way");
        world.join("b", "c");
        world.run(secs(1));
        let known = if replay { vec![(3, "deploy".to_string())] } else { vec![] };
        assert_eq!(last_state(&world, "c"), (4, known));
        assert_eq!(last_state(&world, "a").1, [(3, "deploy".to_string())]);
        inject(&mut world, "c", &event(3, "deploy"));
        world.run(secs(30));
        assert_eq!(world.times_sent("c", &event(3, "deploy")), 0, "known or ignored, not news");
    }
}

#[test]
fn unreadable_messages_are_noted_and_harm_nothing() {
    let mut world = cluster(&["a", "b"]);
    for bytes in [&[][..], &[0], &[1, 0x81], &[3, 0xc1], &[77, 1, 2], &[9], &[4, 0xff]] {
        inject(&mut world, "a", bytes);
    }
    world.run(secs(60));
    assert!(notes(&world, "a") >= 6);
    assert!(world.whole(&["a", "b"]));
}
