//! Our tags as the meta bytes that memberlist announces.

use crate::TagsTooLong;
use alloc::vec::Vec;
use muster_wire::tags::{self, META_BYTES_MAX, Tags};

/// Meta for `tags`; Serf protocol 2 knows no tags but the role, which it announces bare (serf.go, encodeTags).
pub(crate) fn encode(tags: &Tags, protocol: u8) -> Result<Vec<u8>, TagsTooLong> {
    let meta = if protocol < 3 {
        tags.get("role").map(|role| role.as_bytes().to_vec()).unwrap_or_default()
    } else {
        tags::encode(tags)
    };
    if meta.len() > META_BYTES_MAX { Err(TagsTooLong { bytes: meta.len() }) } else { Ok(meta) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn named(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(name, value)| (String::from(*name), String::from(*value))).collect()
    }

    #[test]
    fn protocol_2_announces_the_bare_role() {
        assert_eq!(encode(&named(&[("dc", "x1"), ("role", "web")]), 2).unwrap(), b"web");
        assert_eq!(encode(&named(&[("dc", "x1")]), 2).unwrap(), b"");
    }

    #[test]
    fn tags_are_read_back() {
        for protocol in 3..=5 {
            let given = named(&[("dc", "x1"), ("role", "web")]);
            let meta = encode(&given, protocol).unwrap();
            assert_eq!(meta[0], 0xff);
            assert_eq!(tags::decode(&meta), given);
        }
    }

    #[test]
    fn no_more_than_512_bytes_are_announced() {
        let fitting = named(&[("role", &"r".repeat(502))]);
        assert_eq!(encode(&fitting, 5).unwrap().len(), 512);
        let too_long = named(&[("role", &"r".repeat(503))]);
        assert_eq!(encode(&too_long, 5), Err(TagsTooLong { bytes: 513 }));
        assert_eq!(encode(&named(&[("role", &"r".repeat(513))]), 2), Err(TagsTooLong { bytes: 513 }));
    }
}
