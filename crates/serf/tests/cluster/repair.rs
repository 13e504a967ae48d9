//! Leaves that a member missed.

use crate::world::{World, secs};
use muster_serf::{Profile, Status};
use muster_wire::memberlist::{Message, Suspect};
use muster_wire::serf::LeaveIntent;
use std::time::Duration;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// "d" leaves while "a" hears nobody.
fn missed(seed: u64) -> World {
    let mut world = World::new(seed);
    for name in NAMES {
        world.start(name);
    }
    for name in &NAMES[1..] {
        world.join(name, "a");
    }
    world.run_until(|world| world.whole(&NAMES));
    world.run(secs(5));
    for name in &NAMES[1..] {
        world.cut("a", name, true);
    }
    world.leave("d");
    world.run(Duration::from_millis(2_500));
    assert!(world.all_see(&["b", "c"], "d", Some(Status::Left)), "seed {seed}");
    assert_eq!(world.status("a", "d"), Some(Status::Alive), "seed {seed}");
    world.kill("d");
    for name in &NAMES[1..] {
        world.cut("a", name, false);
    }
    world
}

/// "a" accuses "d", where "b" hears it.
fn accuse(world: &mut World) {
    let mut bytes = Vec::new();
    Message::Suspect(Suspect { incarnation: 1, node: "d", from: "a" }).encode(&mut bytes);
    world.inject("b", bytes);
}

#[test]
fn whoever_accuses_a_node_that_left_is_told_of_its_leave() {
    let mut soon = 0;
    for seed in 0..20 {
        let mut world = missed(seed);
        let took = world.run_until(|world| world.all_see(&NAMES[..3], "d", Some(Status::Left)));
        soon += usize::from(took < secs(10));
        assert_eq!(world.told("a", "d").last(), Some(&"leave"), "seed {seed}");
        for other in ["b", "c"] {
            assert!(!world.told(other, "d").contains(&"failed"), "seed {seed}");
        }
    }
    // By the next probe but for a few, who accused it while nobody could hear. Left alone, half of them need longer.
    assert!(soon >= 14, "{soon}");
}

#[test]
fn the_answer_is_the_intent_and_then_the_dead() {
    let mut world = missed(1);
    let before = world.member("b", "d").unwrap().status_ltime;
    world.sent.clear();
    accuse(&mut world);
    accuse(&mut world);
    world.run(Duration::from_millis(20));
    let answers = world.messages("b", |message| match message {
        Message::User(bytes) => match muster_wire::serf::Message::decode(bytes) {
            Ok(muster_wire::serf::Message::Leave(LeaveIntent { ltime, node: "d", prune: false })) => {
                assert_eq!(ltime, before + 1);
                Some("leave")
            }
            _ => None,
        },
        Message::Dead(dead) if dead.node == "d" && dead.from == "d" && dead.incarnation == 1 => Some("dead"),
        _ => None,
    });
    let kinds: Vec<_> = answers.into_iter().map(|(_, kind)| kind).collect();
    // What may follow is gossip: the leave is later than the last word b knew.
    assert_eq!(kinds[..2], ["leave", "dead"], "in this order");
    assert_eq!(kinds.iter().filter(|kind| **kind == "dead").count(), 1, "once");
    // The network may turn the two around, and then there is no "leaving".
    let told = world.told("a", "d");
    assert!(
        told.starts_with(&["join"]) && told.ends_with(&["leave"]) && !told.contains(&"failed"),
        "{told:?}"
    );
}

#[test]
fn an_accusation_is_answered_long_after_memberlist_forgot_the_leaver() {
    let mut world = missed(1);
    world.kill("a");
    world.run(secs(600));
    // Back with the memory of a cluster in which "d" was alive.
    world.start("a");
    world.join("a", "b");
    world.run(secs(2));
    world.sent.clear();
    accuse(&mut world);
    world.run(secs(1));
    let answered =
        |message: &Message<'_>| matches!(message, Message::Dead(dead) if dead.node == "d").then_some(());
    assert_eq!(world.messages("b", answered).len(), 1);
}

#[test]
fn one_that_failed_and_one_that_returned_are_not_called_left() {
    let mut world = missed(1);
    world.start("d");
    world.join("d", "b");
    world.run_until(|world| world.whole(&NAMES));
    world.kill("c");
    world.run_until(|world| world.status("b", "c") == Some(Status::Failed));
    world.run(Profile::LAN.gossip_to_the_dead_time + secs(5));
    world.sent.clear();
    for node in ["c", "d"] {
        let mut bytes = Vec::new();
        Message::Suspect(Suspect { incarnation: 1, node, from: "a" }).encode(&mut bytes);
        world.inject("b", bytes);
    }
    world.run(secs(5));
    let left = |message: &Message<'_>| {
        matches!(message, Message::Dead(dead) if dead.node == dead.from).then_some(())
    };
    assert_eq!(world.messages("b", left), []);
    assert_eq!(world.status("a", "d"), Some(Status::Alive));
}
