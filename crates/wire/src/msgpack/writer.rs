//! Writing values byte for byte as go-msgpack does.

use super::record::Keys;
use alloc::vec::Vec;

/// How text and bytes are written. Everything else is the same in both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// Gossip, and the tags inside it: msgpack before 2013. Text and bytes are one family, with
    /// lengths of 5, 16 or 32 bits; never `str8`, never `bin`.
    Gossip,
    /// Serf's RPC: today's msgpack, with `str8` for text and `bin` for bytes.
    Rpc,
}

/// Appends msgpack values to a buffer.
#[derive(Debug)]
pub struct Writer<'o> {
    out: &'o mut Vec<u8>,
    dialect: Dialect,
}

/// What can be written as a msgpack value.
pub trait Encode {
    /// Writes one value.
    fn encode(&self, writer: &mut Writer<'_>);

    /// Whether a structure leaves out the key and this value (`omitempty` in Go).
    fn is_omitted(&self) -> bool {
        false
    }
}

impl<'o> Writer<'o> {
    /// A writer that appends to `out`.
    pub fn new(dialect: Dialect, out: &'o mut Vec<u8>) -> Self {
        Self { out, dialect }
    }

    /// Writes any value.
    pub fn value(&mut self, value: &(impl Encode + ?Sized)) {
        value.encode(self);
    }

    /// Writes a structure as a map: keys in ascending byte order, as go-msgpack sorts them.
    pub fn record(&mut self, fields: &mut [(&str, &dyn Encode)]) {
        fields.sort_unstable_by_key(|&(key, _)| key);
        self.map(fields.iter().filter(|(_, value)| !value.is_omitted()).count());
        for (key, value) in fields.iter().filter(|(_, value)| !value.is_omitted()) {
            self.str(key);
            value.encode(self);
        }
    }

    /// Writes a structure that is a table, as [`Writer::record`] does: `values` stand in Go's order.
    #[expect(clippy::indexing_slicing, reason = "`ascending` holds places in an array of this length")]
    pub fn fields<const N: usize>(&mut self, keys: &Keys<N>, values: [&dyn Encode; N]) {
        let sorted = keys.ascending.map(|place| (keys.names[place], values[place]));
        self.map(sorted.iter().filter(|(_, value)| !value.is_omitted()).count());
        for (key, value) in sorted.iter().filter(|(_, value)| !value.is_omitted()) {
            self.str(key);
            value.encode(self);
        }
    }

    /// Writes nil.
    pub fn nil(&mut self) {
        self.out.push(0xc0);
    }

    /// Writes text.
    pub fn str(&mut self, text: &str) {
        match (length(text.len()), self.dialect) {
            (short @ 0..=31, _) => self.out.push(0xa0 | low_byte(short)),
            (bytes @ 32..=0xff, Dialect::Rpc) => self.head(0xd9, &low_byte(bytes).to_be_bytes()),
            (bytes, _) => self.sized(bytes, 0xda, 0xdb),
        }
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Writes bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        match (length(bytes.len()), self.dialect) {
            (short @ 0..=31, Dialect::Gossip) => self.out.push(0xa0 | low_byte(short)),
            (length, Dialect::Gossip) => self.sized(length, 0xda, 0xdb),
            (length @ 0..=0xff, Dialect::Rpc) => self.head(0xc4, &low_byte(length).to_be_bytes()),
            (length, Dialect::Rpc) => self.sized(length, 0xc5, 0xc6),
        }
        self.out.extend_from_slice(bytes);
    }

    /// Writes the head of an array; `elements` values must follow.
    pub fn array(&mut self, elements: usize) {
        match length(elements) {
            short @ 0..=15 => self.out.push(0x90 | low_byte(short)),
            long => self.sized(long, 0xdc, 0xdd),
        }
    }

    /// Writes the head of a map; `pairs` keys and values must follow.
    pub fn map(&mut self, pairs: usize) {
        match length(pairs) {
            short @ 0..=15 => self.out.push(0x80 | low_byte(short)),
            long => self.sized(long, 0xde, 0xdf),
        }
    }

    /// Writes a number that is not negative in its shortest form.
    pub fn uint(&mut self, value: u64) {
        if let Ok(byte) = u8::try_from(value) {
            match byte {
                0..=0x7f => self.out.push(byte),
                _ => self.head(0xcc, &byte.to_be_bytes()),
            }
        } else if let Ok(value) = u16::try_from(value) {
            self.head(0xcd, &value.to_be_bytes());
        } else if let Ok(value) = u32::try_from(value) {
            self.head(0xce, &value.to_be_bytes());
        } else {
            self.head(0xcf, &value.to_be_bytes());
        }
    }

    /// Writes a signed number in its shortest form; one that is not negative as [`uint`](Self::uint) does.
    pub fn int(&mut self, value: i64) {
        if let Ok(positive) = u64::try_from(value) {
            self.uint(positive);
        } else if let Ok(value) = i8::try_from(value) {
            match value {
                -32..=-1 => self.out.push(value.cast_unsigned()),
                _ => self.head(0xd0, &value.to_be_bytes()),
            }
        } else if let Ok(value) = i16::try_from(value) {
            self.head(0xd1, &value.to_be_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.head(0xd2, &value.to_be_bytes());
        } else {
            self.head(0xd3, &value.to_be_bytes());
        }
    }

    fn sized(&mut self, length: u32, short: u8, long: u8) {
        match u16::try_from(length) {
            Ok(length) => self.head(short, &length.to_be_bytes()),
            Err(_) => self.head(long, &length.to_be_bytes()),
        }
    }

    fn head(&mut self, first: u8, more: &[u8]) {
        self.out.push(first);
        self.out.extend_from_slice(more);
    }
}

fn length(length: usize) -> u32 {
    u32::try_from(length).expect("everything written here was bounded to megabytes when it was accepted")
}

fn low_byte(small: u32) -> u8 {
    let [.., low] = small.to_be_bytes();
    low
}

/// Writes nil instead of an empty list or empty bytes, where Go holds a nil slice.
#[derive(Debug)]
pub struct NilIfEmpty<'v, T: ?Sized>(pub &'v T);

impl<T: Encode + IsEmpty + ?Sized> Encode for NilIfEmpty<'_, T> {
    fn encode(&self, writer: &mut Writer<'_>) {
        if self.0.is_empty() {
            writer.nil();
        } else {
            self.0.encode(writer);
        }
    }
}

/// Leaves the key out when the value is zero or empty.
#[derive(Debug)]
pub struct OmitIfEmpty<'v, T: ?Sized>(pub &'v T);

impl<T: Encode + IsEmpty + ?Sized> Encode for OmitIfEmpty<'_, T> {
    fn encode(&self, writer: &mut Writer<'_>) {
        self.0.encode(writer);
    }
    fn is_omitted(&self) -> bool {
        self.0.is_empty()
    }
}

/// What Go calls the zero value, for the two forms above.
pub trait IsEmpty {
    /// Whether it is.
    fn is_empty(&self) -> bool;
}
impl IsEmpty for u16 {
    fn is_empty(&self) -> bool {
        *self == 0
    }
}
impl IsEmpty for &str {
    fn is_empty(&self) -> bool {
        str::is_empty(self)
    }
}
impl<T> IsEmpty for &[T] {
    fn is_empty(&self) -> bool {
        <[T]>::is_empty(self)
    }
}
impl<T> IsEmpty for Vec<T> {
    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }
}

macro_rules! encode_integers {
    ($($int:ty),* => $method:ident) => {$(
        impl Encode for $int {
            fn encode(&self, writer: &mut Writer<'_>) {
                writer.$method((*self).into());
            }
        }
    )*};
}
encode_integers!(u8, u16, u32, u64 => uint);
encode_integers!(i32, i64 => int);

impl Encode for bool {
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.out.push(if *self { 0xc3 } else { 0xc2 });
    }
}

impl Encode for f32 {
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.head(0xca, &self.to_be_bytes());
    }
}

impl Encode for f64 {
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.head(0xcb, &self.to_be_bytes());
    }
}

impl Encode for &str {
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.str(self);
    }
}

impl Encode for &[u8] {
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.bytes(self);
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, writer: &mut Writer<'_>) {
        match self {
            Some(value) => value.encode(writer),
            None => writer.nil(),
        }
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.array(self.len());
        for element in self {
            element.encode(writer);
        }
    }
}

/// A map, in the order given.
impl<K: Encode, V: Encode> Encode for Vec<(K, V)> {
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.map(self.len());
        for (key, value) in self {
            key.encode(writer);
            value.encode(writer);
        }
    }
}
