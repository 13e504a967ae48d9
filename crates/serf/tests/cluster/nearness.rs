//! Coordinates travel in acks and come close to the round trips of the network.

use crate::world::{World, secs};
use muster_wire::memberlist::Message;
use muster_wire::serf::Coordinate;
use std::time::Duration;

#[test]
fn everyone_learns_where_everyone_is() {
    let names = ["a", "b", "c", "d"];
    let mut world = World::new(1);
    world.start_whole(&names);
    assert!(world.host("a").serf.coordinate("a").is_some(), "ourselves always");
    assert!(world.host("a").serf.coordinate("nobody").is_none());
    world.run(secs(600));
    // One way takes 0.5 to 5 ms here.
    let believable = Duration::from_millis(2)..Duration::from_millis(10);
    for name in names {
        let serf = &world.host(name).serf;
        let own = serf.coordinate(name).unwrap();
        for other in names.into_iter().filter(|other| *other != name) {
            let round_trip = own.distance_to(serf.coordinate(other).unwrap());
            assert!(believable.contains(&round_trip), "{name} to {other}: {round_trip:?}");
        }
        assert_eq!(serf.stats().coordinate_resets, 0);
    }
}

#[test]
fn straight_acks_carry_our_coordinate() {
    let mut world = World::new(1);
    world.start_whole(&["a", "b"]);
    world.run(secs(60));
    let sent = world.messages("a", |message| match message {
        Message::Ack(ack) => Some(Coordinate::decode_ack(ack.payload).unwrap()),
        _ => None,
    });
    assert!(sent.len() > 10);
    assert!(sent.iter().all(|(_, coordinate)| coordinate.vec.len() == 8));
    assert_ne!(sent[0].1, sent[sent.len() - 1].1, "it is learnt");
}

#[test]
fn the_place_of_a_member_is_forgotten_with_it() {
    let mut world = World::new(1);
    world.start_whole(&["a", "b"]);
    world.run(secs(60));
    assert!(world.host("a").serf.coordinate("b").is_some());
    world.kill("b");
    world.run_until(|world| world.told("a", "b").contains(&"failed"));
    assert!(world.host("a").serf.coordinate("b").is_some(), "it may return");
    world.tell("a", |serf, now| serf.force_leave(now, "b", true));
    assert!(world.host("a").serf.coordinate("b").is_none());
}
