//! Accusations of those who left.

use super::world::{World, addr, datagram, leaves, name, secs};
use crate::{Event, GoneWhy, Swim};
use muster_wire::memberlist::{Dead, Message, NodeState, Ping, Source, Suspect};

fn accused(node: usize, incarnation: u32, by: usize) -> Event {
    Event::GoneAccused { name: name(node), incarnation, by: name(by), at: addr(by) }
}

fn suspect(node: &str, incarnation: u32, from: &str) -> Vec<u8> {
    datagram(&Message::Suspect(Suspect { incarnation, node, from }))
}

fn dead(node: &str, incarnation: u32, from: &str) -> Vec<u8> {
    datagram(&Message::Dead(Dead { incarnation, node, from }))
}

#[test]
fn an_accusation_of_one_who_left_is_told_once_per_accuser_and_few_seconds() {
    let mut world = World::cluster(4, 1);
    world.command(2, Swim::leave);
    world.run_for(secs(3));
    world.kill(2);
    world.forget_history();
    for _ in 0..10 {
        world.forge(0, addr(1), &suspect("n2", 1, "n1"));
        world.forge(0, addr(1), &dead("n2", 1, "n1"));
    }
    assert_eq!(world.count(0, |e| *e == accused(2, 1, 1)), 1);
    world.forge(0, addr(3), &suspect("n2", 1, "n3"));
    assert_eq!(world.count(0, |e| *e == accused(2, 1, 3)), 1, "another accuser");
    world.run_for(secs(5));
    world.forge(0, addr(1), &suspect("n2", 1, "n1"));
    assert_eq!(world.count(0, |e| *e == accused(2, 1, 1)), 2);
    // Forgotten here, but not by the layer above.
    world.run_for(secs(60));
    assert_eq!(world.state(0, 2), None);
    world.forge(0, addr(1), &suspect("n2", 1, "n1"));
    assert_eq!(world.count(0, |e| *e == accused(2, 1, 1)), 3);
}

#[test]
fn only_what_a_member_says_of_the_gone_is_heeded() {
    let mut world = World::cluster(4, 1);
    world.command(2, Swim::leave);
    world.run_for(secs(3));
    world.kill(2);
    world.forget_history();
    world.forge(0, addr(1), &suspect("n2", 1, "stranger"));
    world.forge(0, addr(1), &suspect("n2", 1, "n2"));
    world.forge(0, addr(1), &suspect("n2", 1, "n0"));
    world.forge(0, addr(1), &suspect("n2", 2, "n1"));
    world.forge(0, addr(1), &suspect("n3", 1, "n1"));
    world.forge(0, addr(1), &suspect("stranger", 1, "n2"));
    assert_eq!(world.count(0, |e| matches!(e, Event::GoneAccused { .. })), 0);
}

#[test]
fn who_is_told_of_a_leave_takes_the_suspect_for_left() {
    let mut world = World::cluster(3, 1);
    world.part(&[1], &[2]);
    world.command(2, Swim::leave);
    world.kill(2);
    world.forge(1, addr(0), &suspect("n2", 1, "n0"));
    assert_eq!(world.state(1, 2), Some(NodeState::Suspect));
    world.heal();
    world.forget_history();
    world.command(0, |swim, _| swim.tell_left(addr(1), "n2", 1));
    assert_eq!(leaves(&world.sent[0].2), ["Dead(Dead { incarnation: 1, node: \"n2\", from: \"n2\" })"]);
    world.run_for(secs(1));
    assert_eq!(world.losses(1, 2).into_iter().map(|(_, why)| why).collect::<Vec<_>>(), [GoneWhy::Left]);
}

#[test]
fn who_missed_a_refutation_is_told_by_the_accused() {
    let mut world = World::cluster(3, 1);
    world.forge(2, addr(0), &suspect("n2", 1, "n0"));
    world.run_for(secs(3));
    world.forget_history();
    for _ in 0..10 {
        world.forge(2, addr(1), &suspect("n2", 1, "n1"));
    }
    let told = || world.sent.iter().filter(|(from, to, _)| (*from, *to) == (2, addr(1)));
    let alive = told().filter(|(_, _, bytes)| leaves(bytes)[0].starts_with("Alive(Alive { incarnation: 2"));
    assert_eq!(alive.count(), 1, "once in a few seconds");
    world.forget_history();
    world.forge(2, addr(1), &suspect("n2", 1, "stranger"));
    world.forge(2, addr(1), &suspect("n2", 1, "n2"));
    assert!(world.sent.is_empty(), "only members are told");
}

#[test]
fn who_missed_a_refutation_is_told_by_whomever_it_tells() {
    for accusation in [suspect("n2", 1, "n1"), dead("n2", 1, "n1")] {
        let mut world = World::cluster(4, 1);
        world.forge(2, addr(0), &suspect("n2", 1, "n0"));
        world.run_for(secs(3));
        assert_eq!(world.incarnation(0, 2), 2, "it is refuted");
        world.forget_history();
        for _ in 0..10 {
            world.forge(0, addr(3), &accusation);
        }
        assert!(world.sent.is_empty(), "who passes it on is not told, nor is the accuser of long ago");
        for _ in 0..10 {
            world.forge(0, addr(1), &accusation);
        }
        let told: Vec<_> = world.sent.iter().map(|(from, to, bytes)| (*from, *to, leaves(bytes))).collect();
        assert_eq!(told.len(), 1, "once in a few seconds: {told:?}");
        assert_eq!((told[0].0, told[0].1), (0, addr(1)));
        assert!(told[0].2[0].starts_with("Alive(Alive { incarnation: 2, node: \"n2\""), "{told:?}");
        // The life that we know, and one that we do not.
        world.forget_history();
        world.forge(0, addr(1), &suspect("n2", 2, "n1"));
        assert_eq!(world.count(0, |e| matches!(e, Event::Suspected { .. })), 1);
        assert!(world.sent.iter().all(|(_, _, bytes)| !leaves(bytes)[0].starts_with("Alive")));
    }
}

#[test]
fn who_is_taken_for_gone_and_is_not_hears_of_it_at_its_next_pings() {
    // An old message of a former life comes late, out of a busy node's backlog.
    for old in [dead("n2", 5, "n2"), dead("n2", 5, "n3")] {
        let mut world = World::cluster(4, 1);
        world.forget_history();
        world.forge(0, addr(3), &old);
        assert!(world.run_until(secs(1), |w| w.losses(1, 2).len() == 1), "all believe it");
        assert!(world.run_until(secs(5), World::all_see_all));
        assert_eq!(world.incarnation(0, 2), 6);
    }
}

#[test]
fn one_that_leaves_is_told_nothing_that_makes_it_stay() {
    let mut world = World::cluster(3, 1);
    world.command(2, Swim::leave);
    world.run_for(secs(1));
    let ping = Message::Ping(Ping {
        seq_no: 7,
        node: "n0",
        source: Some(Source { addr: addr(2).ip().into(), port: 7946, node: "n2" }),
    });
    world.forge(0, addr(2), &datagram(&ping));
    world.run_for(secs(5));
    assert_eq!(world.state(0, 2), Some(NodeState::Left));
    world.forget_history();
    world.forge(0, addr(2), &datagram(&ping));
    world.forge(0, addr(2), &datagram(&ping));
    let told = world.sent.iter().filter(|(_, _, bytes)| leaves(bytes)[0].starts_with("Dead"));
    assert_eq!(told.count(), 1, "once in a few seconds");
}

#[test]
fn a_flood_of_accusations_is_told_in_bounds() {
    let mut world = World::cluster(2, 1);
    for at in 0..1000 {
        world.forge(0, addr(1), &suspect(&format!("forged-{at}"), 1, "n1"));
    }
    assert_eq!(world.count(0, |e| matches!(e, Event::GoneAccused { .. })), 256);
}
