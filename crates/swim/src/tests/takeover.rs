//! A known name at a new address.

use super::world::{World, addr, config, datagram, leaves, millis, name, secs};
use crate::{Event, GoneWhy, Input};
use core::net::SocketAddr;
use muster_wire::memberlist::{Ack, Alive, Dead, Message, NodeState, Suspect};
use muster_wire::{RawAddr, Versions};

/// A new host under the old name of another, that joins through `through`.
fn recreate(world: &mut World, old: usize, through: usize) -> usize {
    let at = world.hosts.len();
    let mut moved = config(at, 77);
    moved.name = name(old);
    let at = world.add_with(moved);
    world.join(at, through);
    at
}

/// Where `at` believes the holder of a name to be, if it is alive.
fn holder(world: &World, at: usize, name: &str) -> Option<SocketAddr> {
    let node = world.hosts[at].swim.nodes.get(name)?;
    (node.state() == NodeState::Alive).then(|| node.socket_addr())
}

fn all_hold(world: &World, hosts: &[usize], name: &str, at: SocketAddr) -> bool {
    hosts.iter().all(|host| holder(world, *host, name) == Some(at))
}

/// An announcement of `node` at an address where nobody lives.
fn forged(node: &str, incarnation: u32) -> Vec<u8> {
    let addr = RawAddr::V4([10, 66, 6, 6]);
    datagram(&Message::Alive(Alive {
        incarnation,
        node,
        addr,
        port: 7946,
        meta: b"",
        versions: Some(Versions::OURS),
    }))
}

/// What was sent to `to` from `at` since history began.
fn sent_to(world: &World, at: usize, to: SocketAddr) -> Vec<String> {
    let from_to = world.sent.iter().filter(|(from, receiver, _)| *from == at && *receiver == to);
    from_to.flat_map(|(.., bytes)| leaves(bytes)).collect()
}

#[test]
fn a_container_re_created_at_a_new_address_is_taken_in_at_once() {
    // Whether it has lived long before or not, and whether it was already found dead or not.
    for (updates, pause) in [(0, millis(100)), (5, millis(100)), (5, secs(15))] {
        let mut world = World::cluster(5, 4);
        for update in 0..updates {
            world.command(2, |swim, now| swim.set_meta(now, vec![0xff, 0x80, update]));
            world.run_for(secs(1));
        }
        world.kill(2);
        world.run_for(pause);
        world.forget_history();
        let at = recreate(&mut world, 2, 0);
        let start = world.now;
        assert!(
            world.run_until(secs(6), |w| all_hold(w, &[0, 1, 3, 4], "n2", addr(at))),
            "{updates} {pause:?}"
        );
        assert!(world.now - start >= secs(1), "not before the old address had its time");
        world.run_for(secs(60));
        assert!(all_hold(&world, &[0, 1, 3, 4, at], "n2", addr(at)));
        for other in [0, 1, 3, 4] {
            let moved = Event::Moved { name: name(2), from: addr(2), to: addr(at) };
            assert_eq!(world.count(other, |e| *e == moved), 1);
            assert_eq!(world.losses(other, 2), [], "its members never lose it again");
            assert_eq!(world.count(other, |e| matches!(e, Event::Conflict { .. })), 0);
        }
    }
}

#[test]
fn it_is_taken_in_even_when_a_third_of_the_datagrams_are_lost() {
    for seed in 0..20 {
        let mut world = World::cluster(6, seed);
        world.kill(2);
        world.loss = 0.3;
        let at = recreate(&mut world, 2, 0);
        let others = [0, 1, 3, 4, 5];
        assert!(world.run_until(secs(60), |w| all_hold(w, &others, "n2", addr(at))), "seed {seed}");
    }
}

#[test]
fn the_layer_above_hears_of_the_new_address() {
    let mut world = World::cluster(3, 3);
    world.kill(2);
    world.forget_history();
    let at = recreate(&mut world, 2, 0);
    world.run_for(secs(5));
    let updated = |e: &Event| matches!(e, Event::Updated(view) if &*view.name == "n2" && view.addr.ip() == addr(at).ip());
    assert!(world.count(0, updated) >= 1);
    assert_eq!(
        world.count(0, |e| matches!(e, Event::Joined(view) if &*view.name == "n2")),
        0,
        "it never was gone"
    );
}

#[test]
fn a_living_holder_is_never_displaced_and_the_conflict_is_told_once_a_minute() {
    for seed in 0..10 {
        let mut world = World::cluster(4, seed);
        let at = recreate(&mut world, 2, 0);
        let conflict =
            Event::Conflict { name: name(2), holder: addr(2), claimant: addr(at), claimant_answers: true };
        for minute in 1..=10 {
            world.run_for(secs(60));
            assert!(all_hold(&world, &[0, 1, 2, 3], "n2", addr(2)), "seed {seed}");
            assert!(world.count(0, |e| *e == conflict) <= minute);
        }
        assert!(world.count(0, |e| *e == conflict) >= 1);
        assert!((0..4).all(|host| world.incarnation(host, 2) <= 2), "no war of incarnations");
        assert_eq!(world.count(0, |e| matches!(e, Event::Gone { .. } | Event::Moved { .. })), 0);
    }
}

#[test]
fn a_holder_that_answers_by_tcp_alone_stays() {
    let mut world = World::cluster(3, 1);
    world.firewall(0, 2);
    let at = recreate(&mut world, 2, 0);
    world.run_for(secs(30));
    assert!(world.count(0, |e| matches!(e, Event::Conflict { claimant_answers: true, .. })) >= 1);
    assert_eq!(holder(&world, 0, "n2"), Some(addr(2)));
    assert_ne!(holder(&world, 0, "n2"), Some(addr(at)));
}

#[test]
fn a_holder_that_answers_late_stays_as_long_as_the_claimant_is_still_raising() {
    let mut world = World::cluster(2, 1);
    world.kill(1);
    let at = recreate(&mut world, 1, 0);
    world.run_for(millis(500));
    world.forget_history();
    assert!(world.run_until(secs(2), |w| w.hosts[0].swim.claims.is_raising("n1")));
    let late = world.hosts[0].swim.claims.holder_seq_no("n1");
    world.forge(0, addr(1), &datagram(&Message::Ack(Ack { seq_no: late, payload: &[] })));
    world.run_for(secs(2));
    assert_eq!(world.hosts[0].swim.nodes.get("n1").unwrap().socket_addr(), addr(1));
    assert_eq!(world.incarnation(at, 1), 2, "it was asked and has raised it");
}

#[test]
fn one_forged_packet_costs_one_probe() {
    let mut world = World::cluster(3, 1);
    world.forget_history();
    for _ in 0..100 {
        world.forge(0, "10.66.6.6:666".parse().unwrap(), &forged("n2", 100));
    }
    assert_eq!(sent_to(&world, 0, "10.66.6.6:7946".parse().unwrap()).len(), 1, "a ping to the claimant");
    assert_eq!(sent_to(&world, 0, addr(2)).len(), 1, "a ping to the holder");
    assert_eq!(world.trace.matches("Open {").count(), 1);
    world.run_for(secs(2));
    assert_eq!(
        world.count(0, |e| matches!(e, Event::Conflict { claimant_answers: false, .. })),
        1,
        "told, and that nobody is there"
    );
    // The holder has just answered: no more questions for a while.
    world.forget_history();
    world.forge(0, "10.66.6.6:666".parse().unwrap(), &forged("n2", 101));
    assert_eq!((world.sent.len(), world.trace.matches("Open {").count()), (0, 0));
    world.run_for(secs(10));
    assert!(world.all_see_all());
    assert_eq!(world.incarnation(1, 2), 1);
}

#[test]
fn a_forged_address_does_not_raise_the_dead() {
    let mut world = World::cluster(3, 1);
    world.kill(2);
    assert!(world.run_until(secs(30), |w| w.losses(0, 2).len() == 1));
    world.forge(0, "10.66.6.6:666".parse().unwrap(), &forged("n2", 100));
    world.run_for(secs(5));
    assert_eq!(world.state(0, 2), Some(NodeState::Dead));
    assert_eq!(world.count(0, |e| matches!(e, Event::Moved { .. } | Event::Conflict { .. })), 0);
}

#[test]
fn a_member_claimed_to_live_where_another_does_stays_where_it_is() {
    let mut world = World::cluster(4, 1);
    world.kill(2);
    let mut alive = Alive {
        incarnation: 50,
        node: "n2",
        addr: addr(3).ip().into(),
        port: 7946,
        meta: b"",
        versions: Some(Versions::OURS),
    };
    world.forge(0, addr(1), &datagram(&Message::Alive(alive)));
    world.run_for(secs(3));
    assert_eq!(
        world.hosts[0].swim.nodes.get("n2").unwrap().socket_addr(),
        addr(2),
        "n3 answers to its own name only"
    );
    alive.node = "n0";
    world.forge(0, addr(1), &datagram(&Message::Alive(alive)));
    world.run_for(secs(3));
    assert_eq!(world.incarnation(0, 0), 1, "our own name is not defended against a forgery");
}

#[test]
fn claims_are_bounded() {
    let mut world = World::cluster(1, 1);
    let mallory: SocketAddr = "10.66.6.6:666".parse().unwrap();
    for at in 0..300 {
        let node = format!("victim-{at}");
        let addr = RawAddr::V4([10, 77, 0, 1]);
        let alive = Alive {
            incarnation: 1,
            node: &node,
            addr,
            port: 7946,
            meta: b"",
            versions: Some(Versions::OURS),
        };
        world.forge(0, mallory, &datagram(&Message::Alive(alive)));
        world.forge(0, mallory, &forged(&node, 2));
    }
    let refused =
        |e: &Event| matches!(e, Event::Refused { reason, .. } if reason.starts_with("too many names"));
    assert_eq!(world.count(0, refused), 300 - 256);
    world.forget_history();
    world.run_for(secs(10));
    let again = forged("victim-299", 2);
    world.forge(0, mallory, &again);
    assert_eq!(world.count(0, refused), 0, "the slots are free again");
}

#[test]
fn what_neighbours_say_of_the_old_address_is_void() {
    let mut world = World::cluster(4, 1);
    world.kill(2);
    let at = recreate(&mut world, 2, 0);
    assert!(world.run_until(secs(6), |w| all_hold(w, &[0, 1, 3], "n2", addr(at))));
    world.run_for(secs(5));
    world.forget_history();
    // A memberlist neighbour goes on with the record it has.
    let incarnation = 1;
    for message in [
        Message::Suspect(Suspect { incarnation, node: "n2", from: "n3" }),
        Message::Dead(Dead { incarnation, node: "n2", from: "n3" }),
        Message::Alive(Alive {
            incarnation,
            node: "n2",
            addr: addr(2).ip().into(),
            port: 7946,
            meta: b"",
            versions: Some(Versions::OURS),
        }),
    ] {
        world.forge(0, addr(3), &datagram(&message));
    }
    world.run_for(secs(5));
    assert!(all_hold(&world, &[0, 1, 3], "n2", addr(at)));
    let harm = |e: &Event| matches!(e, Event::Gone { .. } | Event::Moved { .. } | Event::Suspected { .. });
    assert_eq!(world.count(0, harm), 0);
    assert_eq!(world.incarnation(0, 2), 2, "and nobody argues about it");
}

#[test]
fn a_sleep_settles_no_claim() {
    let mut world = World::cluster(3, 1);
    world.loss = 1.0;
    world.forge(0, addr(1), &forged("n2", 9));
    world.run_for(millis(500));
    world.sleep(0, secs(10));
    let due = world.hosts[0].swim.claims.is_empty();
    assert!(due, "whoever claims it still will say so again");
    world.loss = 0.0;
    assert!(world.run_until(secs(60), World::all_see_all));
    assert_eq!(world.losses(0, 2), []);
}

#[test]
fn an_answer_that_is_old_when_it_is_looked_at_moves_nobody() {
    for (late, moves) in [(millis(900), true), (secs(30), false)] {
        let mut world = World::cluster(2, 1);
        world.kill(1);
        let mut moved = config(2, 77);
        moved.name = name(1);
        world.add_with(moved);
        let alive = Alive {
            incarnation: 9,
            node: "n1",
            addr: addr(2).ip().into(),
            port: 7946,
            meta: b"",
            versions: Some(Versions::OURS),
        };
        world.forge(0, addr(2), &datagram(&Message::Alive(alive)));
        // It answers, and dies. Our own timers wait: a whole backlog of packets comes first.
        world.run_for(millis(100));
        world.kill(2);
        world.now = world.now + millis(900) + late;
        world.command(0, |swim, now| swim.handle(now, Input::Timeout));
        let to = Event::Moved { name: name(1), from: addr(1), to: addr(2) };
        assert_eq!(world.count(0, |e| *e == to), usize::from(moves), "{late:?} late");
        assert!(world.hosts[0].swim.claims.is_empty());
    }
}

#[test]
fn a_name_that_is_left_or_forgotten_meanwhile_is_free() {
    for left in [true, false] {
        let mut world = World::cluster(2, 1);
        world.kill(1);
        if !left {
            // Half a second before it is forgotten.
            assert!(world.run_until(secs(30), |w| w.losses(0, 1).len() == 1));
            world.run_for(millis(29_500));
        }
        let at = recreate(&mut world, 1, 0);
        world.run_for(millis(300));
        // Nothing more is heard of it: the claim alone must do.
        world.part(&[0], &[at]);
        if left {
            let dead = Dead { incarnation: 1, node: "n1", from: "n1" };
            world.forge(0, addr(1), &datagram(&Message::Dead(dead)));
            assert_eq!(world.losses(0, 1)[0].1, GoneWhy::Left);
        }
        // Its probes of the dead have made it doubt itself a little, and wait longer.
        assert!(world.run_until(secs(4), |w| holder(w, 0, "n1") == Some(addr(at))), "left: {left}");
    }
}
