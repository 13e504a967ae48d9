//! How fast the engine is: `cargo run --release -p muster-sim --example speed [HOSTS...]`.
#![expect(clippy::print_stdout, reason = "a measuring tool")]

use muster_sim::World;
use std::time::{Duration, Instant};

fn main() {
    let given: Vec<usize> = std::env::args().skip(1).filter_map(|count| count.parse().ok()).collect();
    for count in if given.is_empty() { vec![10, 100, 1000] } else { given } {
        let begun = Instant::now();
        let mut world = World::cluster(count, 1);
        let formed = begun.elapsed();
        measure(&mut world, "idle", formed);
        world.network.link.loss = 0.05;
        for host in 0..count / 20 {
            world.crash(host * 20 + 7);
        }
        measure(&mut world, "5 % lost, 5 % crashed", formed);
    }
}

fn measure(world: &mut World, what: &str, formed: Duration) {
    let virtual_time = Duration::from_secs(u64::try_from(200_000 / world.len()).unwrap_or(1).clamp(30, 3600));
    let (before, begun) = (world.counts(), Instant::now());
    world.run_for(virtual_time);
    let (after, took) = (world.counts(), begun.elapsed().as_secs_f64());
    println!(
        "{:6} hosts, {what}: {:.2} M events/s, {:.2} M datagrams/s, {:.0} node-seconds/s; formed in {formed:.1?}; right: {}",
        world.len(),
        u64_to_f64(after.steps - before.steps) / took / 1e6,
        u64_to_f64(after.packets - before.packets) / took / 1e6,
        virtual_time.as_secs_f64() * f64::from(u32::try_from(world.len()).unwrap_or(u32::MAX)) / took,
        world.is_right(),
    );
}

fn u64_to_f64(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
