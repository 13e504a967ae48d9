//! A member as Serf sees it.

use alloc::string::String;
use muster_swim::Instant;
use muster_wire::{RawAddr, Versions, tags::Tags};

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

/// A member and everything Serf knows of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Node name: any text; never a path, a line of a file or a command.
    pub name: String,
    /// Advertised address, verbatim.
    pub addr: RawAddr,
    /// Advertised port.
    pub port: u16,
    /// Decoded meta.
    pub tags: Tags,
    /// Its state.
    pub status: Status,
    /// Lamport time of the last accepted intent.
    pub status_ltime: u64,
    /// When `status` last changed.
    pub since: Instant,
    /// Announced versions.
    pub versions: Versions,
}
