//! msgpack as memberlist and Serf speak it.
//!
//! Gossip and RPC use the same values but two *dialects* for text and bytes ([`Dialect`]). Reading accepts both
//! everywhere; writing picks one.
//!
//! | idea | file |
//! |---|---|
//! | one value's first bytes: its kind and length | `head` |
//! | where a value ends, found in steps as bytes arrive | [`Extent`] |
//! | reading values and structures | [`Reader`], [`Decode`] |
//! | writing them, keys in the reference's order | [`Writer`], [`Encode`] |
//! | a structure as a table of keys and fields | `record!` |
//!
//! A structure is a map whose keys are Go's field names. On input the order of keys does not matter, unknown keys are
//! skipped, missing keys and nil mean the zero value, and an array holding the values in Go's order of declaration is
//! accepted too: that is how go-msgpack reads.

mod extent;
mod head;
mod reader;
mod record;
mod writer;

pub use crate::record;
pub use extent::Extent;
pub use reader::{Decode, ELEMENTS_MAX, Reader};
pub use record::Keys;
pub use writer::{Dialect, Encode, IsEmpty, NilIfEmpty, OmitIfEmpty, Writer};

#[cfg(test)]
mod tests;
