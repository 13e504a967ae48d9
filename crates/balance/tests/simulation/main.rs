//! Everything at once, by many seeds: what must hold whatever the policy and whatever happens. A failing seed is run
//! again with `SEED=n`, and `SEEDS=n` runs more of them.

#[path = "../common/mod.rs"]
mod common;
mod world;

use muster_balance::{Algorithm, Balancer, Hint, Policy};
use std::collections::BTreeMap;
use world::World;

const STEPS: usize = 1_500;

fn seeds(count: u64) -> Vec<u64> {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse().ok());
    match number("SEED") {
        Some(seed) => vec![seed],
        None => (0..number("SEEDS").unwrap_or(count)).collect(),
    }
}

fn run(seed: u64) -> World {
    let mut world = World::new(seed);
    (0..STEPS).for_each(|_| world.step());
    world
}

/// Runs each seed, and names the one that failed.
fn each_seed(count: u64, check: impl Fn(u64) + std::panic::RefUnwindSafe) {
    for seed in seeds(count) {
        if std::panic::catch_unwind(|| check(seed)).is_err() {
            panic!("SEED={seed}");
        }
    }
}

#[test]
fn nobody_is_refused_while_somebody_could_serve_and_no_limit_is_broken() {
    each_seed(150, |seed| {
        let mut world = run(seed);
        world.end();
        let balancer = &world.balancer;
        assert_eq!(balancer.report("proxy").backends, [], "nothing is left behind");
        assert_eq!(balancer.draining(), 0);
        assert_eq!(
            (balancer.next_timeout(), balancer.next_check(), balancer.next_call()),
            (None, None, None)
        );
    });
}

#[test]
fn the_same_seed_makes_the_same_run() {
    each_seed(20, |seed| assert!(run(seed).log == run(seed).log));
    assert!(run(1).log != run(2).log);
}

#[test]
fn shares_are_right_once_all_is_well_again() {
    each_seed(60, |seed| {
        for algorithm in [Algorithm::RoundRobin, Algorithm::LeastConn, Algorithm::Random] {
            let mut world = run(seed);
            world.calm(algorithm);
            let slack = if algorithm == Algorithm::Random { 200 } else { 2 };
            let cycles = 10;
            for (got, weight) in world.shares(cycles * 280).into_iter().zip(1_usize..) {
                assert!(
                    got.abs_diff(10 * cycles * weight) <= slack,
                    "{algorithm:?}: {got} for weight {weight}0"
                );
            }
        }
    });
}

/// Requests of few keys come and end at random while backends come and go.
#[test]
fn hashed_load_never_exceeds_its_bound() {
    use common::*;
    each_seed(60, |seed| {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut balancer = Balancer::new(seed);
        let percent = rng.u16(100..200);
        let policy =
            Policy { algorithm: Algorithm::Hash, hash_bound_percent: Some(percent), ..Policy::default() };
        balancer.set_policy(ms(0), "web", &policy);
        let mut standings = [READY; 5];
        let mut loads: BTreeMap<_, u64> = BTreeMap::new();
        let mut open = Vec::new();
        for step in 0..800 {
            if step % 40 == 0 {
                standings[rng.usize(..5)] = if rng.bool() { READY } else { WITHDRAWN };
                let changes = balancer.apply(ms(step), &web(&standings));
                for choice in prove(&mut balancer, ms(step), &changes) {
                    balancer.evidence(ms(step), choice.key, muster_balance::Evidence::Answered);
                }
                for choice in balancer.due_trials(ms(step)) {
                    balancer.evidence(ms(step), choice.key, muster_balance::Evidence::Answered);
                }
            }
            let live: Vec<_> = (1..)
                .zip(standings)
                .filter(|(_, standing)| *standing == READY)
                .map(|(host, _)| addr(host))
                .collect();
            if !live.is_empty() && rng.u8(..10) < 6 {
                let hint = Hint { hash: Some(rng.u64(..4)), ..Hint::default() };
                let choice = goes(balancer.choose(ms(step), "web", hint, &[]));
                *loads.entry(choice.addr).or_default() += 1;
                open.push(choice);
                let all: u64 = live.iter().filter_map(|host| loads.get(host)).sum();
                let most = (all * u64::from(percent)).div_ceil(100 * live.len() as u64);
                assert!(
                    loads[&choice.addr] <= most,
                    "{} of {all} on one of {}",
                    loads[&choice.addr],
                    live.len()
                );
            } else if !open.is_empty() {
                let choice = open.swap_remove(rng.usize(..open.len()));
                balancer.finish(choice.key, muster_balance::Ended::Well);
                *loads.get_mut(&choice.addr).expect("it was sent there") -= 1;
            }
        }
    });
}
