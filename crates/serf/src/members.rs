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
//! - A leave intent that is taken back is told ([`Event::Staying`]).
//! - A prune waits for a leaving member without holding anything up, and a member that stays after all is not pruned.

use crate::intents::{Intent, Intents};
use crate::{Event, Instant, Member, MemberEvent, Status};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use muster_swim::{GoneWhy, NodeView};
use muster_wire::serf::{JoinIntent, LeaveIntent};
use muster_wire::tags;

/// How long failed and left members are remembered (Serf: ReconnectTimeout and TombstoneTimeout).
const GONE_AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

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

/// Everyone we know, by name, and what we heard of those we do not know yet.
#[derive(Debug)]
pub(crate) struct Members {
    own: String,
    by_name: BTreeMap<String, Member>,
    intents: Intents,
    /// Leaving members to be forgotten, and when.
    prunes: BTreeMap<String, Instant>,
    /// How long a leaving member to be pruned is given to leave.
    prune_delay: Duration,
    events: Vec<Event>,
}

impl Members {
    /// Nobody yet; we are `own`.
    pub(crate) fn new(own: String, prune_delay: Duration) -> Self {
        Self {
            own,
            by_name: BTreeMap::new(),
            intents: Intents::default(),
            prunes: BTreeMap::new(),
            prune_delay,
            events: Vec::new(),
        }
    }

    /// Everyone, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.by_name.values()
    }

    /// The one of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Member> {
        self.by_name.get(name)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// How many there are, by state.
    pub(crate) fn count(&self) -> Count {
        let with = |status| self.iter().filter(|member| member.status == status).count();
        Count { all: self.len(), failed: with(Status::Failed), left: with(Status::Left) }
    }

    /// What happened since this was last asked.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events)
    }

    /// swim: a node is alive that was unknown, dead or left.
    pub(crate) fn joined(&mut self, now: Instant, node: NodeView) {
        self.prunes.remove(&node.name);
        let intent = self.intents.take(&node.name);
        let (status, status_ltime, since) = match self.by_name.get(&node.name) {
            Some(known) if known.status == Status::Alive => (Status::Alive, known.status_ltime, known.since),
            Some(known) => (Status::Alive, known.status_ltime, now),
            None => match intent {
                Some((Intent::Leave, ltime)) => (Status::Leaving, ltime, now),
                Some((Intent::Join, ltime)) => (Status::Alive, ltime, now),
                None => (Status::Alive, 0, now),
            },
        };
        let member = Member {
            name: node.name.clone(),
            addr: node.addr,
            port: node.port,
            tags: tags::decode(&node.meta),
            status,
            status_ltime,
            since,
            versions: node.versions,
        };
        self.events.push(Event::Member(MemberEvent::Join, member.clone()));
        self.by_name.insert(node.name, member);
    }

    /// swim: an alive node changed what it announces. Unknown ones were pruned while alive, and show themselves again.
    pub(crate) fn updated(&mut self, now: Instant, node: NodeView) {
        let Some(member) = self.by_name.get_mut(&node.name) else { return self.joined(now, node) };
        member.addr = node.addr;
        member.port = node.port;
        member.tags = tags::decode(&node.meta);
        member.versions = node.versions;
        self.events.push(Event::Member(MemberEvent::Update, member.clone()));
    }

    /// swim: a node died or left.
    pub(crate) fn gone(&mut self, now: Instant, name: &str, why: GoneWhy) {
        let Some(member) = self.by_name.get_mut(name) else { return };
        let event = match (member.status, why) {
            (Status::Leaving, _) | (Status::Alive | Status::Failed, GoneWhy::Left) => {
                member.change(now, Status::Left);
                MemberEvent::Leave
            }
            (Status::Alive, GoneWhy::Failed) => {
                member.change(now, Status::Failed);
                MemberEvent::Failed
            }
            (Status::Left, _) | (Status::Failed, GoneWhy::Failed) => return,
        };
        self.events.push(Event::Member(event, member.clone()));
    }

    /// We say that we are here.
    pub(crate) fn we_join(&mut self, ltime: u64) {
        if let Some(us) = self.by_name.get_mut(&self.own) {
            us.status_ltime = us.status_ltime.max(ltime);
        }
    }

    /// A join intent, from gossip or a push/pull. `we_stay` says that we are not leaving.
    pub(crate) fn join_intent(&mut self, now: Instant, intent: JoinIntent<'_>, we_stay: bool) -> Heard {
        let us = intent.node == self.own;
        let Some(member) = self.by_name.get_mut(intent.node) else {
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
            member.change(now, Status::Alive);
            self.events.push(Event::Staying(member.clone()));
            self.prunes.remove(intent.node);
        }
        Heard::New
    }

    /// A peer's push/pull lists a node as left; `intent` is made from that.
    ///
    /// swim judges who is there, and has heard the same peer before us. So a node that is alive after that has come back,
    /// and what remains to be learnt is that a failed one had left.
    pub(crate) fn left_elsewhere(&mut self, now: Instant, intent: LeaveIntent<'_>, we_stay: bool) -> Heard {
        let failed = self.by_name.get(intent.node).is_none_or(|member| member.status == Status::Failed);
        if failed || intent.node == self.own { self.leave_intent(now, intent, we_stay) } else { Heard::Old }
    }

    /// The leave of a member that has left, for somebody who missed it. As in a push/pull it is one later than the
    /// member's last word, which may have been its join.
    pub(crate) fn leave_of<'a>(&self, node: &'a str) -> Option<LeaveIntent<'a>> {
        let member = self.by_name.get(node).filter(|member| member.status == Status::Left)?;
        Some(LeaveIntent { ltime: member.status_ltime.saturating_add(1), node, prune: false })
    }

    /// A leave intent, from gossip or ourselves.
    pub(crate) fn leave_intent(&mut self, now: Instant, intent: LeaveIntent<'_>, we_stay: bool) -> Heard {
        let us = intent.node == self.own;
        let Some(member) = self.by_name.get_mut(intent.node) else {
            return self.keep(now, intent.node, Intent::Leave, intent.ltime);
        };
        if intent.ltime <= member.status_ltime {
            return Heard::Old;
        }
        if us && we_stay {
            return Heard::AboutUs;
        }
        // Also when the status does not change: or two such messages would be passed on for ever
        // (hashicorp/consul#8179).
        member.status_ltime = intent.ltime;
        match member.status {
            Status::Alive => {
                member.change(now, Status::Leaving);
                self.events.push(Event::Leaving(member.clone()));
            }
            Status::Failed => {
                member.change(now, Status::Left);
                self.events.push(Event::Member(MemberEvent::Leave, member.clone()));
            }
            Status::Leaving | Status::Left => {}
        }
        let leaving = member.status == Status::Leaving;
        match (intent.prune && !us, leaving) {
            (false, _) => {}
            (true, true) => {
                self.prunes.entry(intent.node.into()).or_insert(now + self.prune_delay);
            }
            (true, false) => self.forget(intent.node),
        }
        Heard::New
    }

    /// Forgets whoever is due: pruned, or gone for long; and intents nobody came for.
    pub(crate) fn reap(&mut self, now: Instant) {
        self.prune(now);
        let old = |member: &&Member| {
            matches!(member.status, Status::Failed | Status::Left) && now - member.since > GONE_AGE_MAX
        };
        let names: Vec<String> = self.iter().filter(old).map(|member| member.name.clone()).collect();
        for name in names {
            self.forget(&name);
        }
        self.intents.expire(now);
    }

    /// Forgets those whose time to leave before a prune is over.
    pub(crate) fn prune(&mut self, now: Instant) {
        let due = self.prunes.iter().filter(|(_, when)| **when <= now).map(|(name, _)| name.clone());
        for name in due.collect::<Vec<_>>() {
            self.forget(&name);
        }
    }

    /// When [`Members::prune`] is due.
    pub(crate) fn prune_deadline(&self) -> Option<Instant> {
        self.prunes.values().min().copied()
    }

    /// The clock jumped: who was to leave meanwhile could not.
    pub(crate) fn slept(&mut self, by: Duration) {
        for when in self.prunes.values_mut() {
            *when = *when + by;
        }
    }

    fn keep(&mut self, now: Instant, node: &str, intent: Intent, ltime: u64) -> Heard {
        if self.intents.keep(now, node, intent, ltime) { Heard::New } else { Heard::Old }
    }

    fn forget(&mut self, name: &str) {
        self.prunes.remove(name);
        if let Some(member) = self.by_name.remove(name) {
            self.events.push(Event::Member(MemberEvent::Reap, member));
        }
    }
}

impl Member {
    fn change(&mut self, now: Instant, status: Status) {
        self.status = status;
        self.since = now;
    }
}

#[cfg(test)]
mod tests;
