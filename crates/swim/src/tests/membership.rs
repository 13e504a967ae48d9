//! Joining, leaving, coming back.

use super::world::{PORT, World, addr, config, datagram, millis, name, secs};
use crate::{Event, GoneWhy, Swim};
use muster_wire::Versions;
use muster_wire::memberlist::{Message, NodeState, Ping, Source};

#[test]
fn a_node_meets_itself_first() {
    let mut world = World::new(1);
    let at = world.add();
    let (_, first) = &world.hosts[at].events[0];
    assert!(matches!(first, Event::Joined(view) if *view.name == *name(at)));
    assert_eq!(world.incarnation(at, at), 1);
    assert!(!world.hosts[at].swim.has_peers());
}

#[test]
fn nodes_that_join_in_any_order_all_see_all() {
    for seed in 0..10 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut world = World::new(seed);
        for _ in 0..12 {
            world.add();
        }
        // A random tree: each joins through any other, in a random order, before or after that one has joined itself.
        let mut order: Vec<usize> = (1..12).collect();
        rng.shuffle(&mut order);
        for at in order {
            let through = rng.usize(0..at);
            world.join(at, through);
            world.run_for(millis(rng.u64(0..300)));
        }
        assert!(world.run_until(secs(40), World::all_see_all), "seed {seed}");
        for at in 0..12 {
            assert_eq!(world.count(at, |event| matches!(event, Event::Joined(_))), 12, "each joins once");
            assert_eq!(world.count(at, |event| matches!(event, Event::Gone { .. })), 0);
        }
    }
}

#[test]
fn a_join_tells_its_end_and_the_state_of_the_other_side() {
    let mut world = World::new(1);
    let (a, b) = (world.add(), world.add());
    world.join(b, a);
    world.run_for(millis(10));
    let received = |at: usize| {
        let mut kinds = world.hosts[at].events.iter().map(|(_, event)| event);
        let joined = kinds.position(|e| matches!(e, Event::Joined(view) if *view.name != *name(at)));
        assert!(joined.is_some());
        // After the membership events of the same exchange.
        kinds.find_map(|e| match e {
            Event::StateReceived { join, state } => Some((*join, state.clone())),
            _ => None,
        })
    };
    assert_eq!(received(a), Some((true, b"\x02state of n1".to_vec())));
    assert_eq!(received(b), Some((true, b"\x02state of n0".to_vec())));
    assert_eq!(
        world.count(b, |e| matches!(e, Event::Synced { join: true, with, .. } if *with == addr(a))),
        1
    );
}

#[test]
fn a_join_to_nobody_fails_in_words() {
    let mut world = World::new(1);
    let at = world.add();
    world.join(at, 99);
    world.run_for(secs(11));
    assert_eq!(
        world.count(
            at,
            |e| matches!(e, Event::SyncFailed { join: true, reason, .. } if reason == "connection refused")
        ),
        1
    );
}

#[test]
fn a_leave_is_seen_as_left_by_all_and_never_as_failed() {
    for (size, loss) in [(2, 0.0), (5, 0.1), (20, 0.1)] {
        let mut world = World::cluster(size, size as u64);
        world.loss = loss;
        world.command(1, Swim::leave);
        let told = world.run_until(secs(3), |w| w.count(1, |e| *e == Event::LeaveTold) == 1);
        assert!(told, "{size} nodes");
        world.run_for(secs(1));
        world.kill(1);
        world.run_for(secs(60));
        for at in (0..size).filter(|at| *at != 1) {
            let why: Vec<_> = world.losses(at, 1).into_iter().map(|(_, why)| why).collect();
            assert_eq!(why, [GoneWhy::Left], "n{at} of {size}");
        }
        assert_eq!(world.losses(1, 1).len(), 1, "we tell ourselves too");
        assert_eq!(world.count(1, |e| *e == Event::LeaveTold), 1);
    }
}

#[test]
fn a_lone_node_has_told_its_leave_at_once() {
    let mut world = World::new(1);
    let at = world.add();
    world.command(at, Swim::leave);
    assert_eq!(world.count(at, |e| *e == Event::LeaveTold), 1);
}

#[test]
fn a_leave_is_told_when_the_last_peer_dies_before_hearing_it() {
    let mut world = World::cluster(2, 1);
    world.kill(1);
    world.run_until(secs(5), |w| w.state(0, 1) == Some(NodeState::Suspect));
    world.part(&[0], &[1]);
    world.command(0, Swim::leave);
    world.run_for(secs(10));
    assert_eq!(world.count(0, |e| *e == Event::LeaveTold), 1);
}

#[test]
fn a_node_that_failed_and_turns_out_to_have_left_is_told_again() {
    let mut world = World::cluster(3, 1);
    world.part(&[0], &[1, 2]);
    world.command(1, Swim::leave);
    world.run_for(secs(2));
    world.kill(1);
    assert!(world.run_until(secs(40), |w| w.state(0, 1) == Some(NodeState::Dead)));
    world.heal();
    // n2 remembers the leave for 30 seconds; what it tells must reach n0 although n0 has its own opinion.
    let dead = muster_wire::memberlist::Dead { incarnation: 1, node: "n1", from: "n1" };
    world.forge(0, addr(2), &datagram(&Message::Dead(dead)));
    let why: Vec<_> = world.losses(0, 1).into_iter().map(|(_, why)| why).collect();
    assert_eq!(why, [GoneWhy::Failed, GoneWhy::Left]);
}

#[test]
fn a_restarted_node_is_alive_again_under_its_first_incarnations() {
    // At once, while the others still take it for alive; and when it has been found dead.
    for pause in [millis(100), secs(15)] {
        let mut world = World::cluster(5, 3);
        world.kill(2);
        world.run_for(pause);
        world.restart(2);
        world.join(2, 0);
        assert!(world.run_until(secs(5), World::all_see_all), "after {pause:?}");
        assert!(world.incarnation(0, 2) <= 2);
    }
}

#[test]
fn a_restarted_node_without_seeds_asks_whoever_probes_it() {
    for seed in 0..10 {
        let mut world = World::cluster(3, seed);
        // Until nobody has old news to tell by chance.
        world.run_for(secs(20));
        world.kill(0);
        world.restart(0);
        // A probe round or two: far less than until the next periodic exchange.
        assert!(world.run_until(secs(4), World::all_see_all), "seed {seed}");
    }
}

#[test]
fn strangers_pings_cause_one_exchange_per_probe_interval() {
    let mut world = World::cluster(1, 6);
    for seq_no in 0..100 {
        let stranger = name(20 + seq_no as usize);
        let source = Source { addr: addr(9).ip().into(), port: PORT, node: &stranger };
        let ping = Ping { seq_no, node: &name(0), source: Some(source) };
        world.forge(0, addr(9), &datagram(&Message::Ping(ping)));
    }
    let asked = |world: &World| world.count(0, |event| matches!(event, Event::StateWanted { .. }));
    assert_eq!(asked(&world), 1);
}

#[test]
fn a_node_gone_for_long_is_forgotten_and_starts_at_one_again() {
    let mut world = World::cluster(5, 3);
    world.kill(2);
    world.run_until(secs(30), |w| w.losses(0, 2).len() == 1);
    world.run_for(secs(32));
    assert_eq!(world.state(0, 2), None);
    world.restart(2);
    world.join(2, 0);
    assert!(world.run_until(secs(2), World::all_see_all));
    assert_eq!(world.incarnation(0, 2), 1);
}

#[test]
fn a_fast_restart_with_new_meta_shows_the_new_meta() {
    let mut world = World::cluster(4, 5);
    world.kill(2);
    world.hosts[2].config.meta = b"\xff\x81\xa1a\xa1b".to_vec();
    world.restart(2);
    world.join(2, 0);
    let meta = world.hosts[2].config.meta.clone();
    let shows = |w: &World, at: usize| w.hosts[at].swim.nodes.get("n2").is_some_and(|node| node.meta == meta);
    assert!(world.run_until(secs(3), |w| (0..4).all(|at| shows(w, at))));
}

#[test]
fn new_meta_is_an_update_everywhere_and_at_home() {
    let mut world = World::cluster(4, 5);
    world.command(1, |swim, now| swim.set_meta(now, b"\xff\x81\xa1x\xa1y".to_vec()));
    world.run_for(secs(2));
    for at in 0..4 {
        let updated =
            |e: &Event| matches!(e, Event::Updated(view) if &*view.name == "n1" && view.meta.len() == 6);
        assert_eq!(world.count(at, updated), 1, "n{at}");
    }
    world.command(1, |swim, now| swim.set_meta(now, vec![0; 513]));
    assert_eq!(world.incarnation(1, 1), 2, "too long: nothing changes");
}

#[test]
fn a_left_node_may_come_back_at_another_address() {
    let mut world = World::cluster(3, 8);
    world.command(2, Swim::leave);
    world.run_for(secs(3));
    world.kill(2);
    let mut moved = config(3, 8);
    moved.name = name(2);
    let at = world.add_with(moved);
    world.join(at, 0);
    world.run_for(secs(2));
    for other in 0..2 {
        let holder = world.hosts[other].swim.nodes.get("n2").unwrap().socket_addr();
        assert_eq!((holder, world.state(other, 2)), (addr(3), Some(NodeState::Alive)));
    }
}

#[test]
fn clusters_without_a_common_protocol_do_not_merge() {
    let mut world = World::cluster(2, 1);
    let mut stranger = config(2, 1);
    stranger.versions = Versions([1, 5, 2, 2, 5, 9]);
    let at = world.add_with(stranger);
    world.join(at, 0);
    world.run_for(secs(1));
    let why = "Node 'n2' delegate protocol version (9) is incompatible: [2, 5]";
    assert_eq!(world.count(at, |e| matches!(e, Event::SyncFailed { reason, .. } if reason == why)), 1);
    assert_eq!(world.count(0, |e| matches!(e, Event::Refused { reason, .. } if reason == why)), 1);
    assert_eq!((world.state(0, 2), world.state(2, 0)), (None, None));
}
