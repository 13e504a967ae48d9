//! News that somebody missed: a leave, or a refutation.
//!
//! A leave is told in a few packets, and the leaver is gone soon after. Whoever missed them all suspects it, and in the
//! end shows as failed what has left in good order. In the reference that stays so until a push/pull. Here whoever
//! hears the accusation and knows better answers the accuser.
//!
//! This layer forgets the gone within seconds, when accusations may still come for minutes; so the layer above, which
//! remembers them for a day, is asked, and says its own part first.
//!
//! Likewise who missed a refutation accuses a life that is over, and goes on until it declares a live member dead. In the
//! reference everybody ignores such an accusation, since it is refuted already. Here the accused tells the accuser so,
//! whichever way it heard of it; so does any other member that the accuser itself tells, since gossip may well miss the
//! accused: its few packets are soon sent, and the next exchange is far.
//!
//! And who is here after all, although an old message said that it left, does not hear of that: nobody gossips to those who
//! left. In the reference it finds out at its next exchange, and gets no traffic until then. Here whom it pings tells it.

use crate::gossip::encode;
use crate::nodes::Node;
use crate::pacer::Pacer;
use crate::{Event, Swim};
use alloc::string::String;
use alloc::sync::Arc;
use core::net::SocketAddr;
use core::time::Duration;
use muster_wire::memberlist::{Dead, Message, NodeState};

/// How often the same accuser is answered about the same node.
const PACE: Duration = Duration::from_secs(5);

/// Whom we answered about whom.
#[derive(Debug)]
pub(crate) struct Repairs(Pacer<(Arc<str>, String)>);

impl Default for Repairs {
    fn default() -> Self {
        Self(Pacer::new(PACE))
    }
}

impl Swim {
    /// Answers an accusation that `from` sent, if we know better; of a node that is not here any more the layer above may.
    pub(crate) fn heed_accusation(&mut self, from: SocketAddr, name: &str, by: &str, incarnation: u32) {
        // In a push/pull the accusation is in our own name; the answer to it is our state.
        if !self.config.extensions.leave_repair || by == &*self.name || by == name {
            return;
        }
        let is_alive = |node: &Node| node.state() == NodeState::Alive;
        if name == &*self.name || self.nodes.get(name).is_some_and(is_alive) {
            return self.correct(from, name, by, incarnation);
        }
        let left = |state, known| state == NodeState::Left && incarnation <= known;
        if self.nodes.get(name).is_some_and(|node| !left(node.state(), node.incarnation)) {
            return;
        }
        // Only members are answered: a packet names its accuser as it likes.
        let Some(accuser) = self.nodes.get(by).filter(|accuser| accuser.is_present()) else { return };
        let (by, at) = (accuser.name.clone(), accuser.socket_addr());
        if self.repairs.0.allows(self.now, (by.clone(), name.into())) {
            self.event(Event::GoneAccused { name: name.into(), incarnation, by: (*by).into(), at });
        }
    }

    /// Tells a member that accuses an earlier life of somebody that it lives on.
    fn correct(&mut self, from: SocketAddr, name: &str, by: &str, incarnation: u32) {
        let (Some(accuser), Some(accused)) = (self.nodes.get(by), self.nodes.get(name)) else { return };
        let at = accuser.socket_addr();
        // Of others only if the accuser itself says so: what it said a while ago it may know better by now, and gossip
        // carries that to everybody.
        let is_told = name == &*self.name || from == at;
        if !is_told || incarnation >= accused.incarnation || !accuser.is_present() || self.leave.has_begun() {
            return;
        }
        let alive = accused.announced.clone();
        let life = accused.incarnation;
        if self.repairs.0.allows(self.now, (accuser.name.clone(), name.into())) {
            self.send(at, &[encode(&Message::Alive(alive.alive(life)))], false);
        }
    }

    /// Tells a node that pings us although it is gone what we believe of it: if it does not leave, it refutes that.
    pub(crate) fn tell_gone(&mut self, at: SocketAddr, name: &str) {
        let Some(node) = self.nodes.get(name) else { return };
        if !self.config.extensions.greet_strangers || node.socket_addr() != at {
            return;
        }
        let by = if node.state() == NodeState::Left { node.name.clone() } else { self.name.clone() };
        let (name, incarnation) = (node.name.clone(), node.incarnation);
        if self.repairs.0.allows(self.now, (name.clone(), (*name).into())) {
            let dead = Dead { incarnation, node: &name, from: &by };
            self.send(at, &[encode(&Message::Dead(dead))], false);
        }
    }

    pub(crate) fn send_left(&mut self, to: SocketAddr, name: &str, incarnation: u32) {
        let dead = Dead { incarnation, node: name, from: name };
        self.send(to, &[encode(&Message::Dead(dead))], false);
    }
}
