//! The member table: what swim sees and what intents announce, made into Serf's statuses.
//!
//! The rules are the reference's (serf.go, handleNodeJoin to handleNodeJoinIntent) with differences, because balancers
//! act on what we say:
//! - A node that tells swim itself that it left is `left` even when its leave intent has not arrived. The reference
//!   shows it as failed until then.
//! - A peer that remembers a node as left does not make an alive one leaving ([`Members::left_elsewhere`]), and any
//!   intent about us that is newer than our own last word is refuted. In the reference a node that came back can stay
//!   leaving in a member's eyes for the rest of its life: the member hears an outdated "left" with a time higher than
//!   the node's own, and the node never hears of it.
//! - Who is alive a minute after it was to leave stays.
//! - A leave intent that is taken back is told ([`Event::Staying`]).
//! - A prune waits for a leaving member without holding anything up, and a member that stays after all is not pruned.

use crate::intents::{Intent, Intents};
use crate::memory::Memory;
use crate::snapshot::NODES_MAX;
use crate::{Event, Instant, Member, MemberEvent, Status};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use muster_swim::{Announcement, ByName, GoneWhy, Slot, Timers};
use muster_wire::serf::{JoinIntent, LeaveIntent};

/// How long a leave may take: five times what Serf's own defaults allow. Who is alive after that stays.
const LEAVING_MAX: Duration = Duration::from_secs(60);

/// What an intent was to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    /// Nothing: not passed on.
    Old,
    /// News, to be passed on.
    New,
    /// Somebody knows something newer about us than we said: to be refuted, not passed on.
    AboutUs,
}

/// How many members are in the states that `info` and reconnecting count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Count {
    pub(crate) all: usize,
    pub(crate) failed: usize,
    pub(crate) left: usize,
}

/// What can be due for a leaving member.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Due {
    /// It is to be forgotten.
    Prune(Slot),
    /// It should have left.
    Stay(Slot),
}

/// Everyone we know, by name, and what we heard of those we do not know yet.
#[derive(Debug)]
pub(crate) struct Members {
    own: String,
    known: ByName<Member>,
    failed: BTreeSet<Slot>,
    left: usize,
    intents: Intents,
    timers: Timers<Due>,
    /// When gone members have been gone for long; whoever is gone has one.
    reaps: Timers<Slot>,
    /// How long a leaving member to be pruned is given to leave.
    prune_delay: Duration,
    memory: Memory,
    events: Vec<Event>,
}

impl Members {
    /// Nobody yet; we are `own`.
    pub(crate) fn new(own: String, prune_delay: Duration, memory: Memory, seed: u64) -> Self {
        Self {
            own,
            known: ByName::new(seed),
            failed: BTreeSet::new(),
            left: 0,
            intents: Intents::default(),
            timers: Timers::default(),
            reaps: Timers::default(),
            prune_delay,
            memory,
            events: Vec::new(),
        }
    }

    /// Everyone, in the order of arrival as far as nobody was forgotten.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.known.iter()
    }

    /// The failed, in the same order.
    pub(crate) fn failed(&self) -> impl Iterator<Item = &Member> {
        self.failed.iter().filter_map(|slot| self.known.at(*slot))
    }

    /// The one of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Member> {
        self.known.get(name)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// How many there are, by state.
    pub(crate) fn count(&self) -> Count {
        Count { all: self.len(), failed: self.failed.len(), left: self.left }
    }

    /// Makes room for so many more.
    pub(crate) fn reserve(&mut self, more: usize) {
        self.known.reserve(more);
    }

    /// What happened since this was last asked.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events)
    }

    /// swim: a node is alive that was unknown, dead or left.
    pub(crate) fn joined(&mut self, now: Instant, node: Arc<Announcement>) {
        let intent = self.intents.take(&node.name);
        let slot = match self.known.find(&node.name) {
            Some(slot) => {
                self.announced(slot, node);
                self.timers.cancel(&Due::Prune(slot));
                self.judge(now, slot, Status::Alive);
                slot
            }
            None => {
                let (status, status_ltime) = match intent {
                    Some((Intent::Leave, ltime)) => (Status::Leaving, ltime),
                    Some((Intent::Join, ltime)) => (Status::Alive, ltime),
                    None => (Status::Alive, 0),
                };
                self.make_room();
                let slot = self.known.insert(Member { announced: node, status_ltime, status: Status::Alive });
                self.judge(now, slot, status);
                slot
            }
        };
        self.tell(slot, |member| Event::Member(MemberEvent::Join, member));
    }

    /// swim: an alive node changed what it announces. Unknown ones were pruned while alive, and show themselves again.
    pub(crate) fn updated(&mut self, now: Instant, node: Arc<Announcement>) {
        let Some(slot) = self.known.find(&node.name) else { return self.joined(now, node) };
        self.announced(slot, node);
        self.tell(slot, |member| Event::Member(MemberEvent::Update, member));
    }

    /// swim: a node died or left.
    pub(crate) fn gone(&mut self, now: Instant, name: &str, why: GoneWhy) {
        let Some((slot, member)) = self.find(name) else { return };
        let (status, event) = match (member.status, why) {
            (Status::Leaving, _) | (Status::Alive | Status::Failed, GoneWhy::Left) => {
                (Status::Left, MemberEvent::Leave)
            }
            (Status::Alive, GoneWhy::Failed) => (Status::Failed, MemberEvent::Failed),
            (Status::Left, _) | (Status::Failed, GoneWhy::Failed) => return,
        };
        self.judge(now, slot, status);
        self.tell(slot, |member| Event::Member(event, member));
    }

    /// We say that we are here.
    pub(crate) fn we_join(&mut self, ltime: u64) {
        if let Some(us) = self.known.find(&self.own).and_then(|slot| self.known.at_mut(slot)) {
            us.status_ltime = us.status_ltime.max(ltime);
        }
    }

    /// A join intent, from gossip or a push/pull. `we_stay` says that we are not leaving.
    pub(crate) fn join_intent(&mut self, now: Instant, intent: JoinIntent<'_>, we_stay: bool) -> Heard {
        let us = intent.node == self.own;
        let Some((slot, member)) = self.find(intent.node) else {
            return self.keep(now, intent.node, Intent::Join, intent.ltime);
        };
        if intent.ltime <= member.status_ltime {
            return Heard::Old;
        }
        if us {
            return if we_stay { Heard::AboutUs } else { Heard::Old };
        }
        member.status_ltime = intent.ltime;
        if member.status == Status::Leaving {
            self.judge(now, slot, Status::Alive);
            self.tell(slot, Event::Staying);
            self.timers.cancel(&Due::Prune(slot));
        }
        Heard::New
    }

    /// Whether a join intent is nothing new, asked of many in what may be our order; see [`ByName::find_in_turn`].
    pub(crate) fn is_old_join(&self, intent: JoinIntent<'_>, turn: &mut Slot) -> bool {
        let member = self.known.find_in_turn(intent.node, turn).and_then(|slot| self.known.at(slot));
        member.is_some_and(|member| intent.ltime <= member.status_ltime)
    }

    /// A peer's push/pull lists a node as left; `intent` is made from that.
    ///
    /// swim judges who is there, and has heard the same peer before us. So a node that is alive after that has come back,
    /// and what remains to be learnt is that a failed one had left.
    pub(crate) fn left_elsewhere(&mut self, now: Instant, intent: LeaveIntent<'_>, we_stay: bool) -> Heard {
        let failed = self.get(intent.node).is_none_or(|member| member.status == Status::Failed);
        if failed || intent.node == self.own { self.leave_intent(now, intent, we_stay) } else { Heard::Old }
    }

    /// The leave of a member that has left, for somebody who missed it. As in a push/pull it is one later than the
    /// member's last word, which may have been its join.
    pub(crate) fn leave_of<'a>(&self, node: &'a str) -> Option<LeaveIntent<'a>> {
        let member = self.get(node).filter(|member| member.status == Status::Left)?;
        Some(LeaveIntent { ltime: member.status_ltime.saturating_add(1), node, prune: false })
    }

    /// A leave intent, from gossip or ourselves.
    pub(crate) fn leave_intent(&mut self, now: Instant, intent: LeaveIntent<'_>, we_stay: bool) -> Heard {
        let us = intent.node == self.own;
        let Some((slot, member)) = self.find(intent.node) else {
            return self.keep(now, intent.node, Intent::Leave, intent.ltime);
        };
        // At the time of our own last word, too: whoever heard the leave first takes our word for old, and would show us as
        // leaving for ever. Who says it has forgotten that word.
        if us && we_stay && intent.ltime >= member.status_ltime {
            return Heard::AboutUs;
        }
        if intent.ltime <= member.status_ltime {
            return Heard::Old;
        }
        // Also when the status does not change: or two such messages would be passed on for ever
        // (hashicorp/consul#8179).
        member.status_ltime = intent.ltime;
        let status = member.status;
        match status {
            Status::Alive => {
                self.judge(now, slot, Status::Leaving);
                self.tell(slot, Event::Leaving);
            }
            Status::Failed => {
                self.judge(now, slot, Status::Left);
                self.tell(slot, |member| Event::Member(MemberEvent::Leave, member));
            }
            Status::Leaving | Status::Left => {}
        }
        if intent.prune && !us {
            match status {
                Status::Alive | Status::Leaving => {
                    self.timers.hasten(Due::Prune(slot), now + self.prune_delay);
                }
                Status::Failed | Status::Left => self.forget(slot),
            }
        }
        Heard::New
    }

    /// Forgets whoever is due: pruned, or gone for long; and intents nobody came for.
    pub(crate) fn forget_due(&mut self, now: Instant) {
        while let Some(due) = self.timers.pop_due(now) {
            match due {
                Due::Prune(slot) => self.forget(slot),
                Due::Stay(slot) => self.stay(now, slot),
            }
        }
        while let Some(slot) = self.reaps.pop_due(now) {
            self.forget(slot);
        }
        self.intents.expire(now);
    }

    /// When [`Members::forget_due`] has something to do.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        [self.timers.next(), self.reaps.next(), self.intents.expiry()].into_iter().flatten().min()
    }

    /// The clock jumped: who was to leave meanwhile could not.
    pub(crate) fn slept(&mut self, by: Duration) {
        self.timers.shift(by);
        self.reaps.shift(by);
    }

    fn keep(&mut self, now: Instant, node: &str, intent: Intent, ltime: u64) -> Heard {
        if self.intents.keep(now, node, intent, ltime) { Heard::New } else { Heard::Old }
    }

    fn find(&mut self, name: &str) -> Option<(Slot, &mut Member)> {
        let slot = self.known.find(name)?;
        Some((slot, self.known.at_mut(slot)?))
    }

    fn announced(&mut self, slot: Slot, node: Arc<Announcement>) {
        if let Some(member) = self.known.at_mut(slot) {
            member.announced = node;
        }
    }

    /// Changes a member's state, and when it is to be forgotten.
    fn judge(&mut self, now: Instant, slot: Slot, status: Status) {
        let Some(member) = self.known.at_mut(slot).filter(|member| member.status != status) else { return };
        let before = core::mem::replace(&mut member.status, status);
        self.uncount(slot, before);
        match status {
            Status::Leaving => self.timers.set(Due::Stay(slot), now + LEAVING_MAX),
            _ => self.timers.cancel(&Due::Stay(slot)),
        }
        let remembered_for = match status {
            Status::Alive | Status::Leaving => return self.reaps.cancel(&slot),
            Status::Left => {
                self.left += 1;
                self.memory.left_for
            }
            Status::Failed => {
                self.failed.insert(slot);
                self.memory.failed_for
            }
        };
        self.reaps.set(slot, now + remembered_for);
    }

    fn uncount(&mut self, slot: Slot, status: Status) {
        match status {
            Status::Alive | Status::Leaving => {}
            Status::Left => self.left -= 1,
            Status::Failed => drop(self.failed.remove(&slot)),
        }
    }

    /// It said long ago that it leaves, or somebody said so of it, and it is here. In the reference it would be leaving for
    /// ever: a declaration as old as its own last word is nothing that it refutes.
    fn stay(&mut self, now: Instant, slot: Slot) {
        let Some(member) = self.known.at(slot) else { return };
        if member.status == Status::Leaving && *member.name != *self.own {
            self.judge(now, slot, Status::Alive);
            self.tell(slot, Event::Staying);
        }
    }

    /// Forgets whoever has been gone longest if there is no room for another.
    ///
    /// Gossip forgets the gone within minutes and takes in others, so that its bound is none for those remembered here:
    /// names can be made up. All present ones always fit, because the same number bounds gossip.
    fn make_room(&mut self) {
        if self.known.len() >= NODES_MAX
            && let Some(oldest) = self.reaps.next().and_then(|due| self.reaps.pop_due(due))
        {
            self.forget(oldest);
        }
    }

    fn forget(&mut self, slot: Slot) {
        self.timers.cancel(&Due::Prune(slot));
        self.timers.cancel(&Due::Stay(slot));
        self.reaps.cancel(&slot);
        if let Some(member) = self.known.remove(slot) {
            self.uncount(slot, member.status);
            self.events.push(Event::Member(MemberEvent::Reap, member));
        }
    }

    fn tell(&mut self, slot: Slot, event: impl FnOnce(Member) -> Event) {
        if let Some(member) = self.known.at(slot) {
            self.events.push(event(member.clone()));
        }
    }
}

#[cfg(test)]
mod tests;
