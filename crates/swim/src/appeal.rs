//! A suspicion that nobody shares is told to the accused, until it answers.
//!
//! An accused member refutes as soon as it hears of the accusation, and it hears of it by gossip. When the accuser's
//! datagrams are lost, which is also why its probes failed, each suspicion it begins may be told to nobody: of a message told
//! twelve times and lost four times in five, every fifteenth is. Then it waits to the end of the longest timeout, alone, and
//! the death it declares need reach one member only to reach all: a member in best health is removed everywhere, until it
//! refutes that. So the reference; and the larger the cluster, the rarer its other way out, Lifeguard's buddy system, which
//! tells the accused when its accuser happens to probe it again.
//!
//! Here the accuser says it to the accused's face, once per probe interval, from the time at which a suspicion that others
//! share would have ended. To one that is really dead that is a few dozen datagrams.

use crate::gossip::encode;
use crate::timer::Timer;
use crate::{Slot, Swim};
use muster_wire::memberlist::{Message, Suspect};

impl Swim {
    /// Our probe of that member failed: sees to it that it will hear so.
    pub(crate) fn plan_appeal(&mut self, slot: Slot) {
        let lonely = self.suspicions.get(&slot).and_then(|suspicion| suspicion.lonely_from(&self.name));
        if let Some(from) = lonely.filter(|_| self.config.extensions.tell_accused) {
            self.timers.set(Timer::Appeal(slot), from);
        }
    }

    /// Tells it, if still nobody but us suspects it.
    pub(crate) fn appeal(&mut self, slot: Slot) {
        let suspicion = self.suspicions.get(&slot);
        if suspicion.and_then(|suspicion| suspicion.lonely_from(&self.name)).is_none() {
            return;
        }
        let Some(node) = self.nodes.at(slot) else { return };
        let (to, crc) = (node.socket_addr(), node.reads_crc());
        let suspect = Suspect { incarnation: node.incarnation, node: &node.name, from: &self.name };
        let suspect = encode(&Message::Suspect(suspect));
        self.send(to, &[suspect], crc);
        self.timers.set(Timer::Appeal(slot), self.now + self.config.profile.probe_interval);
    }
}
