//! What a node announces of itself, kept once however many remember it.
//!
//! Every member of a cluster remembers every other, and all remember the same words. So an announcement never changes and
//! is shared: by this layer, by the one above, and, where many cores live in one process, by all of them.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Debug;
use core::net::SocketAddr;
use muster_wire::memberlist::Alive;
use muster_wire::{RawAddr, Versions};

/// From this memberlist version on, a ping on a stream is answered.
const ANSWERS_STREAM_PINGS: u8 = 3;
/// From this memberlist version on, a relay tells us when the target stayed silent.
const SENDS_NACKS: u8 = 4;
/// From this memberlist version on, a CRC before a packet is understood.
const READS_CRC: u8 = 5;

/// A node as it announces itself: all of an `alive` message but its incarnation.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Announcement {
    /// Node name.
    pub name: Arc<str>,
    /// Advertised address, verbatim.
    pub addr: RawAddr,
    /// Advertised port.
    pub port: u16,
    /// Serf's tags, opaque here.
    pub meta: Vec<u8>,
    /// Announced versions.
    pub versions: Versions,
}

impl Announcement {
    /// Where the node is.
    pub fn socket_addr(&self) -> SocketAddr {
        SocketAddr::new(self.addr.ip(), self.port)
    }

    /// What the node says in the life of this incarnation.
    pub(crate) fn alive(&self, incarnation: u32) -> Alive<'_> {
        Alive {
            incarnation,
            node: &self.name,
            addr: self.addr,
            port: self.port,
            meta: &self.meta,
            versions: Some(self.versions),
        }
    }

    /// Whether `alive` names another address than this does.
    pub(crate) fn is_elsewhere(&self, alive: &Alive<'_>) -> bool {
        self.addr != alive.addr || self.port != alive.port
    }

    /// Whether `alive` announces the same.
    pub(crate) fn is_repeated_by(&self, alive: &Alive<'_>, versions: Versions) -> bool {
        !self.is_elsewhere(alive) && self.meta == alive.meta && self.versions == versions
    }

    pub(crate) fn answers_stream_pings(&self) -> bool {
        self.versions.protocol_max() >= ANSWERS_STREAM_PINGS
    }

    pub(crate) fn sends_nacks(&self) -> bool {
        self.versions.protocol_max() >= SENDS_NACKS
    }

    pub(crate) fn reads_crc(&self) -> bool {
        self.versions.protocol_max() >= READS_CRC
    }
}

/// Keeps one copy of equal announcements for all cores of a process; called for each that is new to a core.
///
/// For simulations: 10,000 nodes that know each other hold 100 million announcements, 10,000 of them different.
pub trait Intern: Debug + Send + Sync {
    /// The copy to keep.
    fn intern(&self, new: Announcement) -> Arc<Announcement>;
}
