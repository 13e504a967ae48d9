//! Where everyone is in the space of round-trip times, as far as we have measured.

use crate::vivaldi::{Coordinate, Samples, Vivaldi};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use muster_wire::serf::Coordinate as OnWire;

/// Peers whose place is remembered, some 200 bytes each; beyond it the one first met gives way.
const PEERS_MAX: usize = 4096;

#[derive(Debug)]
struct Peer {
    place: Coordinate,
    samples: Samples,
}

/// Our own place and those of the peers that we measured.
#[derive(Debug)]
pub(crate) struct Coordinates {
    vivaldi: Vivaldi,
    peers: BTreeMap<String, Peer>,
    by_arrival: VecDeque<String>,
}

impl Coordinates {
    /// Nobody measured yet.
    pub(crate) fn new(seed: u64) -> Self {
        Self { vivaldi: Vivaldi::new(seed), peers: BTreeMap::new(), by_arrival: VecDeque::new() }
    }

    /// Where we are.
    pub(crate) fn own(&self) -> &Coordinate {
        self.vivaldi.place()
    }

    /// Where a peer was when it last answered us.
    pub(crate) fn of(&self, peer: &str) -> Option<&Coordinate> {
        self.peers.get(peer).map(|peer| &peer.place)
    }

    /// How often our own place came out as nonsense.
    pub(crate) fn resets(&self) -> u64 {
        self.vivaldi.resets()
    }

    /// What our acks carry.
    pub(crate) fn ack_payload(&self) -> Vec<u8> {
        self.own().to_wire().encode_ack()
    }

    /// Learns from an answered ping and the payload of its ack; whether our own place may have changed. Other versions of
    /// the payload, other dimensions and what is no number are ignored.
    pub(crate) fn learn(&mut self, peer: &str, round_trip: Duration, ack_payload: &[u8]) -> bool {
        let wire = OnWire::decode_ack(ack_payload).ok();
        let Some(place) = wire.as_ref().and_then(Coordinate::from_wire) else { return false };
        if !self.peers.contains_key(peer) {
            self.meet(peer, place);
        }
        let Some(known) = self.peers.get_mut(peer) else { return false };
        let believable = self.vivaldi.learn(&mut known.samples, &place, round_trip);
        if believable {
            known.place = place;
        }
        believable
    }

    fn meet(&mut self, peer: &str, place: Coordinate) {
        if self.peers.len() >= PEERS_MAX
            && let Some(first) = self.by_arrival.pop_front()
        {
            self.peers.remove(&first);
        }
        self.by_arrival.push_back(peer.into());
        self.peers.insert(peer.into(), Peer { place, samples: Samples::default() });
    }

    /// A member was forgotten.
    pub(crate) fn forget(&mut self, peer: &str) {
        if self.peers.remove(peer).is_some() {
            self.by_arrival.retain(|other| other != peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn only_readable_places_of_eight_dimensions_are_learnt() {
        let mut coordinates = Coordinates::new(1);
        let payload = Coordinates::new(2).ack_payload();
        let mut later = payload.clone();
        later[0] = 2;
        let flat = OnWire { vec: vec![0.0; 3], ..OnWire::default() }.encode_ack();
        for bad in [&b""[..], b"\x01", b"\x01\xc0", &later, &flat] {
            assert!(!coordinates.learn("a", MILLI, bad));
        }
        assert_eq!(coordinates.of("a"), None);
        assert!(coordinates.learn("a", MILLI, &payload));
        assert!(coordinates.of("a").is_some());
        assert_ne!(coordinates.own(), Coordinates::new(1).own());
        coordinates.forget("a");
        assert_eq!(coordinates.of("a"), None);
        assert!(coordinates.by_arrival.is_empty());
    }

    #[test]
    fn the_first_met_gives_way_when_too_many_are_measured() {
        let mut coordinates = Coordinates::new(1);
        let payload = Coordinates::new(2).ack_payload();
        for n in 0..=PEERS_MAX {
            coordinates.learn(&format!("n{n}"), MILLI, &payload);
        }
        assert_eq!((coordinates.peers.len(), coordinates.by_arrival.len()), (PEERS_MAX, PEERS_MAX));
        assert!(coordinates.of("n0").is_none() && coordinates.of("n1").is_some());
    }
}
