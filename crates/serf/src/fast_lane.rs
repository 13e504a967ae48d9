//! The fast lane: what concerns traffic goes straight to those who send it.
//!
//! | news | to |
//! |---|---|
//! | our changed tags, our leave intent, our leave | every balancer; everyone in a small cluster |
//!
//! A balancer is a member whose tag `balances` is `1`. How the news are carried, confirmed and bounded is swim's
//! (`direct.rs`); here is who and when. Ordinary gossip goes on beside it.
//!
//! An application that flaps between ready and not must not flood the cluster, so changes of our tags have a pace:
//!
//! - What takes traffic away, and whatever else an operator sets, is told at once.
//! - A return to ready (`notready` loses a name) waits until the last one is a second old.
//! - No more than eight changes a second, of whatever kind. Of those that wait, only the last is told.

use crate::{Instant, Member, Serf, Status, meta};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use muster_swim::News;
use muster_wire::tags::Tags;

/// A span in which so much may happen, and no more.
const SPAN: Duration = Duration::from_secs(1);
/// Changes of our tags told in one span.
const CHANGES_MAX: usize = 8;
/// Marks who is told: as in the fleet's tag contract.
const BALANCES: (&str, &str) = ("balances", "1");
/// Names what must not be sent to; `*` is everything.
const NOT_READY: &str = "notready";

/// When our tags may change in the eyes of others.
#[derive(Debug)]
pub(crate) struct TagPace {
    /// What others were told last.
    told: Tags,
    /// When it was changed, in the last span.
    changes: VecDeque<Instant>,
    /// When something last became ready again.
    returned: Option<Instant>,
    /// When what waits is due.
    due: Option<Instant>,
}

impl TagPace {
    /// Others know `told`.
    pub(crate) fn new(told: Tags) -> Self {
        Self { told, changes: VecDeque::new(), returned: None, due: None }
    }

    /// When [`Serf::tell_tags`] is to be asked again.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Whether `wanted` is to be told now; it then counts as told. If it must wait, the deadline says how long.
    fn tells(&mut self, now: Instant, wanted: &Tags) -> bool {
        self.due = None;
        if *wanted == self.told {
            return false;
        }
        while self.changes.front().is_some_and(|change| now - *change >= SPAN) {
            self.changes.pop_front();
        }
        let returns = returns(&self.told, wanted);
        let crowded = self.changes.front().filter(|_| self.changes.len() >= CHANGES_MAX);
        let early = self.returned.as_ref().filter(|last| returns && now - **last < SPAN);
        self.due = crowded.into_iter().chain(early).max().map(|since| *since + SPAN);
        if self.due.is_some() {
            return false;
        }
        self.changes.push_back(now);
        if returns {
            self.returned = Some(now);
        }
        self.told = wanted.clone();
        true
    }
}

/// Whether something is ready in `new` that was not in `old`, and nothing the other way round.
fn returns(old: &Tags, new: &Tags) -> bool {
    let covers = |tags: &Tags, name: &str| names(tags).any(|other| other == name || other == "*");
    let gained = names(old).any(|name| !covers(new, name));
    let lost = names(new).any(|name| !covers(old, name));
    gained && !lost
}

/// Tags are decoded anew each time, so most members are told apart by the bytes of their meta alone.
fn balances(member: &Member) -> bool {
    let (tag, value) = BALANCES;
    let mentions = member.meta.windows(tag.len()).any(|bytes| bytes == tag.as_bytes());
    mentions && member.tags().get(tag).is_some_and(|text| text.trim() == value)
}

fn names(tags: &Tags) -> impl Iterator<Item = &str> {
    let list = tags.get(NOT_READY).map_or("", String::as_str);
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

impl Serf {
    /// Tells others our tags if they may change now.
    pub(crate) fn tell_tags(&mut self, now: Instant) {
        if !self.tag_pace.tells(now, &self.config.tags) {
            return;
        }
        // Their length was checked when they were set.
        if let Ok(meta) = meta::encode(&self.config.tags, self.config.protocol) {
            self.swim.set_meta(now, meta);
            self.tell_balancers(now, News::OurState);
        }
    }

    /// Takes the fast lane.
    pub(crate) fn tell_balancers(&mut self, now: Instant, news: News<'_>) {
        let present = self.members.iter().filter(|m| matches!(m.status, Status::Alive | Status::Leaving));
        let names: Vec<Arc<str>> = present.filter(|m| balances(m)).map(|m| m.name.clone()).collect();
        self.swim.tell_directly(now, news, &names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant(Duration::from_millis(millis))
    }

    fn not_ready(names: &str) -> Tags {
        [("role".into(), "web".into()), (NOT_READY.into(), names.into())].into()
    }

    #[test]
    fn a_withdrawal_is_told_at_once_and_a_return_once_a_second() {
        let mut pace = TagPace::new(not_ready(""));
        assert!(pace.tells(at(0), &not_ready("*")));
        assert!(pace.tells(at(100), &not_ready("")), "the first return");
        assert!(pace.tells(at(200), &not_ready("web")), "a withdrawal waits for nothing");
        assert!(!pace.tells(at(300), &not_ready("")));
        assert_eq!(pace.deadline(), Some(at(1100)));
        assert!(!pace.tells(at(1099), &not_ready("")));
        assert!(pace.tells(at(1100), &not_ready("")));
        assert_eq!(pace.deadline(), None);
    }

    #[test]
    fn what_was_taken_back_while_it_waited_is_not_told() {
        let mut pace = TagPace::new(not_ready("*"));
        assert!(pace.tells(at(0), &not_ready("")));
        assert!(pace.tells(at(1), &not_ready("*")));
        assert!(!pace.tells(at(2), &not_ready("")));
        assert!(!pace.tells(at(3), &not_ready("*")), "as others know it");
        assert_eq!(pace.deadline(), None);
    }

    #[test]
    fn of_an_application_that_flaps_twenty_times_five_changes_are_told() {
        let mut pace = TagPace::new(not_ready(""));
        let told = (0..20_u64).filter(|step| {
            let wanted = not_ready(if step % 2 == 0 { "*" } else { "" });
            pace.tells(at(step * 100), &wanted)
        });
        // Away, back, away; a second after the first return back, away.
        assert_eq!(told.collect::<Vec<_>>(), [0, 1, 2, 11, 12]);
    }

    #[test]
    fn no_more_than_eight_changes_of_any_kind_are_told_in_a_second() {
        let mut pace = TagPace::new(Tags::new());
        let numbered = |number: u64| Tags::from([("build".into(), alloc::format!("{number}"))]);
        let told = (1..=1000).filter(|step| pace.tells(at(*step), &numbered(*step))).count();
        assert_eq!(told, CHANGES_MAX);
        assert_eq!(pace.deadline(), Some(at(1001)));
        assert!(pace.tells(at(1001), &numbered(1000)), "the last one counts");
    }

    #[test]
    fn a_return_is_what_makes_something_ready_and_nothing_unready() {
        for (old, new, expected) in [
            ("*", "", true),
            ("*", "web", true),
            ("web, api", "api", true),
            ("", "web", false),
            ("web", "*", false),
            ("web", "api", false),
            ("", "", false),
        ] {
            assert_eq!(returns(&not_ready(old), &not_ready(new)), expected, "{old:?} to {new:?}");
        }
    }
}
