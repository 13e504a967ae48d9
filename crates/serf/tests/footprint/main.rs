//! What a member costs each node that knows it, with everything that belongs to it: index, spare room, what is left of
//! the burst in which it came. In a binary of its own, because every allocation of the process counts.

mod crowd;

use cap::Cap;
use crowd::{Core, Crowd};
use muster_serf::StreamId;
use std::alloc::System;
use std::time::Duration;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

const MEMBERS: usize = 10_000;
/// Longer than gossip needs to tell all of them.
const QUIET: Duration = Duration::from_secs(1200);

/// Bytes per member that a core keeps of members that another core of the process knows already.
fn bytes_per_member<C: Core>(crowd: &mut Crowd, new: impl Fn(&Crowd) -> C) -> usize {
    let mut learn = || {
        let before = MEMORY.allocated();
        let mut core = new(crowd);
        crowd.push_pull(&mut core, StreamId::Inbound(1));
        crowd.run(&mut core, QUIET);
        (MEMORY.allocated() - before, core)
    };
    let (first, _core) = learn();
    let (second, _core) = learn();
    assert!(first > second, "names and meta are shared: {first} and {second}");
    second / MEMBERS
}

#[test]
fn a_member_costs_at_most_96_bytes_in_swim_and_48_in_serf() {
    let mut crowd = Crowd::new(MEMBERS);
    let swim = bytes_per_member(&mut crowd, Crowd::swim);
    assert!(swim <= 96, "{swim} bytes in swim");
    let mut crowd = Crowd::new(MEMBERS);
    let both = bytes_per_member(&mut crowd, Crowd::serf);
    assert!(both - swim <= 48, "{} bytes in serf", both - swim);
}
