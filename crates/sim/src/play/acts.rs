//! What befalls the nodes, step by step. What makes no sense (to crash what is down) does nothing.

use super::{Action, Kind, Player, link};
use crate::scenario::{Layer, Node};
use crate::{Link, Pause, Spec};
use std::time::Duration;

impl Player<'_> {
    pub(super) fn act(&mut self, line: usize, action: &Action) {
        if let Action::Expect { what, within } = action {
            return self.expect(line, *what, *within);
        }
        self.say(Kind::Step, "--", action.to_string());
        if let Some(fault) = fault(action) {
            *self.outcome.faults.entry(fault).or_default() += 1;
        }
        let now = self.world.now();
        match action {
            Action::Crash(nodes) => self.each(nodes, |player, host| player.world.crash(host)),
            Action::Start { nodes, remembering } => {
                for node in nodes {
                    self.start(self.holders[node.0], *remembering);
                }
            }
            Action::Recreate(node) => self.recreate(*node),
            Action::Leave(nodes) => self.each(nodes, |player, host| player.world.leave(host)),
            Action::ForceLeave { node, by } => {
                let name = node.to_string();
                self.world.command(self.holders[by.0], |serf, now| serf.force_leave(now, &name, false));
            }
            Action::Pause { nodes, time, unnoticed, deaf } => {
                let pause = Pause { noticed: !unnoticed, hears: !deaf };
                self.each(nodes, |player, host| player.world.pause_for(host, pause, *time));
            }
            Action::Slow { node, delay } => self.world.slow(self.holders[node.0], *delay),
            Action::Cut { from, to, both_ways, udp_only } => {
                self.cut(*from, *to, *udp_only);
                if *both_ways {
                    self.cut(*to, *from, *udp_only);
                }
            }
            Action::Part(sides) => self.part(sides),
            Action::Lose { node, share } => {
                let port = self.world.network.port(self.holders[node.0]);
                (port.loss_in, port.loss_out) = (*share, *share);
            }
            Action::Link(conditions) => self.world.network.link = link(self.world.network.link, conditions),
            Action::Heal => {
                self.world.network.heal();
                self.world.network.link = self.link;
            }
            Action::Tag { node, tags } => self.world.set_tags(self.holders[node.0], tags.clone()),
            Action::Tell { node, name, payload } => {
                let host = self.holders[node.0];
                // Refused only when too long, which the parser saw to.
                let _ =
                    self.world.command(host, |serf, _| serf.user_event(now, name, payload.as_bytes(), false));
            }
            Action::Show { what: Layer::Events, on } => self.shows_events = *on,
            Action::Show { what: Layer::Wire, on } => {
                self.shows_wire = *on;
                self.world.tap(*on);
            }
            Action::Expect { .. } | Action::End => {}
        }
        self.show();
    }

    /// Does something to each of these that is up.
    fn each(&mut self, nodes: &[Node], act: impl Fn(&mut Self, usize)) {
        for node in nodes {
            let host = self.holders[node.0];
            if self.world.is_up(host) {
                act(self, host);
            }
        }
    }

    fn start(&mut self, host: usize, remembering: bool) {
        if self.world.is_up(host) {
            return;
        }
        if remembering {
            self.notes.invariants.remembers(host, self.world.lives(host) + 1);
            self.world.start_with_memory(host);
        } else {
            self.world.start(host);
        }
    }

    /// A new host with the node's name; the old one is gone.
    fn recreate(&mut self, node: Node) {
        let old = self.holders[node.0];
        self.world.crash(old);
        let spec = Spec { tags: self.world.tags(old).clone(), ..self.world.spec(old).clone() };
        let new = self.world.add(spec);
        self.holders[node.0] = new;
        // Seeds are names: they lead to where those live now.
        self.world.move_seed(old, new);
        self.world.start(new);
    }

    fn cut(&mut self, from: Node, to: Node, udp_only: bool) {
        let (from, to) = (self.holders[from.0], self.holders[to.0]);
        let path = self.world.network.path(from, to);
        path.udp_cut = true;
        path.tcp_cut |= !udp_only;
    }

    fn part(&mut self, sides: &[Vec<Node>]) {
        let of_host = |host: usize| {
            let side = sides.iter().position(|side| side.iter().any(|node| self.holders[node.0] == host));
            side.and_then(|side| u32::try_from(side).ok()).unwrap_or(0)
        };
        let all: Vec<u32> = (0..self.world.len()).map(of_host).collect();
        self.world.network.partition(|host| all[host]);
    }
}

/// The kind of fault an action is; none if it is none, or the end of one.
fn fault(action: &Action) -> Option<&'static str> {
    Some(match action {
        Action::Crash(_) => "crash",
        Action::Start { remembering: true, .. } => "restart with memory",
        Action::Start { remembering: false, .. } => "restart without memory",
        Action::Recreate(_) => "re-created at a new address",
        Action::Leave(_) => "leave",
        Action::ForceLeave { .. } => "force-leave",
        Action::Pause { unnoticed: true, .. } => "pause, unnoticed",
        Action::Pause { deaf: true, .. } => "pause, nothing heard",
        Action::Pause { .. } => "pause",
        Action::Slow { delay, .. } if *delay > Duration::ZERO => "slow node",
        Action::Cut { udp_only: true, .. } => "cut of UDP only",
        Action::Cut { both_ways: true, .. } => "cut between two",
        Action::Cut { .. } => "one-way cut",
        Action::Part(_) => "partition",
        Action::Lose { share, .. } if *share > 0.0 => "loss at a node",
        Action::Link(conditions) => {
            let after = link(Link::CALM, conditions);
            match after {
                _ if after.loss > 0.0 => "loss everywhere",
                _ if after.duplicate > 0.0 => "duplication",
                _ if after.late > 0.0 => "reordering",
                _ => "latency",
            }
        }
        Action::Tag { .. } => "tag change",
        Action::Tell { .. } => "user event",
        _ => return None,
    })
}
