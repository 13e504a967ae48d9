//! Large clusters that formed long ago.
//!
//! That thousands of hosts find each other is a story of its own, longer than most that are told of them afterwards: every
//! join goes by gossip to everyone, many times. Here each host simply knows the others.

use super::World;
use crate::host::Spec;
use muster_serf::{Announcement, Serf};
use std::sync::Arc;

impl World {
    /// These hosts, knowing each other, at time zero. Small clusters find each other by themselves: [`World::form`].
    pub fn acquainted(specs: impl IntoIterator<Item = Spec>, seed: u64) -> Self {
        let mut world = Self::new(seed);
        for spec in specs {
            let host = world.add(spec);
            world.start(host);
        }
        let own = |at: usize| {
            let us = world.serf(at).and_then(|serf| serf.member(&world.spec(at).name));
            us.map(|us| us.announced.clone())
        };
        let everyone: Vec<Arc<Announcement>> = (0..world.len()).filter_map(own).collect();
        for host in 0..world.len() {
            world.command(host, |serf: &mut Serf, now| serf.acquaint(now, &everyone));
            world.hosts[host].joined = true;
            // The square of the cluster, if they were kept.
            world.noticed.clear();
        }
        world
    }
}
