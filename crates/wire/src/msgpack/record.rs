//! A structure on the wire as a table: its keys beside our fields.

/// Implements [`Decode`](crate::msgpack::Decode) and [`Encode`](crate::msgpack::Encode) for a struct.
///
/// Keys stand in the order in which Go declares the fields, because an array of values comes in that order; they are
/// *written* sorted by name. `as NilIfEmpty` and `as OmitIfEmpty` choose how an empty value is written.
#[macro_export]
macro_rules! record {
    ($record:ty { $($key:ident => $field:ident $(as $form:ident)?),+ $(,)? }) => {
        const _: () = {
            /// Each by its place in Go's order.
            #[allow(clippy::upper_case_acronyms, clippy::enum_variant_names, reason = "Go's own names")]
            enum Key { $($key),+ }
            const COUNT: usize = [$(Key::$key),+].len();
            const KEYS: $crate::msgpack::Keys<COUNT> = $crate::msgpack::Keys::new([$(stringify!($key)),+]);

            impl<'a> $crate::msgpack::Decode<'a> for $record {
                fn decode(reader: &mut $crate::msgpack::Reader<'a>) -> Result<Self, $crate::DecodeError> {
                    $(let mut $field = None;)+
                    reader.fields(&KEYS, |key, reader| {
                        match key {
                            $(Some(key) if key == Key::$key as usize => {
                                $field = Some(reader.field(stringify!($key))?);
                            })+
                            _ => _ = reader.skip()?,
                        }
                        Ok(())
                    })?;
                    Ok(Self {
                        $($field: match $field {
                            Some(value) => value,
                            None => $crate::msgpack::Decode::absent()
                                .map_err(|error: $crate::DecodeError| error.in_field(stringify!($key)))?,
                        },)+
                    })
                }

                fn absent() -> Result<Self, $crate::DecodeError> {
                    Ok(Self {
                        $($field: $crate::msgpack::Decode::absent()
                            .map_err(|error: $crate::DecodeError| error.in_field(stringify!($key)))?,)+
                    })
                }
            }

            impl<'a> $crate::msgpack::Encode for $record {
                fn encode(&self, writer: &mut $crate::msgpack::Writer<'_>) {
                    writer.fields(&KEYS, [
                        $($crate::record!(@form self.$field $(, $form)?),)+
                    ]);
                }
            }
        };
    };
    (@form $value:expr) => { &$value };
    (@form $value:expr, $form:ident) => { &$crate::msgpack::$form(&$value) };
}
/// A structure's keys in Go's order of declaration, and how they sort.
///
/// The order of writing is that of the names, and so, nearly always, is that of reading. It is found once, when this is
/// compiled: a push/pull has thousands of records.
#[derive(Debug)]
pub struct Keys<const N: usize> {
    pub(super) names: [&'static str; N],
    /// Places in `names`, by ascending name.
    pub(super) ascending: [usize; N],
    /// The names as numbers: to compare those is one instruction.
    words: [u128; N],
}

/// Longest key that is found by its number.
const WORD_BYTES: usize = size_of::<u128>();

impl<const N: usize> Keys<N> {
    #[expect(clippy::indexing_slicing, reason = "computed when this is compiled, and so would panic then")]
    /// They are sorted here.
    pub const fn new(names: [&'static str; N]) -> Self {
        let (mut ascending, mut words) = ([0; N], [0; N]);
        let mut at = 0;
        while at < N {
            let (mut rank, mut other) = (0, 0);
            while other < N {
                rank += is_less(names[other].as_bytes(), names[at].as_bytes()) as usize;
                other += 1;
            }
            ascending[rank] = at;
            words[at] = word(names[at].as_bytes());
            at += 1;
        }
        Self { names, ascending, words }
    }

    /// Whether `bytes` begin with the short text that is the key of rank `turn`; its place in Go's order, and what follows.
    pub(super) fn expect<'a>(&self, bytes: &'a [u8], turn: usize) -> Option<(usize, &'a [u8])> {
        let place = *self.ascending.get(turn)?;
        let (name, word) = (self.names.get(place)?, self.words.get(place)?);
        let (&head, text) = bytes.split_first()?;
        let is_long = usize::from(head ^ 0xa0) == name.len();
        let found = u128::from_le_bytes(*text.first_chunk()?) & mask(name.len());
        (is_long && name.len() <= WORD_BYTES && found == *word)
            .then(|| Some((place, text.get(name.len()..)?)))?
    }

    /// The place of a key in Go's order; `None` if it is no key of this structure. `turn` is the rank of the key that
    /// comes next if all come sorted, and is moved on.
    pub(super) fn find(&self, key: &[u8], turn: &mut usize) -> Option<usize> {
        let is_it = |place: &usize| self.names.get(*place).is_some_and(|name| name.as_bytes() == key);
        let rank = self.ascending.iter().position(is_it)?;
        *turn = rank + 1;
        self.ascending.get(rank).copied()
    }
}

/// A short name as a number, its first byte the lowest.
#[expect(clippy::indexing_slicing, reason = "computed when this is compiled, and so would panic then")]
const fn word(name: &[u8]) -> u128 {
    let (mut word, mut at) = (0, 0);
    while at < name.len() && at < WORD_BYTES {
        word |= (name[at] as u128) << (at * 8);
        at += 1;
    }
    word
}

/// The bits of a number that a name of that length takes.
fn mask(bytes: usize) -> u128 {
    u128::MAX.checked_shr(u32::try_from(WORD_BYTES.saturating_sub(bytes) * 8).unwrap_or(0)).unwrap_or(0)
}

/// Whether one name sorts before another: `<` is not to be had where constants are computed.
#[expect(clippy::indexing_slicing, reason = "computed when this is compiled, and so would panic then")]
const fn is_less(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() {
        if a[at] != b[at] {
            return a[at] < b[at];
        }
        at += 1;
    }
    a.len() < b.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_text_does_and_are_found_in_any_order() {
        let names = ["Name", "Addr", "Port", "Meta", "Incarnation", "State", "Vsn", "Met", "A"];
        let keys = Keys::new(names);
        let mut sorted = names;
        sorted.sort_unstable();
        assert_eq!(keys.ascending.map(|place| names[place]), sorted);
        let mut turn = 0;
        for name in sorted.iter().chain(&names).chain(sorted.iter().rev()) {
            let place = keys.find(name.as_bytes(), &mut turn);
            assert_eq!(place.map(|place| names[place]), Some(*name));
        }
        assert_eq!(keys.find(b"addr", &mut turn), None);
    }

    #[test]
    fn the_key_whose_turn_it_is_is_found_with_its_length_and_to_its_end() {
        let keys = Keys::new(["LTime", "L", "StatusLTimesOfAll"]);
        let after = b"0123456789abcdef";
        let text = |name: &[u8]| [&[0xa0 | u8::try_from(name.len()).unwrap()][..], name, after].concat();
        for (turn, name) in ["L", "LTime"].into_iter().enumerate() {
            let place = usize::from(name == "L");
            assert_eq!(keys.expect(&text(name.as_bytes()), turn), Some((place, &after[..])));
            assert_eq!(keys.expect(&text(name.as_bytes()), 1 - turn), None);
        }
        assert_eq!(keys.expect(&text(b"LTimf"), 1), None);
        assert_eq!(keys.expect(&text(b"LTimes"), 1), None);
        assert_eq!(keys.expect(b"\xa1L", 0), None, "too little follows to be read at once");
        assert_eq!(keys.expect(&text(b"StatusLTimesOfAll"), 2), None, "too long to be read at once");
        assert_eq!(keys.find(b"StatusLTimesOfAll", &mut 0), Some(2));
    }
}
