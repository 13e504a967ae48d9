//! A node's place in the network's latency space (Vivaldi), which Serf adds to memberlist's acks.

use crate::DecodeError;
use crate::msgpack::record;
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

    /// The payload of an ack.
    pub fn encode_ack(&self) -> Vec<u8> {
        let mut out = Vec::new();
        super::write(PING_VERSION, self, &mut out);
        out
    }
}
