//! A known name at a new address: a container re-created under its old name, a second holder, or a forgery.
//!
//! memberlist refuses the new address until the old record is forgotten, which takes a minute. Here the claim is kept
//! aside while both addresses are asked whether they answer to the name:
//!
//! | the holder | the claimant | then |
//! |---|---|---|
//! | answers | | stays; the claim is told as a conflict and dropped |
//! | silent | silent | nothing: the holder will be found dead in the ordinary way |
//! | silent | answers | is taken in, if its incarnation is above the holder's |
//!
//! So one forged packet costs a probe and moves nobody. A new life begins to count at 1 again and may be below the
//! holder's incarnation. Only its owner may raise it, so it is asked to: in a push/pull that shows it its name as
//! suspect, which it refutes upwards. Neighbours that run memberlist still refuse it until they forget the holder; their
//! news are about the lower incarnation and void here, and nothing is said against them.

use crate::nodes::Node;
use crate::pacer::Pacer;
use crate::timer::Timer;
use crate::{Event, Instant, Slot, Swim};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use muster_wire::memberlist::{Alive, NodeState};
use muster_wire::{RawAddr, Versions};

/// Most claims at a time; with the limits on names and meta they take 256 KiB at most.
const CLAIMS_MAX: usize = 256;
/// How long a holder that answered is not asked again.
const BELIEVED_FOR: Duration = Duration::from_secs(5);
/// How long a claimant has to raise its incarnation: an exchange, and gossip to reach us.
const ASKED_FOR: Duration = Duration::from_secs(10);
/// How often a conflict about one name is told.
const CONFLICT_PACE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Both were asked.
    Asking { holder_answers: bool, claimant_answers: bool },
    /// The holder is silent, and the claimant is to raise its incarnation.
    Raising,
    /// The holder answered a moment ago.
    Refused,
}

/// An announcement kept aside.
#[derive(Debug)]
struct Claim {
    addr: RawAddr,
    port: u16,
    incarnation: u32,
    meta: Vec<u8>,
    versions: Versions,
    /// Who told it.
    from: SocketAddr,
    holder: SocketAddr,
    holder_seq_no: u32,
    claimant_seq_no: u32,
    /// Until when both were given time to answer.
    end: Instant,
    stage: Stage,
}

impl Claim {
    fn claimant(&self) -> SocketAddr {
        SocketAddr::new(self.addr.ip(), self.port)
    }

    fn is_of(&self, alive: &Alive<'_>) -> bool {
        self.addr == alive.addr && self.port == alive.port
    }

    fn renew(&mut self, alive: &Alive<'_>, versions: Versions) {
        self.incarnation = alive.incarnation;
        self.meta = alive.meta.to_vec();
        self.versions = versions;
    }
}

/// Claims being tried: one per name.
#[derive(Debug)]
pub(crate) struct Claims {
    by_name: BTreeMap<Arc<str>, Claim>,
    conflicts: Pacer<Arc<str>>,
}

impl Default for Claims {
    fn default() -> Self {
        Self { by_name: BTreeMap::new(), conflicts: Pacer::new(CONFLICT_PACE) }
    }
}

impl Claims {
    #[cfg(test)]
    pub(crate) fn holder_seq_no(&self, name: &str) -> u32 {
        self.by_name.get(name).map_or(0, |claim| claim.holder_seq_no)
    }

    #[cfg(test)]
    pub(crate) fn is_raising(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|claim| claim.stage == Stage::Raising)
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    pub(crate) fn is_known(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    pub(crate) fn is_undecided(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|claim| claim.stage != Stage::Refused)
    }

    /// An ack that may be one of ours, by datagram or stream.
    pub(crate) fn heard(&mut self, seq_no: u32) {
        for claim in self.by_name.values_mut() {
            match &mut claim.stage {
                Stage::Asking { holder_answers, claimant_answers } => {
                    *holder_answers |= claim.holder_seq_no == seq_no;
                    *claimant_answers |= claim.claimant_seq_no == seq_no;
                }
                // Late, and still not too late.
                Stage::Raising if claim.holder_seq_no == seq_no => claim.stage = Stage::Refused,
                Stage::Raising | Stage::Refused => {}
            }
        }
    }
}

impl Swim {
    /// An `alive` for a name that somebody else holds, or that we hold ourselves.
    pub(crate) fn on_claim(&mut self, from: SocketAddr, slot: Slot, alive: Alive<'_>, versions: Versions) {
        if !self.config.extensions.takeover {
            return self.refuse(from, "a known name at another address");
        }
        let Some(node) = self.nodes.at(slot) else { return };
        let (holder, known) = (node.announced.clone(), node.incarnation);
        if let Some(claim) = self.claims.by_name.get_mut(alive.node) {
            if claim.stage == Stage::Refused || !claim.is_of(&alive) || alive.incarnation < claim.incarnation
            {
                return;
            }
            claim.renew(&alive, versions);
            if claim.stage == Stage::Raising && alive.incarnation > known {
                self.take_over(&holder.name);
            }
            return;
        }
        if self.claims.by_name.len() >= CLAIMS_MAX {
            return self.refuse(from, "too many names claimed at new addresses");
        }
        let ours = slot == self.me;
        // As long as a probe: who is slow enough to be accused is slow enough to be replaced.
        let end = self.now + self.awareness.scale(self.config.profile.probe_interval);
        let claim = Claim {
            addr: alive.addr,
            port: alive.port,
            incarnation: alive.incarnation,
            meta: alive.meta.to_vec(),
            versions,
            from,
            holder: holder.socket_addr(),
            holder_seq_no: self.prober.next_seq_no(),
            claimant_seq_no: self.prober.next_seq_no(),
            end,
            // Whether we are here needs no asking.
            stage: Stage::Asking { holder_answers: ours, claimant_answers: false },
        };
        let name = &holder.name;
        self.send_directed(claim.claimant(), name, self.ping(claim.claimant_seq_no, name));
        if !ours {
            self.send_directed(claim.holder, name, self.ping(claim.holder_seq_no, name));
            if holder.answers_stream_pings() {
                self.ping_by_stream(claim.holder_seq_no, name, claim.holder, end);
            }
        }
        self.timers.set(Timer::Claim(name.clone()), end);
        self.claims.by_name.insert(name.clone(), claim);
    }

    /// Both had their time to answer, or what followed from it has had its own.
    pub(crate) fn claim_expired(&mut self, name: &Arc<str>) {
        let fresh = self.config.profile.probe_interval;
        let Some(claim) = self.claims.by_name.get_mut(name) else { return };
        match claim.stage {
            // We were too busy to look at our timers, so the answers are old, and who gave them may be dead by now. By then
            // the others may have forgotten that it is, and would believe us. Whoever still claims the name will say so again.
            Stage::Asking { .. } if self.now > claim.end + fresh => drop(self.claims.by_name.remove(name)),
            Stage::Asking { holder_answers: true, claimant_answers } => {
                claim.stage = Stage::Refused;
                let (holder, claimant) = (claim.holder, claim.claimant());
                self.timers.set(Timer::Claim(name.clone()), self.now + BELIEVED_FOR);
                if self.claims.conflicts.allows(self.now, name.clone()) {
                    self.event(Event::Conflict { name: (**name).into(), holder, claimant, claimant_answers });
                }
            }
            Stage::Asking { holder_answers: false, claimant_answers: true } => self.admit_claimant(name),
            Stage::Asking { .. } | Stage::Raising | Stage::Refused => drop(self.claims.by_name.remove(name)),
        }
    }

    /// The holder is silent and the claimant is there.
    fn admit_claimant(&mut self, name: &Arc<str>) {
        let holder = self.nodes.get(name);
        let Some(claim) = self.claims.by_name.get_mut(name) else { return };
        if holder.is_none_or(|node| is_free(node, claim) || claim.incarnation > node.incarnation) {
            return self.take_over(name);
        }
        claim.stage = Stage::Raising;
        let claimant = claim.claimant();
        self.timers.set(Timer::Claim(name.clone()), self.now + ASKED_FOR);
        self.ask_to_raise(claimant, name);
    }

    /// Hears the announcement again, now that nothing speaks against its address.
    fn take_over(&mut self, name: &Arc<str>) {
        self.timers.cancel(&Timer::Claim(name.clone()));
        let Some(claim) = self.claims.by_name.remove(name) else { return };
        let alive = Alive {
            incarnation: claim.incarnation,
            node: name,
            addr: claim.addr,
            port: claim.port,
            meta: &claim.meta,
            versions: Some(claim.versions),
        };
        let holder = self.nodes.find(name);
        let is_held = |slot: &Slot| self.nodes.at(*slot).is_some_and(|node| !is_free(node, &claim));
        let Some(slot) = holder.filter(is_held) else { return self.on_alive(claim.from, alive) };
        self.event(Event::Moved { name: (**name).into(), from: claim.holder, to: claim.claimant() });
        self.enliven(slot, alive, claim.versions);
    }

    /// We slept: silence meanwhile says nothing about the holders. Whoever still claims a name will say so again.
    pub(crate) fn drop_claims(&mut self) {
        for name in core::mem::take(&mut self.claims.by_name).into_keys() {
            self.timers.cancel(&Timer::Claim(name));
        }
    }
}

/// Whether the holder went elsewhere or left while it was being asked: then the ordinary rules hold again.
fn is_free(node: &Node, claim: &Claim) -> bool {
    node.socket_addr() != claim.holder || node.state() == NodeState::Left
}
