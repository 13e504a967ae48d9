//! What must hold at every moment, whatever happens to whom.
//!
//! - A node's Lamport clocks never go back in one life, nor from one life to the next that remembers it; nor does the time of
//!   what it knows of a member.
//! - No message is handled twice: a user event comes out once, a leave intent makes a member leaving once.
//! - A member's events come in a legal order: nobody fails who did not join, nobody joins twice.

use crate::{Noticed, World};
use muster_serf::{Event, Member, MemberEvent, Serf, Status};
use std::collections::{BTreeMap, BTreeSet};

/// What one node showed so far.
#[derive(Debug, Default)]
struct Shown {
    life: u32,
    clocks: [u64; 3],
    /// Members by name: state, and the time of the last accepted intent.
    members: BTreeMap<String, (Status, u64)>,
    /// Members made leaving, with the time of the intent.
    left: BTreeSet<(String, u64)>,
    told: BTreeSet<(u64, String, Vec<u8>)>,
}

/// All nodes, watched.
#[derive(Debug, Default)]
pub(crate) struct Invariants {
    shown: BTreeMap<usize, Shown>,
}

impl Invariants {
    /// From the world as it is.
    pub(crate) fn begin(world: &World) -> Self {
        let shown = |host: usize| {
            let members = world.serf(host).into_iter().flat_map(Serf::members);
            let members =
                members.map(|member| (member.name.to_string(), (member.status, member.status_ltime)));
            Shown { life: world.lives(host), members: members.collect(), ..Shown::default() }
        };
        Self { shown: (0..world.len()).map(|host| (host, shown(host))).collect() }
    }

    /// The node starts with what it remembers: what it did before counts on.
    pub(crate) fn remembers(&mut self, host: usize, life: u32) {
        let Some(shown) = self.shown.get_mut(&host) else { return };
        shown.life = life;
        shown.members.clear();
        shown.left.clear();
    }

    /// What is wrong with what a node just told, if anything.
    pub(crate) fn broken_by(&mut self, world: &World, noticed: &Noticed) -> Option<String> {
        let shown = self.shown.entry(noticed.host).or_default();
        if shown.life != noticed.life {
            *shown = Shown { life: noticed.life, ..Shown::default() };
        }
        let wrong = match &noticed.event {
            Event::Member(what, member) => shown.member(*what, member),
            Event::Leaving(member) => {
                let news = shown.left.insert((member.name.to_string(), member.status_ltime));
                if news {
                    shown.advance(member)
                } else {
                    Some(format!("one leave of {} handled twice", member.name))
                }
            }
            Event::Staying(member) => shown.advance(member),
            Event::User { ltime, name, payload, .. } => {
                let news = shown.told.insert((*ltime, name.clone(), payload.clone()));
                (!news).then(|| format!("user event {name} of time {ltime} handled twice"))
            }
            _ => None,
        };
        wrong.or_else(|| shown.clocks(world, noticed))
    }
}

impl Shown {
    fn member(&mut self, what: MemberEvent, member: &Member) -> Option<String> {
        let before = self.members.get(&*member.name).map(|(status, _)| *status);
        let legal = match what {
            MemberEvent::Join => !matches!(before, Some(Status::Alive | Status::Leaving)),
            MemberEvent::Update => matches!(before, Some(Status::Alive | Status::Leaving)),
            MemberEvent::Leave => matches!(before, Some(Status::Alive | Status::Leaving | Status::Failed)),
            MemberEvent::Failed => before == Some(Status::Alive),
            MemberEvent::Reap => before.is_some(),
        };
        if !legal {
            let before = before.map_or("unknown", Status::as_str);
            return Some(format!("{what:?} of {}, who was {before}", member.name));
        }
        if what == MemberEvent::Reap {
            self.members.remove(&*member.name);
            return None;
        }
        self.advance(member)
    }

    fn advance(&mut self, member: &Member) -> Option<String> {
        let now = (member.status, member.status_ltime);
        let before = self.members.insert(member.name.to_string(), now);
        let (_, before) = before.filter(|(_, ltime)| *ltime > member.status_ltime)?;
        Some(format!("the time of {} went back from {before} to {}", member.name, member.status_ltime))
    }

    fn clocks(&mut self, world: &World, noticed: &Noticed) -> Option<String> {
        let stats = world.serf(noticed.host)?.stats();
        let now = [stats.member_time, stats.event_time, stats.query_time];
        let before = std::mem::replace(&mut self.clocks, now);
        let back = before.iter().zip(now).any(|(before, now)| *before > now);
        back.then(|| format!("clocks went back from {before:?} to {now:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(status: Status, status_ltime: u64) -> Member {
        let world = World::cluster(2, 1);
        let known = world.serf(0).and_then(|serf| serf.member("n2")).cloned().unwrap();
        Member { status, status_ltime, ..known }
    }

    fn told(invariants: &mut Invariants, world: &World, event: Event) -> Option<String> {
        let noticed = Noticed { at: world.now(), host: 0, life: 1, event };
        invariants.broken_by(world, &noticed)
    }

    #[test]
    fn each_law_can_be_broken() {
        let world = World::cluster(2, 1);
        let mut laws = Invariants::default();
        let join = || Event::Member(MemberEvent::Join, member(Status::Alive, 5));
        assert_eq!(told(&mut laws, &world, join()), None);
        assert_eq!(told(&mut laws, &world, join()).unwrap(), "Join of n2, who was alive");
        let leaving = || Event::Leaving(member(Status::Leaving, 6));
        assert_eq!(told(&mut laws, &world, leaving()), None);
        assert_eq!(told(&mut laws, &world, leaving()).unwrap(), "one leave of n2 handled twice");
        let back = Event::Member(MemberEvent::Leave, member(Status::Left, 4));
        assert_eq!(told(&mut laws, &world, back).unwrap(), "the time of n2 went back from 6 to 4");
        let user = || Event::User { ltime: 1, name: "x".into(), payload: Vec::new(), coalesce: false };
        assert_eq!(told(&mut laws, &world, user()), None);
        assert_eq!(told(&mut laws, &world, user()).unwrap(), "user event x of time 1 handled twice");
        laws.shown.get_mut(&0).unwrap().clocks = [99, 0, 0];
        assert!(
            told(&mut laws, &world, Event::LeftCluster).unwrap().starts_with("clocks went back from [99")
        );
    }
}
