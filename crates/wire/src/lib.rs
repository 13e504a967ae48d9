//! Bytes to memberlist and Serf messages, and back.
//!
//! Nothing here has state, a clock or a socket. Decoding borrows from the input and never panics, whatever a peer
//! sends; encoding is byte-equal to the reference (HashiCorp Serf 0.9.4) wherever the reference is deterministic.
//!
//! | layer | module |
//! |---|---|
//! | msgpack in its two dialects | [`msgpack`] |
//! | memberlist's messages | [`memberlist`] |
//! | Serf's messages, carried inside memberlist's user messages and push/pull | [`serf`] |
//! | tags in a member's meta | [`tags`] |
//! | datagrams: compound, compression, CRC | [`packet`] |
//! | TCP: where one message ends, push/pull | [`stream`] |
//! | encryption: keys, key ring, sealed bodies | [`crypt`] |
//! | who gets in: label and encryption around datagrams and streams | [`Border`] |
#![cfg_attr(not(test), no_std)]
// A peer's number used as an index is how a decoder panics; `get` and `split_at_checked` cannot.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
extern crate alloc;

mod address;
mod border;
mod compress;
pub mod crypt;
mod error;
mod label;
mod lzw;
pub mod memberlist;
pub mod msgpack;
pub mod packet;
pub mod serf;
pub mod stream;
pub mod tags;
mod versions;

pub use address::RawAddr;
pub use border::{Border, Leg};
pub use error::DecodeError;
pub use label::Label;
pub use versions::Versions;
