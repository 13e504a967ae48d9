//! Tags: the text map a member carries in its meta bytes.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// memberlist's limit on meta, tag header included.
pub const META_BYTES_MAX: usize = 512;

/// Tags by name, in a stable order.
pub type Tags = BTreeMap<String, String>;

/// Meta bytes for `tags` (Serf protocol 3 and later): `ff`, then a map.
pub fn encode(tags: &Tags) -> Vec<u8> {
    let _ = tags;
    todo!()
}

/// Tags from meta bytes. Meta that does not begin with `ff` is the bare `role` of protocol 2; unreadable meta yields
/// what could be read before the error, so that one bad tag does not hide a member.
pub fn decode(meta: &[u8]) -> Tags {
    let _ = meta;
    todo!()
}
