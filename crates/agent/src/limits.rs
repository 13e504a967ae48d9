//! What strangers can make gossip hold: every limit, in one place.
//!
//! | what | at most | beyond it |
//! |---|---|---|
//! | one datagram | 64 KiB, and as much again decompressed ([`PACKET_PLAIN_BYTES_MAX`]) | dropped |
//! | one stream message, received or decompressed | 8 MiB ([`MESSAGE_BYTES_MAX`]) | refused as soon as it is known |
//! | buffers of all streams together | 12 MiB ([`STREAM_BYTES_MAX`]) | waits; the longest stalled stream is closed |
//! | messages over 256 KiB ([`LARGE_BYTES`]) | one is read at a time, 8 wait ([`LARGE_QUEUE_MAX`]) | refused |
//! | inbound connections | 256 ([`CONNECTIONS_MAX`]) | the longest stalled one is closed |
//! | push/pulls being answered | 16 ([`EXCHANGES_MAX`]) | wait their turn within their deadline |
//! | answers being written | 8 MiB and one more ([`ANSWER_BYTES_MAX`]) | the next answer is not made before |
//! | members gossip knows | 65,536 | further ones are refused until others are forgotten |
//! | members listed, gone ones included | 65,536 (`muster_serf::snapshot::NODES_MAX`) | who is gone longest is forgotten |
//! | list elements of one Serf state | 131,072 (`muster_wire::msgpack::ELEMENTS_MAX`) | the state is refused |
//! | user events remembered, intents for unknown nodes | 2 MiB, 4096 | the oldest are forgotten |
//! | events that wait to be handed to handlers | 16,384, 8 MiB (`handlers/dispatch.rs`) | dropped, counted, said |
//! | events that wait for one handler | 4,096 unless it says otherwise, 4 MiB (`handlers/lane.rs`) | dropped, counted, said |
//! | output kept of a handler's run | 8 KiB (`muster_events::OUTPUT_BYTES_MAX`) | the last bytes are kept |
//! | keys in a ring; operations on it that wait for the disk | 64, 16 | refused with words |
//!
//! A connection that has sent nothing holds no buffer. One that is read, or that reads our answer, stalls when it moves
//! less than [`PROGRESS_BYTES`] in [`STALL`]: held and dribbling connections are the first to go, and an honest one, which
//! is done within milliseconds, the last.

use std::time::Duration;

pub(crate) use muster_wire::packet::PLAIN_BYTES_MAX as PACKET_PLAIN_BYTES_MAX;
pub(crate) use muster_wire::stream::MESSAGE_BYTES_MAX;

/// What all streams together may hold of messages to us. The largest message fits, and half as much beside it: a push/pull
/// of 20,000 members of 300 bytes, compressed and expanded.
pub(crate) const STREAM_BYTES_MAX: usize = 12 << 20;
/// A longer message is read alone; some 900 members fit below it, uncompressed.
pub(crate) const LARGE_BYTES: usize = 256 << 10;
/// Messages that wait until they may become large.
pub(crate) const LARGE_QUEUE_MAX: usize = 8;
/// Connections others hold open to us.
pub(crate) const CONNECTIONS_MAX: usize = 256;
/// Push/pulls whose answer is made or written.
pub(crate) const EXCHANGES_MAX: usize = 16;
/// Answers being written, together: while they are more, the next one is not made. So one more can be waiting, of
/// whatever length our own state has.
pub(crate) const ANSWER_BYTES_MAX: usize = 8 << 20;
/// Whoever moves fewer bytes than this within [`STALL`] has stalled.
pub(crate) const PROGRESS_BYTES: usize = 4 << 10;
/// See [`PROGRESS_BYTES`].
pub(crate) const STALL: Duration = Duration::from_secs(1);

// The table above says so.
const _: () = assert!(PACKET_PLAIN_BYTES_MAX == 64 << 10 && MESSAGE_BYTES_MAX == 8 << 20);
const _: () = assert!(muster_wire::msgpack::ELEMENTS_MAX == 131_072);
const _: () = assert!(muster_serf::snapshot::NODES_MAX == 65_536);
