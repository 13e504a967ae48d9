//! What went wrong for others, and must not here: tests named after the upstream issues.

use muster_serf::{Input, Profile, Serf, Status};
use muster_sim::{Spec, World};
use muster_wire::memberlist::{Dead, Message};
use muster_wire::stream::Inbound;
use std::collections::BTreeSet;
use std::time::Duration;

/// Serf's ReconnectTimeout and TombstoneTimeout.
const REAPED_AFTER: Duration = hours(24);

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

/// Whom a host knows, present or gone.
fn known(world: &World, host: usize) -> BTreeSet<String> {
    let members = world.serf(host).into_iter().flat_map(Serf::members);
    members.map(|member| member.name.to_string()).collect()
}

/// Hosts of the same names as these at new addresses, while the names still lead to the old ones.
fn recreate_all(world: &mut World, old: &[usize]) -> Vec<usize> {
    let create = |&old: &usize| {
        let spec = Spec { tags: world.tags(old).clone(), ..world.spec(old).clone() };
        let new = world.add(spec);
        world.start(new);
        new
    };
    old.iter().map(create).collect()
}

/// "My cluster decays after global outage": agents remember addresses of the living, and after an outage of everything there
/// are none (hashicorp/serf#333). Here even every address is another, and memory is of no use.
#[test]
fn serf_333_a_cluster_outlives_an_outage_that_changed_every_address() {
    for seed in 0..5 {
        let mut world = World::cluster(7, seed);
        let old: Vec<usize> = (0..7).collect();
        old.iter().for_each(|host| world.crash(*host));
        world.run_for(secs(60));
        let new = recreate_all(&mut world, &old);
        world.run_for(secs(120));
        assert!(new.iter().all(|host| known(&world, *host).len() == 1), "nobody can be found as yet");
        // The seeds' names are resolved anew each time; from now on they lead to where those live.
        old.iter().zip(&new).for_each(|(old, new)| world.move_seed(*old, *new));
        assert!(world.run_until(secs(30), World::is_right), "seed {seed}: {:?}", world.first_wrong());
    }
}

/// The same where they were, with what they remember and without.
#[test]
fn serf_333_a_cluster_outlives_an_outage_of_everything() {
    for seed in 0..5 {
        let mut world = World::cluster(7, seed);
        (0..7).for_each(|host| world.crash(host));
        world.run_for(secs(600));
        for host in 0..7 {
            if host % 2 == 0 {
                world.start(host);
            } else {
                world.start_with_memory(host);
            }
            world.run_for(secs(3));
        }
        assert!(world.run_until(secs(30), World::is_right), "seed {seed}: {:?}", world.first_wrong());
    }
}

/// How many members the largest push/pull of a time tells of.
fn most_told(world: &mut World, time: Duration) -> usize {
    world.tap(true);
    world.run_for(time);
    let passages = world.take_passages();
    world.tap(false);
    let told = |bytes: &Vec<u8>| {
        let mut plain = Vec::new();
        match Inbound::decode(bytes, &mut plain) {
            Ok(Inbound::PushPull(exchange)) => exchange.nodes().count(),
            _ => 0,
        }
    };
    passages.iter().filter(|passage| passage.stream).map(|passage| told(&passage.bytes)).max().unwrap_or(0)
}

/// Members that left stayed in every push/pull for ever, until it was too large for anybody to join
/// (hashicorp/memberlist#253).
#[test]
fn memberlist_253_who_left_is_forgotten_as_who_failed() {
    let mut world = World::cluster(3, 1);
    for nth in 0..40 {
        let spec = Spec { seeds: vec![0, 1], ..Spec::named(format!("passing-{nth}")) };
        let host = world.add(spec);
        world.start(host);
        world.run_for(secs(5));
        if nth % 2 == 0 { world.leave(host) } else { world.crash(host) }
    }
    world.run_for(secs(120));
    assert_eq!(most_told(&mut world, secs(120)), 3, "a push/pull tells of the present only");
    assert_eq!(known(&world, 0).len(), 43, "operators see for a day who was there");
    world.run_for(REAPED_AFTER);
    for host in 0..3 {
        assert_eq!(known(&world, host).len(), 3);
    }
    assert!(world.is_right());
}

/// In a mass restart the word that a node is dead, at a high incarnation, comes to somebody who has just met it in its new life
/// at a low one. It is told on, and gets to nobody who could tell the node, which stays dead there
/// (hashicorp/memberlist#311).
#[test]
fn memberlist_311_a_death_of_a_former_life_is_refuted_though_gossip_of_it_is_lost() {
    for seed in 0..5 {
        // In a large cluster the next exchange is minutes away.
        let profile = Profile { push_pull_interval: hours(1), ..Profile::LAN };
        let mut world = World::cluster_of(20, seed, |spec| Spec { profile, ..spec });
        for host in 0..20 {
            world.crash(host);
            world.start(host);
        }
        assert!(world.run_until(secs(60), World::is_right), "seed {seed}");
        world.run_for(secs(10));
        let mut old = Vec::new();
        Message::Dead(Dead { incarnation: 100, node: "n8", from: "n1" }).encode(&mut old);
        // Nothing of what it says gets through until it has said it as often as it does.
        world.network.port(2).loss_out = 1.0;
        let from = "10.0.0.1:7946".parse().unwrap();
        world.command(2, |serf, now| serf.handle(now, Input::Packet { from, bytes: &old }));
        assert_eq!(world.status(2, 7), Some(Status::Failed));
        world.run_for(secs(2));
        world.network.port(2).loss_out = 0.0;
        assert!(world.run_until(secs(25), World::is_right), "seed {seed}: {:?}", world.first_wrong());
    }
}

/// The same without a forged word: nodes that lived long go down and come back in any order, again and again.
#[test]
fn memberlist_311_a_mass_restart_in_any_order_ends_with_everybody_seeing_everybody() {
    for seed in 0..2 {
        let mut world = World::cluster(30, seed);
        for version in 0..20 {
            for host in 0..30 {
                world.set_tags(host, [("version".to_owned(), version.to_string())].into());
            }
            world.run_for(secs(1));
        }
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..3 {
            let mut order: Vec<usize> = (0..30).collect();
            rng.shuffle(&mut order);
            for host in order {
                world.crash(host);
                // Some are back before anybody misses them, others are found dead by those who are about to go.
                world.run_for(Duration::from_millis(rng.u64(0..1500)));
                world.start(host);
            }
        }
        assert!(world.run_until(secs(60), World::is_right), "seed {seed}: {:?}", world.first_wrong());
    }
}

/// A partition that lasts until each half has reaped the other, and nobody asks after anybody there any more
/// (hashicorp/serf#605). The seeds unite them, which are sought for ever.
#[test]
fn serf_605_halves_that_forgot_each_other_unite_when_the_network_heals() {
    let mut world = World::cluster(4, 1);
    world.network.partition(|host| u32::from(host % 2 == 1));
    world.run_for(secs(60));
    assert!(world.status(0, 1) == Some(Status::Failed) && world.status(1, 0) == Some(Status::Failed));
    world.run_for(REAPED_AFTER);
    for host in 0..4 {
        assert_eq!(known(&world, host).len(), 2, "host {host} has forgotten the other half");
    }
    world.run_for(hours(2));
    world.network.heal();
    assert!(world.run_until(secs(60), World::is_right), "{:?}", world.first_wrong());
}
