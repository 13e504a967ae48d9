//! Tags: the text map a member carries in its meta bytes (Serf's `encodeTags` and `decodeTags`).

use crate::DecodeError;
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
/// is not UTF-8 is left out alone. Nothing is read beyond [`META_BYTES_MAX`], which no honest member exceeds: memberlist
/// itself refuses to announce more.
pub fn decode(meta: &[u8]) -> Tags {
    let mut tags = Tags::new();
    let meta = meta.get(..META_BYTES_MAX).unwrap_or(meta);
    match meta.split_first() {
        Some((&MAP_FOLLOWS, map)) => {
            // What the error was does not matter: what came before it stays.
            let _ = read_map(&mut Reader::new(map), &mut tags);
        }
        _ => insert(&mut tags, b"role", meta),
    }
    tags
}

fn read_map(reader: &mut Reader<'_>, tags: &mut Tags) -> Result<(), DecodeError> {
    for _ in 0..reader.map()? {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tags<const N: usize>(pairs: [(&str, &str); N]) -> Tags {
        pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn tags_survive_the_trip_and_are_written_in_order() {
        let both = tags([("role", "web"), ("dc", "x1")]);
        assert_eq!(encode(&both), b"\xff\x82\xa2dc\xa2x1\xa4role\xa3web");
        assert_eq!(decode(&encode(&both)), both);
    }

    #[test]
    fn meta_without_the_marker_is_a_bare_role() {
        assert_eq!(decode(b"web"), tags([("role", "web")]));
        assert_eq!(decode(b""), tags([("role", "")]));
    }

    #[test]
    fn no_tags_may_be_an_empty_map_or_nil() {
        assert_eq!(decode(b"\xff\x80"), tags([]));
        assert_eq!(decode(b"\xff\xc0"), tags([]));
    }

    #[test]
    fn what_was_read_before_an_error_stays() {
        assert_eq!(decode(b"\xff\x82\xa1a\xa11\xa1b\x07"), tags([("a", "1")]));
        assert_eq!(decode(b"\xff\xdf\xff\xff\xff\xff\xa1a\xa11"), tags([("a", "1")]));
    }

    #[test]
    fn a_tag_that_is_not_text_is_left_out_alone() {
        assert_eq!(decode(b"\xff\x82\xa1a\xa1\xff\xa1b\xa12"), tags([("b", "2")]));
        assert_eq!(decode(b"\xfe"), tags([]));
    }

    #[test]
    fn nothing_is_read_beyond_the_limit() {
        let mut meta = b"\xff\xde\x10\x00".to_vec();
        for number in 0..4096 {
            meta.push(0xa4);
            meta.extend_from_slice(format!("{number:04}").as_bytes());
            meta.push(0xa0);
        }
        assert_eq!(decode(&meta).len(), (META_BYTES_MAX - 4) / 6);
    }
}
