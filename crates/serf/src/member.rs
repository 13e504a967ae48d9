//! A member as Serf sees it.

use alloc::sync::Arc;
use core::ops::Deref;
use muster_swim::{Announcement, Named};
use muster_wire::tags::{self, Tags};

/// Serf's member states.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Status {
    /// Present.
    Alive,
    /// Said it will leave; still answers.
    Leaving,
    /// Left by itself, or was told to after it failed.
    Left,
    /// Found dead.
    Failed,
}

impl Status {
    /// The word Serf's command line and RPC use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Leaving => "leaving",
            Self::Left => "left",
            Self::Failed => "failed",
        }
    }
}

/// A member and everything Serf knows of it. Reads as its announcement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its name, address, tags and versions. The name is any text; never a path, a line of a file or a command.
    pub announced: Arc<Announcement>,
    /// Lamport time of the last accepted intent.
    pub status_ltime: u64,
    /// Its state.
    pub status: Status,
}

impl Member {
    /// Its tags, decoded anew each time: a cluster has many members, and few of them are looked at.
    pub fn tags(&self) -> Tags {
        tags::decode(&self.meta)
    }
}

impl Deref for Member {
    type Target = Announcement;
    fn deref(&self) -> &Announcement {
        &self.announced
    }
}

impl Named for Member {
    fn name(&self) -> &str {
        &self.announced.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A simulation of 10,000 nodes in one process holds 10^8 of these.
    #[test]
    fn a_member_takes_24_bytes() {
        assert_eq!(size_of::<Option<Member>>(), 24);
    }
}
