//! Tags: the text map a member carries in its meta bytes (Serf's `encodeTags` and `decodeTags`).

use crate::msgpack::{Dialect, Reader, Writer};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// memberlist's limit on meta, tag header included.
pub const META_BYTES_MAX: usize = 512;

/// Tags by name, in a stable order.
pub type Tags = BTreeMap<String, String>;

/// First byte of meta that holds a map. No UTF-8 text begins with it, so no `role` of protocol 2 can.
const MAP_FOLLOWS: u8 = 0xff;

/// Meta bytes for `tags` (Serf protocol 3 and later): `ff`, then a map. May exceed [`META_BYTES_MAX`]; the caller checks.
pub fn encode(tags: &Tags) -> Vec<u8> {
    let mut meta = Vec::new();
    meta.push(MAP_FOLLOWS);
    let mut writer = Writer::new(Dialect::Gossip, &mut meta);
    writer.map(tags.len());
    for (name, value) in tags {
        writer.str(name);
        writer.str(value);
    }
    meta
}

/// Tags from meta bytes. Meta that does not begin with `ff` is the bare `role` of protocol 2, so empty meta is an empty
/// role.
///
/// Unreadable meta yields what could be read before the error, so that one bad tag does not hide a member. A tag that
/// is not UTF-8 is left out alone.
pub fn decode(meta: &[u8]) -> Tags {
    let mut tags = Tags::new();
    match meta.split_first() {
        Some((&MAP_FOLLOWS, map)) => {
            // What the error was does not matter: what came before it stays.
            let _ = read_map(&mut Reader::new(map), &mut tags);
        }
        _ => insert(&mut tags, b"role", meta),
    }
    tags
}

fn read_map(reader: &mut Reader<'_>, tags: &mut Tags) -> Result<(), crate::DecodeError> {
    if reader.take_nil() {
        return Ok(());
    }
    for _ in 0..reader.map()? {
        reader.count_element()?;
        let (name, value) = (reader.raw()?, reader.value()?);
        insert(tags, name, value);
    }
    Ok(())
}

fn insert(tags: &mut Tags, name: &[u8], value: &[u8]) {
    if let (Ok(name), Ok(value)) = (str::from_utf8(name), str::from_utf8(value)) {
        tags.insert(name.into(), value.into());
    }
}
