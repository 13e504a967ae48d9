//! Serf's RPC, which its command line and client libraries speak to an agent: bytes to requests, replies and streamed
//! records, and back, for both sides; and the rules by which an agent holds a session.
//!
//! A connection carries msgpack maps one after the other, without frames. A request is a header (`Command`, `Seq`) and, for
//! most commands, a body; a reply is a header (`Error`, `Seq`) and, for some commands, a result. `stream`, `monitor` and
//! `query` go on under their `Seq`: each record comes behind a reply header of its own. Where a map ends is known from its
//! bytes alone ([`Values`]); what it means, only from what came before ([`Session`] for the agent, the client's own list of
//! what it asked for the other side).
//!
//! | idea | file |
//! |---|---|
//! | whole values out of bytes as they arrive | [`Values`] |
//! | commands, their headers and bodies | [`Command`], [`RequestHeader`], [`Request`] |
//! | replies and results | [`ReplyHeader`], `reply` |
//! | what streams carry | [`EventRecord`], [`QueryRecord`], [`LogRecord`] |
//! | handshake, token, what is refused and how | [`Session`], [`refusal`] |
//!
//! An agent writes:
//!
//! ```
//! # use muster_rpc::{JoinResult, ReplyHeader, write};
//! let mut out = Vec::new();
//! write(&ReplyHeader { seq: 4, error: "" }, &mut out);
//! write(&JoinResult { num: 1 }, &mut out);
//! ```
//!
//! and a client:
//!
//! ```
//! # use muster_rpc::{Request, ReplyHeader, Values, REPLY_BYTES_MAX, read, write_request};
//! let mut out = Vec::new();
//! write_request(1, &Request::Handshake { version: 1 }, &mut out);
//! // Send it, and read:
//! let mut values = Values::new(REPLY_BYTES_MAX);
//! values.push(b"\x82\xa5Error\xa0\xa3Seq\x01");
//! let reply: ReplyHeader<'_> = read(values.next()?.expect("it is whole")).unwrap();
//! assert_eq!((reply.seq, reply.error), (1, ""));
//! # Ok::<(), muster_wire::DecodeError>(())
//! ```
//!
//! Bounds: a value of a request has at most [`REQUEST_BYTES_MAX`] bytes and makes at most [`REQUEST_ELEMENTS_MAX`] list and map
//! elements; one of a reply [`REPLY_BYTES_MAX`]. Nesting has no bound because nothing here recurses.
#![cfg_attr(not(test), no_std)]
// A stranger's number used as an index is how a decoder panics; `get` and `split_at_checked` cannot.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
extern crate alloc;

mod command;
mod member;
mod record;
pub mod refusal;
mod reply;
mod request;
mod session;
mod values;

pub use command::{Command, RequestHeader};
pub use member::{Member, write_members_head};
pub use record::{EventRecord, LogRecord, QueryRecord};
pub use reply::{CoordinateResult, JoinResult, KeysResult, MembersResult, ReplyHeader, Sections};
pub use request::{Query, Request, write_request};
pub use session::{STREAMS_MAX, Session, Step};
pub use values::Values;

use alloc::vec::Vec;
use muster_wire::DecodeError;
use muster_wire::msgpack::{Decode, Dialect, Encode, Reader, Writer};

/// The version a client names in its handshake. There is no other.
pub const VERSION: i32 = 1;
/// Longest header or body of a request. The longest that does anything is a user event of some nine kilobytes.
pub const REQUEST_BYTES_MAX: usize = 64 << 10;
/// List and map elements of one request, all its lists together.
pub const REQUEST_ELEMENTS_MAX: usize = 4096;
/// Longest header, result or record that a client takes: the members of the largest cluster we know of, some times over.
pub const REPLY_BYTES_MAX: usize = 64 << 20;

/// Writes one value as RPC has it.
pub fn write(value: &impl Encode, out: &mut Vec<u8>) {
    Writer::new(Dialect::Rpc, out).value(value);
}

/// Reads one value, as [`Values`] cuts it out.
///
/// # Errors
/// It is another one than is wanted.
pub fn read<'a, T: Decode<'a>>(value: &'a [u8]) -> Result<T, DecodeError> {
    Reader::new(value).value()
}
