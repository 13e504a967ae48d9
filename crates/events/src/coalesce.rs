//! Coalescing: a burst of events becomes a few notices, as Serf's agent has it (coalesce.go, coalesce_member.go,
//! coalesce_user.go).
//!
//! Member events, and user events that ask for it, are held until nothing came for a second, or for three seconds at most.
//! Of a node only the last event is then told, one notice per kind of event with all its members; of user events of one
//! name only the latest. So a plain `member-join` reaches a handler a second late, and a node that joins and fails within
//! that second is only told as failed. Everything else passes at once, and may overtake.
//!
//! Three things are better than in the reference. It never forgets the last event of a node, so that an update is told
//! again with every later burst. A join that an update follows is told as the update alone, so that no handler for joins
//! hears of the node; here it is a join with the new tags. A node that was told as joined, fails, and joins elsewhere
//! within one burst is not told at all; here it is, since it is not what was told last.

use crate::Notice;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use muster_serf::{Instant, Member, MemberEvent};

/// Serf's agent: `CoalescePeriod`, `UserCoalescePeriod`.
const PERIOD: Duration = Duration::from_secs(3);
/// Serf's agent: `QuiescentPeriod`, `UserQuiescentPeriod`.
const QUIET: Duration = Duration::from_secs(1);
/// So many of one kind are gathered at most; then they are told early.
const GATHERED_MAX: usize = 4096;
/// Nodes whose last notice is remembered: twice the members that gossip knows. When there are more, all are forgotten,
/// which costs a notice too many.
const TOLD_MAX: usize = 131_072;

/// Gathers notices. Drive it like the other cores: [`put`](Self::put) what happens and [`tick`](Self::tick) when
/// [`next_timeout`](Self::next_timeout) is due, each with the time; after either, [`take`](Self::take) until there is none.
#[derive(Clone, Debug, Default)]
pub struct Coalescer {
    nodes: Window<Arc<str>, Latest>,
    events: Window<String, Vec<Arc<Notice>>>,
    /// What was told last of each node.
    told: BTreeMap<Arc<str>, Latest>,
    out: VecDeque<Arc<Notice>>,
}

/// The last event of a node, and the node as it is since.
#[derive(Clone, Debug)]
struct Latest {
    event: MemberEvent,
    member: Member,
}

impl Coalescer {
    /// One that holds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a notice: holds it, or passes it.
    pub fn put(&mut self, now: Instant, notice: Arc<Notice>) {
        match &*notice {
            Notice::Members { event, members } => {
                for member in members {
                    self.put_member(now, *event, member);
                }
            }
            Notice::User { ltime, name, coalesce: true, .. } => {
                let held = self.events.at(now, name.clone());
                let ltime_held = held.first().and_then(|first| ltime_of(first));
                // Several nodes may speak at one time of the event clock; all of those are told.
                match ltime_held {
                    Some(other) if other > *ltime => {}
                    Some(other) if other == *ltime => held.push(notice),
                    _ => *held = [notice].into(),
                }
                if self.events.is_full() {
                    self.flush_events();
                }
            }
            Notice::User { .. } | Notice::Query { .. } => self.out.push_back(notice),
        }
    }

    fn put_member(&mut self, now: Instant, event: MemberEvent, member: &Member) {
        let name = &member.announced.name;
        let event = match self.nodes.held(name) {
            Some(Latest { event: MemberEvent::Join, .. }) if event == MemberEvent::Update => {
                MemberEvent::Join
            }
            _ => event,
        };
        self.nodes.put(now, name, Latest { event, member: member.clone() });
        if self.nodes.is_full() {
            self.flush_nodes();
        }
    }

    /// When [`tick`](Self::tick) has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        [self.nodes.due(), self.events.due()].into_iter().flatten().min()
    }

    /// Tells what was held long enough.
    pub fn tick(&mut self, now: Instant) {
        if self.nodes.due().is_some_and(|due| due <= now) {
            self.flush_nodes();
        }
        if self.events.due().is_some_and(|due| due <= now) {
            self.flush_events();
        }
    }

    /// Tells all that is held, since nothing will come any more.
    pub fn flush(&mut self) {
        self.flush_nodes();
        self.flush_events();
    }

    /// The next notice.
    pub fn take(&mut self) -> Option<Arc<Notice>> {
        self.out.pop_front()
    }

    fn flush_nodes(&mut self) {
        // A balancer gains backends before it loses others.
        let mut kinds = [
            (MemberEvent::Join, Vec::new()),
            (MemberEvent::Update, Vec::new()),
            (MemberEvent::Leave, Vec::new()),
            (MemberEvent::Failed, Vec::new()),
            (MemberEvent::Reap, Vec::new()),
        ];
        for (name, latest) in self.nodes.close() {
            if self.told.get(&name).is_some_and(|told| told.says(&latest)) {
                continue;
            }
            let kind = kinds.iter_mut().find(|(event, _)| *event == latest.event);
            kind.into_iter().for_each(|(_, members)| members.push(latest.member.clone()));
            if latest.event == MemberEvent::Reap {
                self.told.remove(&name);
            } else {
                self.told.insert(name, latest);
            }
        }
        if self.told.len() > TOLD_MAX {
            self.told.clear();
        }
        let told = kinds.into_iter().filter(|(_, members)| !members.is_empty());
        self.out.extend(told.map(|(event, members)| Arc::new(Notice::Members { event, members })));
    }

    fn flush_events(&mut self) {
        self.out.extend(self.events.close().into_values().flatten());
    }
}

fn ltime_of(notice: &Notice) -> Option<u64> {
    if let Notice::User { ltime, .. } = notice { Some(*ltime) } else { None }
}

impl Latest {
    /// Whether `next` is no news after this. An update always is.
    fn says(&self, next: &Self) -> bool {
        let (a, b) = (&self.member.announced, &next.member.announced);
        self.event == next.event
            && next.event != MemberEvent::Update
            && a.socket_addr() == b.socket_addr()
            && a.meta == b.meta
    }
}

/// What is held of one kind, and since when.
#[derive(Clone, Debug)]
struct Window<K, V> {
    held: BTreeMap<K, V>,
    /// When the first and the last came.
    times: Option<(Instant, Instant)>,
    /// How many came.
    gathered: usize,
}

impl<K, V> Default for Window<K, V> {
    fn default() -> Self {
        Self { held: BTreeMap::new(), times: None, gathered: 0 }
    }
}

impl<K: Ord + Clone, V> Window<K, V> {
    fn touch(&mut self, now: Instant) {
        let first = self.times.map_or(now, |(first, _)| first);
        self.times = Some((first, now));
        self.gathered += 1;
    }

    fn put(&mut self, now: Instant, key: &K, value: V) {
        self.touch(now);
        self.held.insert(key.clone(), value);
    }

    fn at(&mut self, now: Instant, key: K) -> &mut V
    where
        V: Default,
    {
        self.touch(now);
        self.held.entry(key).or_default()
    }

    fn held(&self, key: &K) -> Option<&V> {
        self.held.get(key)
    }

    fn is_full(&self) -> bool {
        self.gathered >= GATHERED_MAX
    }

    fn due(&self) -> Option<Instant> {
        self.times.map(|(first, last)| (first + PERIOD).min(last + QUIET))
    }

    fn close(&mut self) -> BTreeMap<K, V> {
        (self.times, self.gathered) = (None, 0);
        core::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests;
