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
//! reference the accused ignores such an accusation, since it has refuted it already. Here it tells the accuser so.

use crate::gossip::encode;
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
    /// Tells the layer above if somebody accuses a node that is not here any more.
    pub(crate) fn heed_accusation(&mut self, name: &str, by: &str, incarnation: u32) {
        if name == &*self.name {
            return self.correct(by, incarnation);
        }
        // In a push/pull the accusation is in our own name; the answer to it is our state.
        if !self.config.extensions.leave_repair || by == &*self.name || by == name {
            return;
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

    /// Tells a member that accuses an earlier life of ours that we are alive.
    fn correct(&mut self, by: &str, incarnation: u32) {
        let (Some(accuser), Some(me)) = (self.nodes.get(by), self.nodes.at(self.me)) else { return };
        let is_over = incarnation < me.incarnation && !self.leave.has_begun();
        if !self.config.extensions.leave_repair || !is_over || !accuser.is_present() || by == &*self.name {
            return;
        }
        let (at, alive) = (accuser.socket_addr(), me.announced.alive(me.incarnation));
        let alive = encode(&Message::Alive(alive));
        if self.repairs.0.allows(self.now, (accuser.name.clone(), self.name.as_ref().into())) {
            self.send(at, &[alive], false);
        }
    }

    pub(crate) fn send_left(&mut self, to: SocketAddr, name: &str, incarnation: u32) {
        let dead = Dead { incarnation, node: name, from: name };
        self.send(to, &[encode(&Message::Dead(dead))], false);
    }
}
