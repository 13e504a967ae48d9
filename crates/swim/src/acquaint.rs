//! Knowing others without having been told: where a simulation begins with a cluster that formed long ago.

use crate::nodes::Node;
use crate::timer::Timer;
use crate::{Announcement, Event, Instant, Swim};
use alloc::sync::Arc;
use muster_wire::memberlist::NodeState;

impl Swim {
    /// Knows these nodes from now on, each alive and in its first life, as one who met them long ago does: nobody is told,
    /// and the next exchange is anywhere within its interval. We may be among them; nobody else may be known yet.
    ///
    /// For simulations. That thousands of nodes meet by gossip takes longer than anything worth seeing afterwards.
    pub fn acquaint(&mut self, now: Instant, nodes: &[Arc<Announcement>]) {
        self.advance(now);
        self.nodes.reserve(nodes.len());
        for announced in nodes {
            if announced.name == self.name {
                continue;
            }
            let mut node = Node::unheard(announced.clone());
            node.incarnation = 1;
            let slot = self.nodes.insert(node, &mut self.rng);
            self.nodes.set_state(slot, NodeState::Alive);
            self.event(Event::Joined(announced.clone()));
        }
        if self.others() > 0 {
            self.begin_rounds();
            let soon = self.push_pull_pause().mul_f64(self.rng.f64());
            self.timers.set(Timer::PushPull, self.now + soon);
        }
    }
}
