//! The members, carried from the gossip thread to the rest.
//!
//! The gossip thread must wait for nobody and its news must take no endless memory, so there is no queue: what changed is
//! kept per member ([`Inbox`]) until the other thread takes it into its own copy ([`Roster`]).

use muster_serf::{Member, MemberEvent, Status};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use tokio::sync::{Notify, watch};

/// Where the gossip thread puts what changed. Bounded by the number of members.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    changed: Mutex<BTreeMap<Arc<str>, Option<Member>>>,
    news: Notify,
}

impl Inbox {
    /// A member's new state.
    pub(crate) fn put(&self, member: Member) {
        self.insert(member.name.clone(), Some(member));
    }

    /// What a Serf event means for the roster.
    pub(crate) fn put_event(&self, event: MemberEvent, member: Member) {
        match event {
            MemberEvent::Reap => self.insert(member.name.clone(), None),
            MemberEvent::Join | MemberEvent::Leave | MemberEvent::Failed | MemberEvent::Update => {
                self.put(member);
            }
        }
    }

    /// Returns when something changed since the last call. For one waiter.
    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }

    fn insert(&self, name: Arc<str>, member: Option<Member>) {
        lock(&self.changed).insert(name, member);
        self.news.notify_one();
    }

    fn take(&self) -> BTreeMap<Arc<str>, Option<Member>> {
        std::mem::take(&mut *lock(&self.changed))
    }
}

/// All members as last heard of. Belongs to the control thread; the lock is for the handlers' sake and never held across
/// an await.
#[derive(Debug)]
pub(crate) struct Roster {
    own_name: String,
    inbox: Arc<Inbox>,
    members: Mutex<BTreeMap<Arc<str>, Member>>,
    /// When we learned that each is what it is. Locked after the members, if both are.
    since: Mutex<BTreeMap<Arc<str>, SystemTime>>,
    revision: watch::Sender<u64>,
}

impl Roster {
    pub(crate) fn new(own_name: String, inbox: Arc<Inbox>) -> Self {
        Self {
            own_name,
            inbox,
            members: Mutex::default(),
            since: Mutex::default(),
            revision: watch::Sender::new(0),
        }
    }

    /// Takes in what the gossip thread told; then looks at the members with `look`.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&BTreeMap<Arc<str>, Member>) -> R) -> R {
        let mut members = lock(&self.members);
        let changed = self.inbox.take();
        if !changed.is_empty() {
            let (mut since, now) = (lock(&self.since), SystemTime::now());
            for (name, member) in changed {
                let Some(member) = member else {
                    members.remove(&name);
                    since.remove(&name);
                    continue;
                };
                let status = member.status;
                let former = members.insert(Arc::clone(&name), member);
                if former.is_none_or(|former| former.status != status) {
                    since.insert(name, now);
                }
            }
            drop(since);
            self.revision.send_modify(|revision| *revision += 1);
        }
        look(&members)
    }

    /// All members, by name, and when we learned that each is what it is.
    pub(crate) fn all(&self) -> Vec<(Member, SystemTime)> {
        self.look(|members| {
            let since = lock(&self.since);
            let with_time = |(name, member): (&Arc<str>, &Member)| {
                // Each was noted when it was put in.
                Some((member.clone(), *since.get(name)?))
            };
            members.iter().filter_map(with_time).collect()
        })
    }

    /// Whether that is our own name.
    pub(crate) fn is_own(&self, name: &str) -> bool {
        *name == *self.own_name
    }

    /// Follows the members: the number grows with each change.
    pub(crate) fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Whether anybody else is alive.
    pub(crate) fn has_company(&self) -> bool {
        self.look(|members| {
            members.values().any(|member| member.status == Status::Alive && *member.name != *self.own_name)
        })
    }
}

/// A panic while a plain map is held leaves it as whole as it was.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use muster_serf::Announcement;
    use muster_wire::{RawAddr, Versions};

    pub(crate) fn member(name: &str, status: Status) -> Member {
        tagged(name, status, &[])
    }

    pub(crate) fn tagged(name: &str, status: Status, tags: &[(&str, &str)]) -> Member {
        let tags = tags.iter().map(|(tag, value)| ((*tag).to_owned(), (*value).to_owned())).collect();
        let announced = Announcement {
            name: name.into(),
            addr: RawAddr::V4([127, 0, 0, 1]),
            port: 7946,
            meta: muster_wire::tags::encode(&tags),
            versions: Versions::OURS,
        };
        Member { announced: announced.into(), status, status_ltime: 1 }
    }

    /// The same member at another address.
    pub(crate) fn at(member: &Member, ip: [u8; 4]) -> Member {
        let announced = Announcement { addr: RawAddr::V4(ip), ..Announcement::clone(&member.announced) };
        Member { announced: announced.into(), ..member.clone() }
    }

    pub(crate) fn roster() -> (Arc<Inbox>, Roster) {
        let inbox = Arc::new(Inbox::default());
        (Arc::clone(&inbox), Roster::new("me".to_owned(), inbox))
    }

    fn names(roster: &Roster) -> Vec<String> {
        roster.look(|members| members.keys().map(ToString::to_string).collect())
    }

    #[test]
    fn the_last_state_of_each_member_counts_and_reaped_ones_go() {
        let (inbox, roster) = roster();
        inbox.put_event(MemberEvent::Join, member("a", Status::Alive));
        inbox.put_event(MemberEvent::Join, member("b", Status::Alive));
        inbox.put(member("a", Status::Leaving));
        assert_eq!(names(&roster), ["a", "b"]);
        assert_eq!(roster.look(|members| members["a"].status), Status::Leaving);
        inbox.put_event(MemberEvent::Reap, member("a", Status::Left));
        assert_eq!(names(&roster), ["b"]);
    }

    #[test]
    fn looking_without_news_is_no_new_revision() {
        let (inbox, roster) = roster();
        inbox.put(member("a", Status::Alive));
        names(&roster);
        let mut revisions = roster.revisions();
        names(&roster);
        assert!(!revisions.has_changed().unwrap());
        inbox.put(member("a", Status::Failed));
        names(&roster);
        assert!(revisions.has_changed().unwrap());
        revisions.mark_unchanged();
    }

    #[test]
    fn a_member_is_what_it_is_since_its_status_changed() {
        let (inbox, roster) = roster();
        let since = || roster.all()[0].1;
        inbox.put(member("a", Status::Alive));
        let joined = since();
        inbox.put(tagged("a", Status::Alive, &[("role", "web")]));
        assert_eq!(since(), joined);
        std::thread::sleep(std::time::Duration::from_millis(2));
        inbox.put(member("a", Status::Failed));
        assert!(since() > joined);
        inbox.put_event(MemberEvent::Reap, member("a", Status::Failed));
        assert!(roster.all().is_empty());
    }

    #[test]
    fn only_others_who_are_alive_are_company() {
        let (inbox, roster) = roster();
        inbox.put(member("me", Status::Alive));
        inbox.put(member("a", Status::Failed));
        assert!(!roster.has_company());
        inbox.put(member("a", Status::Alive));
        assert!(roster.has_company());
    }

    #[tokio::test]
    async fn news_before_the_wait_is_not_missed() {
        let (inbox, _roster) = roster();
        inbox.put(member("a", Status::Alive));
        inbox.news().await;
    }
}
