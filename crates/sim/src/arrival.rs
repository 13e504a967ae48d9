//! What reaches a host's sockets.

use muster_serf::{Instant, StreamId};

/// A datagram, or news of a stream.
#[derive(Clone, Debug)]
pub(crate) enum Arrival {
    Packet {
        from: u32,
        bytes: Vec<u8>,
    },
    /// Somebody connected and wrote its message.
    Request(Box<Request>),
    /// What came of a stream the host opened.
    Outcome(Box<Outcome>),
}

impl Arrival {
    /// A stream's failure is noticed by the host's own clock at the latest, whatever becomes of the network.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self, Self::Outcome(outcome) if outcome.result.is_err())
    }
}

/// A message on a new stream, and the way back.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) opener: u32,
    /// The opener's life; a later one knows nothing of the stream.
    pub(crate) life: u32,
    /// The opener's number of the stream.
    pub(crate) stream: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) reply: bool,
}

/// The end of a stream, as its opener sees it.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) life: u32,
    pub(crate) stream: u64,
    pub(crate) result: Result<Answer, &'static str>,
}

#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// The other end wrote this.
    Bytes { from: u32, bytes: Vec<u8> },
    /// All was written, and nothing is awaited.
    Written,
}

/// Nanoseconds since the start of the world, of an instant.
pub(crate) fn nanos(at: Instant) -> u64 {
    span(at.0)
}

/// Nanoseconds of a duration.
pub(crate) fn span(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The number of a stream the host opened itself.
pub(crate) fn outbound(stream: StreamId) -> Option<u64> {
    match stream {
        StreamId::Outbound(number) => Some(number),
        StreamId::Inbound(_) => None,
    }
}
