//! What becomes of an `alive`, a `suspect`, a `dead`: SWIM's rules, in memberlist's order.
//!
//! An incarnation is the number of a life. Only its owner raises it, and news about an older life than the one we know
//! are void. Source: memberlist's state.go (`aliveNode`, `suspectNode`, `deadNode`, `refute`).

use crate::broadcast::Waiter;
use crate::nodes::{NODES_MAX, Node};
use crate::suspicion::Suspicion;
use crate::timer::Timer;
use crate::why::{Verdict, Way};
use crate::{Announcement, Event, GoneWhy, Slot, Swim};
use alloc::sync::Arc;
use core::net::SocketAddr;
use muster_wire::Versions;
use muster_wire::memberlist::{Alive, Dead, Message, NodeState, Suspect};
use muster_wire::tags::META_BYTES_MAX;

/// Longest name we accept. Twice what a host name may have, and short enough that name and meta fit one gossip packet.
const NAME_BYTES_MAX: usize = 512;

/// How far news may be ahead of the incarnation we know. It is raised by one at a time, so an honest gap is small; one
/// forged message with the highest number would silence its victim for good.
const INCARNATION_LEAP_MAX: u32 = 1 << 24;

/// How far our own leave has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Leave {
    #[default]
    Staying,
    /// Announced by the layer above; we are still a member.
    Preparing,
    /// Said; not yet told to everyone.
    Telling,
    /// Told.
    Told,
}

impl Leave {
    /// Whether every gossip round reaches as many as it can.
    pub(crate) fn hurries(self) -> bool {
        self != Self::Staying
    }

    /// Whether we count ourselves out.
    pub(crate) fn has_begun(self) -> bool {
        matches!(self, Self::Telling | Self::Told)
    }
}

impl Swim {
    /// A node speaks of itself, or somebody passes on what it said.
    pub(crate) fn on_alive(&mut self, from: SocketAddr, alive: Alive<'_>) {
        let slot = self.nodes.find(alive.node);
        self.on_alive_at(slot, from, alive);
    }

    /// The same when it is known where the node is, if it is.
    pub(crate) fn on_alive_at(&mut self, slot: Option<Slot>, from: SocketAddr, alive: Alive<'_>) {
        let ours = *alive.node == *self.name;
        if ours && self.leave.has_begun() {
            return;
        }
        let port = if alive.port == 0 { self.config.bind_port } else { alive.port };
        let alive = Alive { port, ..alive };
        let known = slot.and_then(|slot| Some((slot, self.nodes.at(slot)?)));
        let versions = match self.admit(&alive, known.map(|(_, node)| node)) {
            Ok(versions) => versions,
            Err(reason) => return self.refuse(from, reason),
        };
        let Some((slot, node)) = known else { return self.meet(from, alive, versions) };
        let moved = node.is_elsewhere(&alive);
        if moved && node.state() != NodeState::Left {
            return self.on_claim(from, slot, alive, versions);
        }
        if ours {
            let known = alive.incarnation == node.incarnation && node.is_repeated_by(&alive, versions);
            if alive.incarnation >= node.incarnation && !known {
                self.refute(alive.incarnation);
            }
        } else if moved || alive.incarnation > node.incarnation {
            self.enliven(slot, alive, versions);
        }
    }

    /// Whether an announcement can be taken at all.
    fn admit(&self, alive: &Alive<'_>, known: Option<&Node>) -> Result<Versions, &'static str> {
        check_name(alive.node)?;
        if alive.meta.len() > META_BYTES_MAX {
            return Err("meta longer than 512 bytes");
        }
        // The reference takes such a node in, and then fails every push/pull because of it.
        let versions = alive.versions.ok_or("alive without its six version bytes")?;
        let own = self.config.versions;
        if !versions.is_plausible() || !speaks(own, versions) || !speaks(versions, own) {
            return Err("protocol versions we have none in common with");
        }
        check_incarnation(known, alive.incarnation)?;
        Ok(versions)
    }

    /// An unknown name.
    fn meet(&mut self, from: SocketAddr, alive: Alive<'_>, versions: Versions) {
        if alive.incarnation == 0 {
            // Lives are counted from 1; a record starts at 0 and is only replaced by more.
            return;
        }
        if self.nodes.len() >= NODES_MAX {
            return self.refuse(from, "more nodes than we keep");
        }
        let announced = self.announced(alive.node.into(), &alive, versions);
        let slot = self.nodes.insert(Node::unheard(announced), &mut self.rng);
        self.enliven(slot, alive, versions);
    }

    /// What is announced, to be kept.
    fn announced(&self, name: Arc<str>, alive: &Alive<'_>, versions: Versions) -> Arc<Announcement> {
        self.config.share(Announcement {
            name,
            addr: alive.addr,
            port: alive.port,
            meta: alive.meta.to_vec(),
            versions,
        })
    }

    /// Takes over what another node says of itself.
    pub(crate) fn enliven(&mut self, slot: Slot, alive: Alive<'_>, versions: Versions) {
        let Some(node) = self.nodes.at(slot) else { return };
        let (was_gone, was_doubted) = (!node.is_present(), node.state() != NodeState::Alive);
        let changed = !node.is_repeated_by(&alive, versions);
        let announced = match changed {
            true => self.announced(node.name.clone(), &alive, versions),
            false => node.announced.clone(),
        };
        let Some(node) = self.nodes.at_mut(slot) else { return };
        node.incarnation = alive.incarnation;
        node.announced = announced.clone();
        if was_doubted {
            self.suspicions.remove(&slot);
            self.timers.cancel(&Timer::Suspicion(slot));
            self.timers.cancel(&Timer::Forget(slot));
            self.nodes.set_state(slot, NodeState::Alive);
            self.record_refutation(&announced.name, alive.incarnation);
        }
        self.tell(&announced.name, &Message::Alive(Alive { versions: Some(versions), ..alive }), None);
        if was_gone {
            self.begin_rounds();
        }
        if was_gone || changed {
            self.membership_changed();
            self.event(if was_gone { Event::Joined(announced) } else { Event::Updated(announced) });
        }
    }

    /// Somebody accuses a node of silence.
    pub(crate) fn on_suspect(&mut self, from: SocketAddr, suspect: Suspect<'_>, way: Way) {
        if let Err(reason) = self.check_verdict(suspect.node, suspect.from, suspect.incarnation) {
            return self.refuse(from, reason);
        }
        let Suspect { node, from: by, incarnation } = suspect;
        self.heed_accusation(from, node, by, incarnation);
        self.record_accusation(node, Verdict::Suspected, by, incarnation, way);
        self.accuse(suspect);
    }

    /// An accusation, by a peer or by our own probe.
    pub(crate) fn accuse(&mut self, suspect: Suspect<'_>) {
        let Some(slot) = self.nodes.find(suspect.node) else { return };
        let (members, now) = (self.nodes.len(), self.now);
        let Some(node) = self.nodes.at_mut(slot).filter(|node| suspect.incarnation >= node.incarnation)
        else {
            return;
        };
        let name = node.name.clone();
        if let Some(suspicion) = self.suspicions.get_mut(&slot) {
            if suspicion.confirm(suspect.from) {
                self.await_refutation(slot);
                // Passed on, so that independent accusations add up everywhere.
                self.tell(&name, &Message::Suspect(suspect), None);
            }
            return;
        }
        if node.state() != NodeState::Alive {
            return;
        }
        if slot == self.me {
            return self.refute(suspect.incarnation);
        }
        let mut suspicion = Suspicion::new(suspect.from, members, &self.config.profile, now);
        if !self.config.extensions.aware_suspicion {
            suspicion.fix();
        }
        node.incarnation = suspect.incarnation;
        self.nodes.set_state(slot, NodeState::Suspect);
        self.suspicions.insert(slot, suspicion);
        self.await_refutation(slot);
        self.tell(&name, &Message::Suspect(suspect), None);
        self.event(Event::Suspected { name: suspect.node.into(), by: suspect.from.into() });
    }

    /// The suspect did not refute in time.
    pub(crate) fn suspicion_expired(&mut self, slot: Slot) {
        if self.warn(slot) {
            return self.await_refutation(slot);
        }
        let Some(node) = self.nodes.at(slot) else { return };
        let (incarnation, name, own) = (node.incarnation, node.name.clone(), self.name.clone());
        self.record_accusation(&name, Verdict::FoundDead, &own, incarnation, Way::TimeUp);
        self.bury(Dead { incarnation, node: &name, from: &own });
    }

    /// Somebody says that a node is gone.
    pub(crate) fn on_dead(&mut self, from: SocketAddr, dead: Dead<'_>) {
        if let Err(reason) = self.check_verdict(dead.node, dead.from, dead.incarnation) {
            return self.refuse(from, reason);
        }
        let Dead { node, from: by, incarnation } = dead;
        self.heed_accusation(from, node, by, incarnation);
        if by != node {
            let way = Way::Gossip { from, teller: None };
            self.record_accusation(node, Verdict::FoundDead, by, incarnation, way);
        }
        self.bury(dead);
    }

    /// A verdict, by a peer, by the node itself, or by our own suspicion.
    fn bury(&mut self, dead: Dead<'_>) {
        let by_itself = dead.node == dead.from;
        let Some(slot) = self.nodes.find(dead.node) else { return };
        let Some(node) = self.nodes.at_mut(slot).filter(|node| dead.incarnation >= node.incarnation) else {
            return;
        };
        match node.state() {
            NodeState::Left => return,
            // The reference stops here in either case. A node found dead that in truth had left is worth telling: for
            // whoever sends it traffic the two are not the same.
            NodeState::Dead if !(by_itself && self.config.extensions.own_word) => return,
            _ => {}
        }
        let ours = slot == self.me;
        if ours && !self.leave.has_begun() {
            return self.refute(dead.incarnation);
        }
        let name = node.name.clone();
        node.incarnation = dead.incarnation;
        self.suspicions.remove(&slot);
        self.timers.cancel(&Timer::Suspicion(slot));
        let state = if by_itself { NodeState::Left } else { NodeState::Dead };
        self.nodes.set_state(slot, state);
        if !ours {
            self.membership_changed();
            let until = self.now + self.config.profile.gossip_to_the_dead_time;
            self.timers.set(Timer::Forget(slot), until);
            if !by_itself {
                self.plan_second_look(slot);
            }
        }
        self.tell(&name, &Message::Dead(dead), ours.then_some(Waiter::Leave));
        let why = if by_itself { GoneWhy::Left } else { GoneWhy::Failed };
        self.event(Event::Gone { name: (*name).into(), why });
        if self.others() == 0 {
            self.leave_told();
        }
    }

    /// Contradicts what was said of us, under an incarnation that beats it.
    fn refute(&mut self, accused: u32) {
        // Being accused hints at our own health.
        self.awareness.degrade(1);
        self.announce(accused);
        if let Some(me) = self.nodes.at(self.me) {
            let (name, incarnation) = (me.name.clone(), me.incarnation);
            self.record_refutation(&name, incarnation);
        }
    }

    /// Tells everyone what we are now, as a life above `beaten` and above the current one.
    pub(crate) fn announce(&mut self, beaten: u32) {
        let Some(me) = self.nodes.at_mut(self.me) else { return };
        me.incarnation = me.incarnation.max(beaten).saturating_add(1);
        let (announced, incarnation) = (me.announced.clone(), me.incarnation);
        self.tell(&announced.name, &Message::Alive(announced.alive(incarnation)), None);
    }

    /// Declares ourselves gone.
    pub(crate) fn say_goodbye(&mut self) {
        let name = self.name.clone();
        let incarnation = self.nodes.at(self.me).map_or(0, |me| me.incarnation);
        self.bury(Dead { incarnation, node: &name, from: &name });
    }

    /// Our leave is known, or nobody is left to know it.
    pub(crate) fn leave_told(&mut self) {
        if self.leave == Leave::Telling {
            self.leave = Leave::Told;
            self.event(Event::LeaveTold);
        }
    }

    fn check_verdict(&self, node: &str, from: &str, incarnation: u32) -> Result<(), &'static str> {
        check_name(node)?;
        check_name(from)?;
        check_incarnation(self.nodes.get(node), incarnation)
    }
}

fn check_incarnation(known: Option<&Node>, said: u32) -> Result<(), &'static str> {
    let believable = match known {
        Some(known) => known.incarnation.saturating_add(INCARNATION_LEAP_MAX),
        None => u32::MAX - INCARNATION_LEAP_MAX,
    };
    if said > believable {
        return Err("incarnation leaps beyond belief");
    }
    Ok(())
}

/// Whether `a` understands what `b` speaks, in memberlist's and Serf's protocols.
fn speaks(a: Versions, b: Versions) -> bool {
    (a.protocol_min()..=a.protocol_max()).contains(&b.protocol())
        && (a.delegate_min()..=a.delegate_max()).contains(&b.delegate())
}

fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("empty node name");
    }
    if name.len() > NAME_BYTES_MAX {
        return Err("node name longer than 512 bytes");
    }
    Ok(())
}
