//! A node's place in the network's latency space (Vivaldi), which Serf adds to memberlist's acks.

use crate::DecodeError;
use crate::msgpack::{Encode, Keys, NilIfEmpty, Writer, record};
use alloc::vec::Vec;

/// First byte of the payload of an ack (ping_delegate.go, `PingVersion`).
const PING_VERSION: u8 = 1;

/// A coordinate as its owner sent it: any dimension, any float. Whoever uses one checks that it is finite and of eight
/// dimensions. Also a value of Serf's RPC.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Coordinate {
    /// The Euclidean part, in seconds.
    pub vec: Vec<f64>,
    /// Confidence: an error estimate without unit.
    pub error: f64,
    /// Correction learned from recent round trips, in seconds.
    pub adjustment: f64,
    /// The part of latency that lies in the access link, in seconds.
    pub height: f64,
}
record!(Coordinate {
    Vec => vec as NilIfEmpty,
    Error => error,
    Adjustment => adjustment,
    Height => height,
});

impl Coordinate {
    /// Reads the payload of an ack. Acks over TCP and forwarded ones have none: do not ask about an empty payload.
    ///
    /// # Errors
    /// Unreadable, or of another version, which is to be ignored.
    pub fn decode_ack(payload: &[u8]) -> Result<Self, DecodeError> {
        super::body(payload, PING_VERSION)?.value()
    }

    /// The payload of an ack, with numbers of 32 bits: both versions of Go's msgpack read them, and seven digits of a latency that is
    /// known to two are enough. The reference sends 64 bits. Acks are most of what an idle cluster sends: this takes 44 bytes
    /// from each.
    pub fn encode_ack(&self) -> Vec<u8> {
        let mut out = Vec::new();
        super::write(PING_VERSION, &Short(self), &mut out);
        out
    }
}

/// A coordinate as acks carry it.
struct Short<'c>(&'c Coordinate);

impl Encode for Short<'_> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what this is for; too large becomes infinite, which nobody takes in"
    )]
    fn encode(&self, writer: &mut Writer<'_>) {
        const KEYS: Keys<4> = Keys::new(["Vec", "Error", "Adjustment", "Height"]);
        let vec: Vec<f32> = self.0.vec.iter().map(|part| *part as f32).collect();
        let [error, adjustment, height] =
            [self.0.error, self.0.adjustment, self.0.height].map(|value| value as f32);
        writer.fields(&KEYS, [&NilIfEmpty(&vec), &error, &adjustment, &height]);
    }
}
