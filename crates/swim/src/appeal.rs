//! Nobody is found dead without having been told of the accusation.
//!
//! An accused member refutes as soon as it hears of the accusation, and it hears of it by gossip, as it is by gossip that
//! the accusers hear of its refutation. Both can fail it.
//!
//! When the accuser's datagrams are lost, which is also why its probes failed, each suspicion it begins may be told to
//! nobody: of a message told twelve times and lost four times in five, every fifteenth is. Then it waits to the end of the
//! longest timeout, alone, and the death it declares need reach one member only to reach all: a member in best health is
//! removed everywhere, until it refutes that. So the reference; and the larger the cluster, the rarer its other way out,
//! Lifeguard's buddy system, which tells the accused when its accuser happens to probe it again. Here the accuser says it to
//! the accused's face, once per probe interval, from the time at which a suspicion that others share would have ended.
//!
//! When thousands restart at once, there is more to tell than gossip carries in the time that a suspicion lasts, and
//! suspicions of lives that are over end in deaths of the next ones. Here each suspicion, whoever began it, ends with a
//! warning: a probe timeout before, the accused gets the accusation and a ping, and its refutation comes back with the ack.
//!
//! And a death that was refuted is not over for who missed the refutation, when gossip has carried it as often as it does: of
//! 5,000 after such a restart, six held one live member failed for up to half a minute, until an exchange with somebody. Here
//! whoever holds a member failed has a second look some seconds later: it is told of its death and pinged, once.
//!
//! To one that is really dead all this is a few dozen datagrams, one more from each member that does not hear of its death in
//! the last half second, and the second look of each.

use crate::gossip::encode;
use crate::suspicion::Notice;
use crate::timer::Timer;
use crate::{Slot, Swim};
use alloc::vec::Vec;
use core::time::Duration;
use muster_wire::memberlist::{Dead, Message, NodeState, Suspect};
use muster_wire::packet::PART_OVERHEAD;

/// A second look comes after once to twice this long: gossip of a refutation has then reached whom it reaches.
const SECOND_LOOK_AFTER: Duration = Duration::from_secs(5);

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
        self.tell_accused(slot);
        self.timers.set(Timer::Appeal(slot), self.now + self.config.profile.probe_interval);
    }

    /// How long before its end the accused is warned: longer while we are slow ourselves, since its answer may wait here.
    pub(crate) fn notice(&self) -> Notice {
        let least = self.config.profile.probe_timeout;
        match self.config.extensions.tell_accused {
            true => Notice { planned: self.awareness.scale(least), least },
            false => Notice::default(),
        }
    }

    /// Sets the clock for what is due next in a suspicion.
    pub(crate) fn await_refutation(&mut self, slot: Slot) {
        let notice = self.notice();
        if let Some(suspicion) = self.suspicions.get(&slot) {
            self.timers.set(Timer::Suspicion(slot), suspicion.due(notice));
        }
    }

    /// Warns the accused; false if it was before, or is not to be.
    pub(crate) fn warn(&mut self, slot: Slot) -> bool {
        let now = self.now;
        let warns = self.config.extensions.tell_accused
            && self.suspicions.get_mut(&slot).is_some_and(|suspicion| suspicion.warn(now));
        if warns {
            self.tell_accused(slot);
        }
        warns
    }

    /// It was found dead: we shall see whether it still is, when gossip has told of its refutation, if it lives. Not all of us at
    /// the same moment.
    pub(crate) fn plan_second_look(&mut self, slot: Slot) {
        if self.config.extensions.tell_accused {
            let pause = SECOND_LOOK_AFTER.mul_f64(1.0 + self.rng.f64());
            self.timers.set(Timer::SecondLook(slot), self.now + pause);
        }
    }

    /// Tells it that we hold it dead, if we still do.
    pub(crate) fn look_again(&mut self, slot: Slot) {
        let Some(node) = self.nodes.at(slot).filter(|node| node.state() == NodeState::Dead) else { return };
        let (incarnation, name) = (node.incarnation, node.name.clone());
        let own = self.name.clone();
        self.say_with_ping(slot, &name, &Message::Dead(Dead { incarnation, node: &name, from: &own }));
    }

    /// The accusation to its face.
    fn tell_accused(&mut self, slot: Slot) {
        let Some(node) = self.nodes.at(slot) else { return };
        let (incarnation, name, own) = (node.incarnation, node.name.clone(), self.name.clone());
        self.say_with_ping(slot, &name, &Message::Suspect(Suspect { incarnation, node: &name, from: &own }));
    }

    /// A message and a ping, whose ack brings the refutation that is newest there.
    fn say_with_ping(&mut self, slot: Slot, name: &str, message: &Message<'_>) {
        let Some(node) = self.nodes.at(slot) else { return };
        let (to, crc) = (node.socket_addr(), node.reads_crc());
        let seq_no = self.prober.next_seq_no();
        let mut parts = Vec::from([encode(message), self.ping(seq_no, name)]);
        // With the longest of names there is no room for a ping.
        let bytes: usize = parts.iter().map(|part| part.len() + PART_OVERHEAD).sum();
        if bytes > self.parts_budget() {
            parts.truncate(1);
        }
        self.send(to, &parts, crc);
    }
}
