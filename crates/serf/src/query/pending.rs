//! What we were asked, and may still answer.

use super::{QueryId, RespondError};
use crate::Instant;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use core::net::SocketAddr;
use muster_wire::RawAddr;

/// Queries kept for an answer; beyond it the one heard first gives way.
const COUNT_MAX: usize = 1024;

/// Where answers go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Asker {
    pub(crate) name: String,
    pub(crate) addr: RawAddr,
    pub(crate) port: u16,
    /// How many others are to relay each answer.
    pub(crate) relay_factor: u8,
}

impl Asker {
    pub(crate) fn at(&self) -> SocketAddr {
        SocketAddr::new(self.addr.ip(), self.port)
    }
}

/// A query that may be answered once.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) asker: Asker,
    pub(crate) deadline: Instant,
    pub(crate) is_answered: bool,
}

/// Queries heard lately. Those past their deadline are not sought out: the count bounds them, too.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    by_id: BTreeMap<QueryId, Waiting>,
    by_arrival: VecDeque<QueryId>,
}

impl Pending {
    /// A query that is for us. Its id is new: the window saw to that.
    pub(crate) fn insert(&mut self, id: QueryId, waiting: Waiting) {
        if self.by_id.insert(id, waiting).is_none() {
            self.by_arrival.push_back(id);
        }
        if self.by_arrival.len() > COUNT_MAX
            && let Some(oldest) = self.by_arrival.pop_front()
        {
            self.by_id.remove(&oldest);
        }
    }

    /// The query, if it may be answered now.
    pub(crate) fn get(&mut self, now: Instant, id: QueryId) -> Result<&mut Waiting, RespondError> {
        let waiting = self.by_id.get_mut(&id).ok_or(RespondError::PastDeadline)?;
        if waiting.is_answered {
            Err(RespondError::AlreadySent)
        } else if now > waiting.deadline {
            Err(RespondError::PastDeadline)
        } else {
            Ok(waiting)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn at(secs: u64) -> Instant {
        Instant(Duration::from_secs(secs))
    }

    fn id(id: u32) -> QueryId {
        QueryId { ltime: 1, id }
    }

    fn waiting() -> Waiting {
        let asker = Asker { name: "a".into(), addr: RawAddr::V4([10, 0, 0, 1]), port: 7946, relay_factor: 0 };
        Waiting { asker, deadline: at(3), is_answered: false }
    }

    #[test]
    fn a_query_is_answered_once_and_in_time() {
        let mut pending = Pending::default();
        assert_eq!(pending.get(at(0), id(1)).err(), Some(RespondError::PastDeadline), "never heard of");
        pending.insert(id(1), waiting());
        pending.insert(id(2), waiting());
        assert_eq!(pending.get(at(4), id(2)).err(), Some(RespondError::PastDeadline));
        pending.get(at(3), id(1)).unwrap().is_answered = true;
        assert_eq!(pending.get(at(3), id(1)).err(), Some(RespondError::AlreadySent));
        assert_eq!(pending.get(at(9), id(1)).err(), Some(RespondError::AlreadySent));
    }

    #[test]
    fn the_oldest_gives_way_when_too_many_wait() {
        let mut pending = Pending::default();
        for n in 0..=u32::try_from(COUNT_MAX).unwrap() {
            pending.insert(id(n), waiting());
        }
        assert_eq!((pending.by_id.len(), pending.by_arrival.len()), (COUNT_MAX, COUNT_MAX));
        assert!(pending.get(at(0), id(0)).is_err());
        assert!(pending.get(at(0), id(1)).is_ok());
    }
}
