//! Coordinates: learnt from answered pings, and sent in our acks.

use crate::vivaldi::Coordinate;
use crate::{Event, MemberEvent, Serf};
use core::time::Duration;

impl Serf {
    /// Where a member is in the space of round-trip times, if we measured it; ourselves always. The distance of two is the
    /// estimated round-trip time between them.
    pub fn coordinate(&self, name: &str) -> Option<&Coordinate> {
        if name == self.config.name { Some(self.coordinates.own()) } else { self.coordinates.of(name) }
    }

    /// A probe was answered straight.
    pub(super) fn measured(&mut self, name: &str, round_trip: Duration, ack_payload: &[u8]) {
        if self.coordinates.learn(name, round_trip, ack_payload) {
            self.swim.set_ack_payload(self.coordinates.ack_payload());
        }
    }

    /// A member's place goes with the member.
    pub(super) fn forget_place(&mut self, event: &Event) {
        if let Event::Member(MemberEvent::Reap, member) = event {
            self.coordinates.forget(&member.name);
        }
    }
}
