//! What we asked, and who has answered so far.

use super::QueryId;
use crate::Instant;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// Queries open at a time.
pub(crate) const OPEN_MAX: usize = 256;

/// What an answer was to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Counted {
    /// The first of its kind from that node.
    First,
    /// It came by another way before, or nobody waits for it.
    Ignored,
}

#[derive(Debug)]
struct Open {
    deadline: Instant,
    wants_acks: bool,
    /// Who acknowledged, and who responded. Only members are entered, so their number is the bound.
    acks: BTreeSet<String>,
    responses: BTreeSet<String>,
}

/// Our open queries.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    open: BTreeMap<QueryId, Open>,
}

impl Asked {
    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// A query goes out.
    pub(crate) fn begin(&mut self, id: QueryId, deadline: Instant, wants_acks: bool) {
        let open = Open { deadline, wants_acks, acks: BTreeSet::new(), responses: BTreeSet::new() };
        self.open.insert(id, open);
    }

    /// Counts an ack or a response of a member.
    pub(crate) fn count(&mut self, id: QueryId, is_ack: bool, from: &str) -> Counted {
        let Some(open) = self.open.get_mut(&id) else { return Counted::Ignored };
        if is_ack && !open.wants_acks {
            return Counted::Ignored;
        }
        let answered = if is_ack { &mut open.acks } else { &mut open.responses };
        if answered.insert(from.into()) { Counted::First } else { Counted::Ignored }
    }

    /// Closes one.
    pub(crate) fn abandon(&mut self, id: QueryId) {
        self.open.remove(&id);
    }

    /// When [`Asked::take_done`] has something.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.open.values().map(|open| open.deadline).min()
    }

    /// Closes those whose time is over.
    pub(crate) fn take_done(&mut self, now: Instant) -> Vec<QueryId> {
        self.open.extract_if(.., |_, open| open.deadline <= now).map(|(id, _)| id).collect()
    }

    /// The clock jumped: answers may have come meanwhile and wait to be read.
    pub(crate) fn slept(&mut self, by: Duration) {
        for open in self.open.values_mut() {
            open.deadline = open.deadline + by;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: QueryId = QueryId { ltime: 7, id: 1 };

    fn at(secs: u64) -> Instant {
        Instant(Duration::from_secs(secs))
    }

    #[test]
    fn each_node_counts_once_per_kind_and_only_while_the_query_is_open() {
        let mut asked = Asked::default();
        assert_eq!(asked.count(ID, true, "a"), Counted::Ignored, "nothing asked yet");
        asked.begin(ID, at(3), true);
        assert_eq!(asked.count(ID, true, "a"), Counted::First);
        assert_eq!(asked.count(ID, true, "a"), Counted::Ignored);
        assert_eq!(asked.count(ID, false, "a"), Counted::First, "a response is not an ack");
        assert_eq!(asked.count(ID, false, "a"), Counted::Ignored);
        assert_eq!(asked.count(QueryId { id: 2, ..ID }, false, "b"), Counted::Ignored);
        assert_eq!(asked.count(QueryId { ltime: 8, ..ID }, false, "b"), Counted::Ignored);
        assert_eq!(asked.deadline(), Some(at(3)));
        assert_eq!(asked.take_done(at(2)), []);
        assert_eq!(asked.take_done(at(3)), [ID]);
        assert_eq!(asked.count(ID, false, "b"), Counted::Ignored, "too late");
        assert_eq!(asked.deadline(), None);
    }

    #[test]
    fn an_ack_nobody_wanted_is_none() {
        let mut asked = Asked::default();
        asked.begin(ID, at(3), false);
        assert_eq!(asked.count(ID, true, "a"), Counted::Ignored);
    }

    #[test]
    fn a_clock_jump_moves_the_deadline() {
        let mut asked = Asked::default();
        asked.begin(ID, at(3), false);
        asked.slept(Duration::from_secs(100));
        assert_eq!(asked.take_done(at(102)), []);
        assert_eq!(asked.take_done(at(103)), [ID]);
    }
}
