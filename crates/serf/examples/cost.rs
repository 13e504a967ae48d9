//! What 10,000 members cost one node: `cargo run --release -p muster-serf --example cost [MEMBERS]`.
#![expect(clippy::print_stdout, reason = "a measuring tool")]

#[path = "../tests/footprint/crowd.rs"]
mod crowd;

use cap::Cap;
use crowd::{Core, Crowd};
use muster_serf::StreamId;
use std::alloc::System;
use std::time::{Duration, Instant};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

fn main() {
    let members = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(10_000);
    measure("swim", members, Crowd::swim);
    measure("serf", members, Crowd::serf);
}

fn measure<C: Core>(name: &str, members: usize, new: impl Fn(&Crowd) -> C) {
    let mut crowd = Crowd::new(members);
    println!("{name}, {members} members, a state of {} KiB", crowd.state.len() >> 10);
    let mut first = new(&crowd);
    crowd.push_pull(&mut first, StreamId::Inbound(1));
    crowd.run(&mut first, Duration::from_secs(1200));

    let before = MEMORY.allocated();
    let mut core = new(&crowd);
    let took = time(|| crowd.push_pull(&mut core, StreamId::Inbound(1)));
    println!("  all members new, in one push/pull: {took:.1?}");
    let (packets, begun) = (crowd.packets, Instant::now());
    crowd.run(&mut core, Duration::from_secs(60));
    let packets = u32::try_from(crowd.packets - packets).unwrap_or(u32::MAX).max(1);
    println!("  telling of them: {:.1?} per datagram", begun.elapsed() / packets);
    crowd.run(&mut core, Duration::from_secs(1200));
    println!("  kept: {} bytes per member", (MEMORY.allocated() - before) / members);

    let took = time(|| crowd.push_pull(&mut core, StreamId::Inbound(2)));
    println!("  nothing new, in one push/pull: {took:.1?}");
    let minutes = 100;
    let timeouts = crowd.timeouts;
    let took = time(|| crowd.run(&mut core, Duration::from_secs(60 * u64::from(minutes))));
    println!("  idle: {} timeouts and {:.1?} per minute", (crowd.timeouts - timeouts) / 100, took / minutes);
}

fn time(what: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    what();
    begun.elapsed()
}
