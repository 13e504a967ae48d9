//! How a picture stands in the file. Pure.
//!
//! There are two slots, written in turn. A process that is killed within a write leaves one of them torn, which its checksum
//! tells, and the other as it was.
//!
//! ```text
//!  8  "MUSTER P"
//!  8  number of the picture; the higher is the newer   little-endian, as all of it: nobody else reads this
//!  4  length of the body
//!  4  CRC-32 of number, length and body
//!     body: the picture in JSON, so that another release can read it
//! ```

use muster_fleet::Picture;

const MAGIC: [u8; 8] = *b"MUSTER P";

/// Length of what stands before the body.
pub(super) const HEAD: usize = 24;

/// Longest body. A picture comes from the agent as one line of at most 8 MiB; read and written anew it is about as long.
pub(super) const BODY_MAX: usize = 16 << 20;

/// Where the slots begin. What is not written costs no memory.
pub(super) const PLACES: [u64; 2] = [0, (HEAD + BODY_MAX) as u64];

/// The number of a picture. It may come around.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Number(pub(super) u64);

impl Number {
    /// That of the picture after this one, which goes into the other slot.
    pub(super) const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// Where this picture goes.
    pub(super) const fn place(self) -> u64 {
        PLACES[(self.0 % 2) as usize]
    }

    fn is_newer_than(self, other: Self) -> bool {
        let ahead = self.0.wrapping_sub(other.0);
        ahead != 0 && ahead < 1 << 63
    }
}

/// Why a slot cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Damaged {
    #[error("nothing was written")]
    Empty,
    #[error("it is not a picture of Muster's")]
    Foreign,
    #[error("it claims to be longer than {BODY_MAX} bytes")]
    Long,
    #[error("it ends too early")]
    Short,
    #[error("it was not written to its end")]
    Torn,
    #[error("its text is not a picture; another release may have written it")]
    Unreadable,
}

/// What stands before a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Head {
    number: Number,
    length: u32,
    checksum: u32,
}

impl Head {
    /// Reads a head; the length that it tells is bounded.
    pub(super) fn parse(bytes: &[u8; HEAD]) -> Result<Self, Damaged> {
        if *bytes == [0; HEAD] {
            return Err(Damaged::Empty);
        }
        let four = |from: usize| u32::from_le_bytes(core::array::from_fn(|at| bytes[from + at]));
        let eight = |from: usize| u64::from_le_bytes(core::array::from_fn(|at| bytes[from + at]));
        if bytes[..8] != MAGIC {
            return Err(Damaged::Foreign);
        }
        let head = Self { number: Number(eight(8)), length: four(16), checksum: four(20) };
        if head.length() > BODY_MAX { Err(Damaged::Long) } else { Ok(head) }
    }

    /// Length of the body.
    pub(super) const fn length(self) -> usize {
        self.length as usize
    }

    /// The picture, if `body` is the whole one that belongs to this head.
    pub(super) fn decode(self, body: &[u8]) -> Result<(Number, Picture), Damaged> {
        if body.len() != self.length() {
            return Err(Damaged::Short);
        }
        if self.checksum != checksum(self.number, self.length, body) {
            return Err(Damaged::Torn);
        }
        let picture = serde_json::from_slice(body).map_err(|_| Damaged::Unreadable)?;
        Ok((self.number, picture))
    }
}

/// What is written for `picture`; `None` if it is too long.
pub(super) fn encode(number: Number, picture: &Picture) -> Option<Vec<u8>> {
    let mut bytes = vec![0; HEAD];
    serde_json::to_writer(&mut bytes, picture).ok()?;
    let length = u32::try_from(bytes.len() - HEAD).ok().filter(|length| *length as usize <= BODY_MAX)?;
    let checksum = checksum(number, length, &bytes[HEAD..]);
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&number.0.to_le_bytes());
    bytes[16..20].copy_from_slice(&length.to_le_bytes());
    bytes[20..24].copy_from_slice(&checksum.to_le_bytes());
    Some(bytes)
}

/// The newest of what the slots have.
pub(super) fn newest(slots: impl IntoIterator<Item = (Number, Picture)>) -> Option<(Number, Picture)> {
    slots.into_iter().reduce(|one, other| if other.0.is_newer_than(one.0) { other } else { one })
}

fn checksum(number: Number, length: u32, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.0.to_le_bytes());
    hasher.update(&length.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_fleet::{Backend, Gossip, Phase, Service, Standing, Terms};
    use proptest::collection::btree_map;
    use proptest::prelude::*;

    fn any_picture() -> impl Strategy<Value = Picture> {
        let standing = prop_oneof![Just(Standing::Ready), Just(Standing::Demoted), Just(Standing::Withdrawn)];
        let backend = (any::<[u8; 4]>(), any::<u16>(), any::<u16>(), standing)
            .prop_map(|(ip, port, weight, standing)| Backend { addr: (ip, port).into(), weight, standing });
        let service = btree_map(".*", backend, 0..4).prop_map(|backends| Service { backends });
        let phase = prop_oneof![Just(Phase::Live), Just(Phase::Warming)];
        (any::<u64>(), any::<u64>(), phase, btree_map(".*", service, 0..3)).prop_map(
            |(epoch, version, phase, services)| Picture {
                epoch,
                version,
                phase,
                services,
                terms: Terms { gossip: Gossip::Sealed, ..Terms::default() },
                refusals: Vec::new(),
            },
        )
    }

    fn decode(bytes: &[u8]) -> Result<(Number, Picture), Damaged> {
        let head = bytes.first_chunk().ok_or(Damaged::Short)?;
        let head = Head::parse(head)?;
        head.decode(bytes.get(HEAD..HEAD + head.length()).ok_or(Damaged::Short)?)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number: u64, picture in any_picture()) {
            let bytes = encode(Number(number), &picture).unwrap();
            prop_assert_eq!(decode(&bytes), Ok((Number(number), picture)));
        }

        /// A kill leaves the beginning of the new over the old. That is the new one only when it is whole.
        #[test]
        fn a_torn_write_is_no_picture(
            old in any_picture(), new in any_picture(), number in 0..u64::MAX - 2, at: proptest::sample::Index,
        ) {
            let old = encode(Number(number), &old).unwrap();
            let bytes = encode(Number(number + 2), &new).unwrap();
            let written = at.index(bytes.len());
            let mut torn = old.clone();
            torn.resize(torn.len().max(written), 0);
            torn[..written].copy_from_slice(&bytes[..written]);
            let expected = if torn == old { Ok(Number(number)) } else { Err(()) };
            let is = decode(&torn).map(|(number, _)| number).map_err(drop);
            // The rest of the old may happen to be the rest of the new.
            prop_assert!(is == expected || is == Ok(Number(number + 2)) && torn.starts_with(&bytes), "{is:?}");
        }

        #[test]
        fn wild_bytes_are_no_panic_and_no_picture(bytes: Vec<u8>, length: u32) {
            prop_assert!(decode(&bytes).is_err());
            let mut head = [1; HEAD];
            head[..8].copy_from_slice(&MAGIC);
            head[16..20].copy_from_slice(&length.to_le_bytes());
            prop_assert_eq!(Head::parse(&head).is_ok(), length as usize <= BODY_MAX);
            prop_assert!(decode(&[&head, bytes.as_slice()].concat()).is_err());
        }
    }

    #[test]
    fn text_of_another_kind_is_told_apart_from_damage() {
        let (number, body) = (Number(3), b"[]");
        let head = Head { number, length: 2, checksum: checksum(number, 2, body) };
        assert_eq!(head.decode(body), Err(Damaged::Unreadable));
        assert_eq!(head.decode(b"[}"), Err(Damaged::Torn));
        assert_eq!(head.decode(b"[] "), Err(Damaged::Short));
        assert_eq!(decode(&[0; 64]), Err(Damaged::Empty));
        assert_eq!(decode(&[7; 64]), Err(Damaged::Foreign));
    }

    #[test]
    fn the_newer_wins_even_when_numbers_come_around() {
        assert!(Number(0).is_newer_than(Number(u64::MAX)) && !Number(u64::MAX).is_newer_than(Number(0)));
        assert!(!Number(4).is_newer_than(Number(4)));
        assert_ne!(Number(u64::MAX).place(), Number(u64::MAX).next().place());
    }
}
