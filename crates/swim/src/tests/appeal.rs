//! Suspicions that nobody shares, and the last word of all.

use super::world::{World, addr, config, datagram, leaves, secs};
use crate::{Event, Extensions, Instant};
use muster_wire::memberlist::{Dead, Message, NodeState, Suspect};

const HOSTS: usize = 12;

/// Host 0 loses what it sends until it suspects somebody and its gossip of that is over; the suspect, and the world then.
fn suspected_in_silence(tell_accused: bool) -> (World, usize) {
    let mut world = World::new(1);
    for at in 0..HOSTS {
        // Not by probing it again.
        let extensions = Extensions { buddy_system: false, tell_accused, ..Extensions::ALL };
        world.add_with(crate::Config { extensions, ..config(at, 1) });
        if at > 0 {
            world.join(at, 0);
        }
    }
    assert!(world.run_until(secs(30), World::all_see_all));
    world.run_for(secs(10));
    world.forget_history();
    for other in 1..HOSTS {
        world.cut(0, other);
    }
    let suspects = |world: &World| world.count(0, |event| matches!(event, Event::Suspected { .. })) > 0;
    assert!(world.run_until(secs(10), suspects));
    let suspect = (1..HOSTS).find(|other| world.state(0, *other) == Some(NodeState::Suspect));
    // Told eight times, by three in each of five rounds a second, and with the next probe.
    world.run_for(secs(2));
    world.heal();
    world.forget_history();
    (world, suspect.unwrap())
}

fn losses(world: &World, of: usize) -> usize {
    (0..HOSTS).filter(|at| *at != of).map(|at| world.losses(at, of).len()).sum()
}

#[test]
fn who_alone_suspects_a_member_tells_it_and_nobody_loses_it() {
    let (mut world, suspect) = suspected_in_silence(true);
    let healed = world.now;
    world.run_for(secs(60));
    assert_eq!(losses(&world, suspect), 0);
    let accused = |to, bytes: &[u8]| to == addr(suspect) && leaves(bytes)[0].starts_with("Suspect");
    let told: Vec<_> =
        world.sent.iter().filter(|(from, to, bytes)| *from == 0 && accused(*to, bytes)).collect();
    assert!((1..=2).contains(&told.len()), "{} times until it answered", told.len());
    assert!(world.now > healed && healed > Instant::default());
}

#[test]
fn in_the_reference_all_lose_it() {
    let (mut world, suspect) = suspected_in_silence(false);
    world.run_for(secs(60));
    assert!(losses(&world, suspect) >= HOSTS / 2);
}

/// A cluster in which everyone hears from a stranger that host 3 is silent, and host 3 hears nothing by gossip: what it is
/// told by whom before its end.
fn accused_behind_its_back(tell_accused: bool) -> World {
    let mut world = World::new(1);
    for at in 0..HOSTS {
        let extensions = Extensions { buddy_system: false, tell_accused, ..Extensions::ALL };
        world.add_with(crate::Config { extensions, ..config(at, 1) });
        if at > 0 {
            world.join(at, 0);
        }
    }
    assert!(world.run_until(secs(30), World::all_see_all));
    world.run_for(secs(10));
    // Two accusers, so that nobody is alone with it.
    for by in ["n1", "n2"] {
        let suspect = Suspect { incarnation: 1, node: "n3", from: by };
        for host in (0..HOSTS).filter(|host| *host != 3) {
            world.forge(host, addr(9), &datagram(&Message::Suspect(suspect)));
        }
    }
    for other in (0..HOSTS).filter(|host| *host != 3) {
        world.cut(3, other);
    }
    // All of it was told and retold meanwhile, and whoever probed it suspects it too.
    world.run_for(secs(2));
    world.heal();
    world.forget_history();
    world
}

#[test]
fn a_suspicion_that_others_share_ends_with_a_warning_too() {
    let mut world = accused_behind_its_back(true);
    world.run_for(secs(60));
    assert_eq!(losses(&world, 3), 0);
    let mut world = accused_behind_its_back(false);
    world.run_for(secs(60));
    assert!(losses(&world, 3) >= HOSTS / 2, "or this shows nothing");
}

/// One that only host 1 holds dead: every other heard its refutation, and the accused heard nothing of the death.
fn dead_to_one(tell_accused: bool) -> World {
    let mut world = World::new(1);
    for at in 0..HOSTS {
        // Nobody finds out by an exchange, by a ping of the one that is held dead, or because others know better.
        let extensions =
            Extensions { tell_accused, greet_strangers: false, burst_sync: false, ..Extensions::ALL };
        let config = config(at, 1);
        let profile = crate::Profile { push_pull_interval: secs(3600), ..config.profile };
        world.add_with(crate::Config { extensions, profile, ..config });
        if at > 0 {
            world.join(at, 0);
        }
    }
    assert!(world.run_until(secs(30), World::all_see_all));
    world.run_for(secs(10));
    // What host 1 tells of it is lost, as is what it is told.
    for other in (0..HOSTS).filter(|host| *host != 1) {
        world.cut(1, other);
    }
    world.forge(1, addr(9), &datagram(&Message::Dead(Dead { incarnation: 1, node: "n3", from: "n2" })));
    world.run_for(secs(1));
    assert_eq!(world.state(1, 3), Some(NodeState::Dead));
    world.heal();
    world
}

#[test]
fn who_is_held_dead_by_one_that_missed_its_refutation_is_looked_at_again() {
    let mut world = dead_to_one(true);
    assert!(world.run_until(secs(15), |world| world.state(1, 3) == Some(NodeState::Alive)));
    let mut world = dead_to_one(false);
    assert!(
        !world.run_until(secs(15), |world| world.state(1, 3) == Some(NodeState::Alive)),
        "or this shows nothing"
    );
}
