//! Queries that a connection was shown and may answer, under numbers of its own.

use muster_serf::QueryId;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Shown and not answered; beyond that the oldest can be answered no more. Their time is over long before, by all odds.
const PENDING_MAX: usize = 1024;

/// Counts from 1 over all streams of a connection, as Serf does.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    last: u64,
    queries: BTreeMap<u64, QueryId>,
}

impl Pending {
    /// The number under which the client is told of `query`.
    pub(super) fn enter(&self, query: QueryId) -> u64 {
        let mut numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.last += 1;
        let number = numbers.last;
        numbers.queries.insert(number, query);
        if numbers.queries.len() > PENDING_MAX {
            numbers.queries.pop_first();
        }
        number
    }

    /// What the client means by `number`.
    pub(super) fn find(&self, number: u64) -> Option<QueryId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).queries.get(&number).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_from_one_and_the_oldest_are_forgotten() {
        let pending = Pending::default();
        for ltime in 1..=PENDING_MAX as u64 + 2 {
            assert_eq!(pending.enter(QueryId { ltime, id: 7 }), ltime);
        }
        assert_eq!(pending.find(0), None);
        assert_eq!(pending.find(2), None);
        assert_eq!(pending.find(3), Some(QueryId { ltime: 3, id: 7 }));
    }
}
