//! One copy of each announcement for all hosts: 10,000 hosts that know each other hold 100 million of them.

use crate::address;
use muster_serf::{Announcement, Intern};
use std::sync::{Arc, Mutex, PoisonError};

/// All that was ever announced in a world, by the host whose address it names: few ever announce two things.
#[derive(Debug, Default)]
pub(crate) struct Sharing(Mutex<Vec<Vec<Arc<Announcement>>>>);

impl Intern for Sharing {
    fn intern(&self, new: Announcement) -> Arc<Announcement> {
        // An address of none is somebody's invention, and not worth a place.
        let Some(host) = address::host_at(new.socket_addr()) else { return Arc::new(new) };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() <= host {
            known.resize_with(host + 1, Vec::new);
        }
        let said = &mut known[host];
        // Mostly what it says now.
        if let Some(same) = said.iter().rev().find(|said| ***said == new) {
            return Arc::clone(same);
        }
        let new = Arc::new(new);
        said.push(Arc::clone(&new));
        new
    }
}
