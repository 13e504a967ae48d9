//! Clusters that have found each other, however large.

use crate::views::Views;
use muster_serf::{Extensions, Profile};
use muster_sim::{Spec, World, address};
use std::ops::Range;
use std::time::Duration;

/// Hosts started at one instant.
const AT_ONCE: usize = 50;

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
    pub(crate) const ALL: [Self; 3] = [Self::Muster, Self::Half, Self::Stock];

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

/// Hosts `n1`, `n2`, ... that are down, each with the first three of the others as its seeds.
pub(crate) fn down(count: usize, seed: u64, extensions: impl Fn(usize) -> Extensions) -> (World, Views) {
    let mut world = World::new(seed);
    for host in 0..count {
        let seeds = (0..3.min(count)).filter(|seed| *seed != host).collect();
        let name = format!("n{}", host + 1);
        world.add(Spec { seeds, extensions: extensions(host), ..Spec::named(name) });
    }
    (world, Views::nobody(count))
}

/// The same, up and knowing each other; the news of it has died down.
pub(crate) fn formed(count: usize, seed: u64, rules: Rules) -> (World, Views) {
    formed_with(count, seed, |host| rules.extensions(host))
}

/// The same with rules of one's own.
///
/// Gossip would carry every join to everyone, sixteen times over from each in a cluster of thousands, which takes longer
/// than anything measured afterwards. So each asks the first host twice, before and after all others have, and tells what it
/// learns only once.
pub(crate) fn formed_with(
    count: usize,
    seed: u64,
    extensions: impl Fn(usize) -> Extensions,
) -> (World, Views) {
    let (mut world, mut views) = down(count, seed, extensions);
    views.set_up(0..count, true);
    let brief = Profile { retransmit_mult: 0, ..Profile::LAN };
    for some in in_turn(0..count, AT_ONCE) {
        for host in some {
            world.start(host);
            world.command(host, |serf, _| serf.set_profile(brief));
        }
        views.run_until(&mut world, Duration::from_millis(100), |_, _| false);
    }
    for some in in_turn(1..count, AT_ONCE) {
        for host in some {
            world.command(host, |serf, now| serf.join(now, address::of(0), true));
        }
        views.run_until(&mut world, Duration::from_millis(100), |_, _| false);
    }
    for host in 0..count {
        world.command(host, |serf, _| serf.set_profile(Profile::LAN));
    }
    let whole = views.run_until(&mut world, Duration::from_secs(1200), |views, _| views.not_whole() == 0);
    assert!(whole, "a calm cluster of {count} becomes whole, with seed {seed}");
    views.run_until(&mut world, Duration::from_secs(20), |_, _| false);
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
