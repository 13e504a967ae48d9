//! One copy of each announcement for all hosts: 10,000 hosts that know each other hold 100 million of them.

use muster_serf::{Announcement, Intern};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// All that was ever announced in a world.
#[derive(Debug, Default)]
pub(crate) struct Sharing(Mutex<HashSet<Arc<Announcement>>>);

impl Intern for Sharing {
    fn intern(&self, new: Announcement) -> Arc<Announcement> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = known.get(&new) {
            return Arc::clone(same);
        }
        let new = Arc::new(new);
        known.insert(Arc::clone(&new));
        new
    }
}
