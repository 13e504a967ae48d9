//! Clusters that have found each other, however large.

use crate::views::Views;
use muster_serf::Extensions;
use muster_sim::{Spec, World};
use std::ops::Range;
use std::time::Duration;

/// Hosts started at one instant.
const AT_ONCE: usize = 50;

/// In which probes, exchanges and looks after seeds come out of step.
const SETTLES: Duration = Duration::from_secs(20);

/// Which rules the hosts of a cluster follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rules {
    /// All of them ours.
    Muster,
    /// All of them the reference's.
    Stock,
    /// Every other host the reference's.
    Half,
}

impl Rules {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Muster => "Muster",
            Self::Half => "half Muster, half stock rules",
            Self::Stock => "stock rules",
        }
    }

    fn extensions(self, host: usize) -> Extensions {
        match self {
            Self::Muster => Extensions::ALL,
            Self::Stock => Extensions::MEMBERLIST,
            Self::Half if host.is_multiple_of(2) => Extensions::ALL,
            Self::Half => Extensions::MEMBERLIST,
        }
    }
}

/// Hosts `n1`, `n2`, ..., each with the first three of the others as its seeds.
fn specs(count: usize, extensions: impl Fn(usize) -> Extensions) -> impl Iterator<Item = Spec> {
    (0..count).map(move |host| {
        let seeds = (0..3.min(count)).filter(|seed| *seed != host).collect();
        let name = format!("n{}", host + 1);
        Spec { seeds, extensions: extensions(host), ..Spec::named(name) }
    })
}

/// Such hosts, all of them down.
pub(crate) fn down(count: usize, seed: u64, extensions: impl Fn(usize) -> Extensions) -> (World, Views) {
    let mut world = World::new(seed);
    for spec in specs(count, extensions) {
        world.add(spec);
    }
    (world, Views::nobody(count))
}

/// The same, up and knowing each other for long.
pub(crate) fn formed(count: usize, seed: u64, rules: Rules) -> (World, Views) {
    formed_with(count, seed, |host| rules.extensions(host))
}

/// The same with rules of one's own.
pub(crate) fn formed_with(
    count: usize,
    seed: u64,
    extensions: impl Fn(usize) -> Extensions,
) -> (World, Views) {
    let mut world = World::acquainted(specs(count, extensions), seed);
    let mut views = Views::whole(count);
    views.run_until(&mut world, SETTLES, |_, _| false);
    assert!(views.not_whole() == 0, "nobody doubts anybody in a calm cluster of {count}, with seed {seed}");
    (world, views)
}

/// Starts hosts that know nobody, evenly over a time.
pub(crate) fn start_spread(world: &mut World, views: &mut Views, hosts: Range<usize>, over: Duration) {
    views.set_up(hosts.clone(), true);
    let pause = over.mul_f64(AT_ONCE as f64 / hosts.len().max(AT_ONCE) as f64);
    for some in in_turn(hosts, AT_ONCE) {
        some.for_each(|host| world.start(host));
        views.run_until(world, pause, |_, _| false);
    }
}

fn in_turn(hosts: Range<usize>, at_once: usize) -> impl Iterator<Item = Range<usize>> {
    let end = hosts.end;
    hosts.step_by(at_once).map(move |first| first..(first + at_once).min(end))
}
