//! HTTP/1.1 as a reverse proxy needs it (RFC 9110, RFC 9112): bytes in, decisions and bytes out.
//!
//! No socket, clock or allocation per message is here. The caller owns the buffers and drives:
//!
//! ```text
//! bytes of a client --> Request::parse --> write_request --> bytes to a backend      then its body: Transfer
//! bytes of a backend -> Response::parse -> write_response -> bytes to the client     then its body: Transfer
//! ```
//!
//! A message that two readers could understand in two ways is how requests are smuggled, so everything that is not
//! exactly right in what decides where a message ends is a [`Refusal`] with its reason in words. The same bytes give the same
//! outcome however they were cut on the way.

#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod chunked;
mod field;
mod framing;
mod hop;
mod parse;
mod refusal;
mod request;
mod response;
mod survey;
mod target;
mod transfer;
mod write;

pub use chunked::{CHUNK_LINE_BYTES_MAX, Chunked, EXTENSION_BYTES_SPARE, Step, TRAILER_BYTES_MAX};
pub use framing::{Body, Version};
pub use hop::Hop;
pub use parse::{FIELDS_MAX, HEAD_BYTES_MAX, Slots};
pub use refusal::Refusal;
pub use request::Request;
pub use response::{Asked, Response};
pub use survey::CONNECTION_NAMES_MAX;
pub use target::Target;
pub use transfer::{CutShort, Move, Transfer, is_trailer};
pub use write::{ToClient, write_request, write_response};
