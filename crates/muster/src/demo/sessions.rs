//! Sessions of the demo's web application: in memory, with random ids, bounded in number.
//!
//! Each application has its own, as in many real ones: a visitor sent to another backend starts again at one view.

use rustix::rand::{GetRandomFlags, getrandom};
use std::collections::BTreeMap;

/// Sessions kept; beyond it the one unused for longest is forgotten. About 1.5 MB.
const SESSIONS_MAX: usize = 10_000;

/// An id: 128 random bits as hexadecimal digits.
pub(super) type Id = String;

/// One visit, counted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Visit {
    /// The session's id.
    pub(super) id: Id,
    /// Views of this session, this one included.
    pub(super) views: u64,
    /// The visitor does not know the id yet: send the cookie.
    pub(super) is_new: bool,
}

/// Sessions by id, and ids by the visit that used them last.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    by_id: BTreeMap<Id, Session>,
    by_last_visit: BTreeMap<u64, Id>,
    visits: u64,
}

#[derive(Debug)]
struct Session {
    views: u64,
    last_visit: u64,
}

impl Sessions {
    /// Counts a view of the session `known`; of a new one when the visitor has none or an id that we did not give.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub(super) fn visit(&mut self, known: Option<&str>) -> std::io::Result<Visit> {
        self.visits += 1;
        if let Some(id) = known
            && let Some(session) = self.by_id.get_mut(id)
        {
            self.by_last_visit.remove(&session.last_visit);
            session.views += 1;
            session.last_visit = self.visits;
            self.by_last_visit.insert(self.visits, id.to_owned());
            return Ok(Visit { id: id.to_owned(), views: session.views, is_new: false });
        }
        let id = random_id()?;
        if self.by_id.len() >= SESSIONS_MAX
            && let Some((_, oldest)) = self.by_last_visit.pop_first()
        {
            self.by_id.remove(&oldest);
        }
        self.by_id.insert(id.clone(), Session { views: 1, last_visit: self.visits });
        self.by_last_visit.insert(self.visits, id.clone());
        Ok(Visit { id, views: 1, is_new: true })
    }
}

fn random_id() -> std::io::Result<Id> {
    let mut bytes = [0_u8; 16];
    // Sixteen bytes come whole or not at all: getrandom(2) is never interrupted below 256.
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_of_a_session_are_counted() {
        let mut sessions = Sessions::default();
        let first = sessions.visit(None).unwrap();
        assert!(first.is_new);
        let again = sessions.visit(Some(&first.id)).unwrap();
        assert_eq!(again, Visit { id: first.id.clone(), views: 2, is_new: false });
        assert_eq!(sessions.visit(None).unwrap().views, 1);
    }

    #[test]
    fn an_id_we_did_not_give_gets_a_new_one() {
        let mut sessions = Sessions::default();
        let visit = sessions.visit(Some("0123")).unwrap();
        assert!(visit.is_new);
        assert_eq!(visit.id.len(), 32);
        assert_ne!(visit.id, sessions.visit(Some("0123")).unwrap().id);
    }

    #[test]
    fn the_session_unused_for_longest_is_forgotten_first() {
        let mut sessions = Sessions::default();
        let used = sessions.visit(None).unwrap().id;
        let unused = sessions.visit(None).unwrap().id;
        sessions.visit(Some(&used)).unwrap();
        for _ in 0..SESSIONS_MAX - 1 {
            sessions.visit(None).unwrap();
        }
        assert_eq!(sessions.by_id.len(), SESSIONS_MAX);
        assert_eq!(sessions.by_last_visit.len(), SESSIONS_MAX);
        assert_eq!(sessions.visit(Some(&used)).unwrap().views, 3);
        assert!(sessions.visit(Some(&unused)).unwrap().is_new);
    }
}
