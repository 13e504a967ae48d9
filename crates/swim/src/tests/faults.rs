//! Random faults by seed: what holds whatever happens.

use super::world::{World, millis, secs};
use crate::Event;

/// A cluster through ten faulty episodes, then calm.
fn ordeal(seed: u64) -> World {
    let mut rng = fastrand::Rng::with_seed(seed);
    let size = rng.usize(3..9);
    let mut world = World::cluster(size, seed);
    for _ in 0..10 {
        world.loss = rng.f64() * 0.5;
        world.latency = millis(rng.u64(0..300));
        let at = rng.usize(0..size);
        match rng.u8(0..5) {
            0 => world.kill(at),
            1 if !world.is_up(at) => {
                world.restart(at);
                world.join(at, (at + 1) % size);
            }
            2 => world.cut(at, rng.usize(0..size)),
            3 => {
                let split = rng.usize(1..size);
                let all: Vec<usize> = (0..size).collect();
                world.part(&all[..split], &all[split..]);
            }
            _ => world.heal(),
        }
        world.run_for(millis(rng.u64(0..20_000)));
    }
    world.heal();
    world.loss = 0.0;
    world.latency = millis(1);
    world
}

#[test]
fn whoever_is_alive_and_reachable_is_seen_alive_once_the_faults_stop() {
    for seed in 0..40 {
        let mut world = ordeal(seed);
        let size = world.hosts.len();
        // Halves that forgot each other are brought together as Serf's reconnect does.
        for at in 0..size {
            if world.is_up(at) {
                world.join(at, (at + 1) % size);
                world.join(at, (at + 2) % size);
            }
        }
        assert!(world.run_until(secs(120), World::all_see_all), "seed {seed}");
        world.run_for(secs(40));
        world.forget_history();
        world.run_for(secs(60));
        for at in (0..size).filter(|at| world.is_up(*at)) {
            let noise = |e: &Event| {
                !matches!(e, Event::StateWanted { .. } | Event::StateReceived { .. } | Event::Synced { .. })
            };
            assert_eq!(world.count(at, noise), 0, "seed {seed}: n{at} is not quiet");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_another() {
    let traces: Vec<String> = [7, 7, 8].map(|seed| ordeal(seed).trace).into();
    assert!(traces[0].len() > 100_000, "there is something to compare");
    assert!(traces[0] == traces[1]);
    assert!(traces[0] != traces[2]);
}

#[test]
fn a_calm_cluster_stays_calm_under_some_loss() {
    let mut world = World::cluster(10, 1);
    world.loss = 0.02;
    world.forget_history();
    world.run_for(secs(300));
    for at in 0..10 {
        assert_eq!(world.count(at, |e| matches!(e, Event::Gone { .. } | Event::Joined(_))), 0);
    }
}
