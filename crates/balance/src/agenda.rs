//! What is due when, for backends.

use crate::Instant;
use crate::key::Key;
use alloc::collections::BTreeSet;

/// At most one entry for each backend, which keeps the time of its own.
#[derive(Debug, Default)]
pub(crate) struct Agenda(BTreeSet<(Instant, Key)>);

impl Agenda {
    /// Moves a backend's entry, and the time it keeps, to `wanted`.
    pub(crate) fn plan(&mut self, key: Key, kept: &mut Option<Instant>, wanted: Option<Instant>) {
        if *kept != wanted {
            if let Some(at) = *kept {
                self.0.remove(&(at, key));
            }
            self.0.extend(wanted.map(|at| (at, key)));
            *kept = wanted;
        }
    }

    /// Whose time has come. It stays here until it is planned anew.
    pub(crate) fn due(&self, now: Instant) -> Option<Key> {
        self.0.first().filter(|(at, _)| *at <= now).map(|(_, key)| *key)
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.first().map(|(at, _)| *at)
    }
}
