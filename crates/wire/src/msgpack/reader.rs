//! Reading values from bytes that somebody else chose.

use super::extent::Extent;
use super::head::Head;
use super::record::Keys;
use crate::DecodeError;
use alloc::vec::Vec;

/// Most list and map elements one message may make us allocate, all its lists together: twice the members anybody keeps.
/// A byte on the wire can claim an element of some 32 bytes in memory, so this bounds what eight megabytes of nothing may
/// cost: 4 MiB.
pub const ELEMENTS_MAX: usize = 1 << 17;

/// Reads msgpack values one after the other. Never panics, never allocates by a stated length.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    elements_left: usize,
    elements_max: usize,
}

/// What can be read from a msgpack value.
pub trait Decode<'a>: Sized {
    /// Reads one value, which is not nil.
    ///
    /// # Errors
    /// The value is of another kind, out of range, or ends early.
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError>;

    /// What nil and a missing key mean: the zero value.
    ///
    /// # Errors
    /// There is no sensible zero: an address, for one.
    fn absent() -> Result<Self, DecodeError>;
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::bounded(bytes, ELEMENTS_MAX)
    }

    /// One that allocates at most `elements` list and map elements.
    pub fn bounded(bytes: &'a [u8], elements: usize) -> Self {
        Self { rest: bytes, elements_left: elements, elements_max: elements }
    }

    /// The bytes not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Reads a value, nil included.
    ///
    /// # Errors
    /// See [`Decode`].
    pub fn value<T: Decode<'a>>(&mut self) -> Result<T, DecodeError> {
        if self.take_nil() { T::absent() } else { T::decode(self) }
    }

    /// Reads the value of a structure's field; errors name the field.
    ///
    /// # Errors
    /// See [`Decode`].
    pub fn field<T: Decode<'a>>(&mut self, field: &'static str) -> Result<T, DecodeError> {
        self.value().map_err(|error| error.in_field(field))
    }

    /// Consumes a nil if one is next.
    pub fn take_nil(&mut self) -> bool {
        let nil = self.rest.first() == Some(&0xc0);
        if nil {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        nil
    }

    /// Reads a structure: calls `each` with a key for every value in it, in the sender's order; `each` must read or skip
    /// that value. `keys` are the structure's keys in Go's order of declaration, which is how they come when the
    /// structure is an array; a value beyond them comes with the key "", and so does one whose key is not UTF-8.
    ///
    /// # Errors
    /// Neither map, array nor nil, or an error of `each`.
    pub fn record(
        &mut self,
        keys: &[&str],
        mut each: impl FnMut(&str, &mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        match self.head()? {
            Head::Nil => {}
            Head::Map(pairs) => {
                for _ in 0..pairs {
                    let key = self.raw()?;
                    each(core::str::from_utf8(key).unwrap_or_default(), self)?;
                }
            }
            Head::Array(elements) => {
                for index in 0..elements {
                    each(keys.get(index).copied().unwrap_or_default(), self)?;
                }
            }
            _ => return Err(DecodeError::Msgpack("neither a map nor an array")),
        }
        Ok(())
    }

    /// The same for a structure that is a table: calls `each` with a key's place in it, `None` for one it has not.
    ///
    /// # Errors
    /// As [`Reader::record`].
    pub fn fields<const N: usize>(
        &mut self,
        keys: &Keys<N>,
        mut each: impl FnMut(Option<usize>, &mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        match self.head()? {
            Head::Nil => {}
            Head::Map(pairs) => {
                let mut turn = 0;
                for _ in 0..pairs {
                    let place = if let Some((place, rest)) = keys.expect(self.rest, turn) {
                        turn += 1;
                        self.rest = rest;
                        Some(place)
                    } else {
                        keys.find(self.raw()?, &mut turn)
                    };
                    each(place, self)?;
                }
            }
            Head::Array(elements) => {
                for index in 0..elements {
                    each(Some(index), self)?;
                }
            }
            _ => return Err(DecodeError::Msgpack("neither a map nor an array")),
        }
        Ok(())
    }

    /// Reads the head of an array: the number of elements it claims. Nil is an empty one.
    ///
    /// # Errors
    /// Not an array.
    pub fn array(&mut self) -> Result<usize, DecodeError> {
        match self.head()? {
            Head::Nil => Ok(0),
            Head::Array(elements) => Ok(elements),
            _ => Err(DecodeError::Msgpack("not an array")),
        }
    }

    /// Reads the head of a map: the number of pairs it claims. Nil is an empty one.
    ///
    /// # Errors
    /// Not a map.
    pub fn map(&mut self) -> Result<usize, DecodeError> {
        match self.head()? {
            Head::Nil => Ok(0),
            Head::Map(pairs) => Ok(pairs),
            _ => Err(DecodeError::Msgpack("not a map")),
        }
    }

    /// Text or bytes. The two families are told apart nowhere: the field decides which is meant, so accepting either
    /// confuses nothing. go-msgpack 2 reads so; 0.5.5 (Serf 0.9.4) refuses `bin` for text, yet nobody writes that.
    ///
    /// # Errors
    /// Neither text nor bytes (nothing is consumed then), or they end early.
    pub fn raw(&mut self) -> Result<&'a [u8], DecodeError> {
        // Nearly all text is short, and there is much of it.
        if let Some((&first @ 0xa0..=0xbf, rest)) = self.rest.split_first() {
            let bytes = usize::from(first & 0x1f);
            let (taken, rest) = rest.split_at_checked(bytes).ok_or(DecodeError::Truncated)?;
            self.rest = rest;
            return Ok(taken);
        }
        match Head::read(self.rest)? {
            (Head::Raw(bytes), head_bytes) => {
                self.take(head_bytes)?;
                self.take(bytes)
            }
            _ => Err(DecodeError::Msgpack("neither text nor bytes")),
        }
    }

    /// Skips one value of any kind and returns its bytes.
    ///
    /// # Errors
    /// No value, or it ends early.
    pub fn skip(&mut self) -> Result<&'a [u8], DecodeError> {
        self.skip_many(1)
    }

    /// Skips `values` values and returns their bytes.
    pub(crate) fn skip_many(&mut self, values: u64) -> Result<&'a [u8], DecodeError> {
        let end = Extent::new(0, values, usize::MAX).advance(self.rest)?.ok_or(DecodeError::Truncated)?;
        self.take(end)
    }

    /// Accounts for one element about to be allocated.
    ///
    /// # Errors
    /// More than [`ELEMENTS_MAX`] in this message, or than this reader is bounded to.
    pub fn count_element(&mut self) -> Result<(), DecodeError> {
        let limit = DecodeError::TooLarge { what: "list elements", limit: self.elements_max };
        self.elements_left = self.elements_left.checked_sub(1).ok_or(limit)?;
        Ok(())
    }

    /// Takes the next `count` bytes as they are.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn head(&mut self) -> Result<Head, DecodeError> {
        let (head, head_bytes) = Head::read(self.rest)?;
        self.take(head_bytes)?;
        Ok(head)
    }

    fn int(&mut self) -> Result<i128, DecodeError> {
        if let Some((&small @ 0..=0x7f, rest)) = self.rest.split_first() {
            self.rest = rest;
            return Ok(i128::from(small));
        }
        match self.head()? {
            Head::Int(value) => Ok(value),
            _ => Err(DecodeError::Msgpack("not an integer")),
        }
    }
}

/// Integers of any width are read, if the value fits. A float is not an integer, as in go-msgpack.
macro_rules! decode_integers {
    ($($int:ty),*) => {$(
        impl<'a> Decode<'a> for $int {
            fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
                Self::try_from(reader.int()?).map_err(|_| DecodeError::Msgpack("integer out of range"))
            }
            fn absent() -> Result<Self, DecodeError> {
                Ok(0)
            }
        }
    )*};
}
decode_integers!(u8, u16, u32, u64, i32, i64);

impl<'a> Decode<'a> for bool {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        match reader.head()? {
            Head::Bool(value) => Ok(value),
            _ => Err(DecodeError::Msgpack("not a boolean")),
        }
    }
    fn absent() -> Result<Self, DecodeError> {
        Ok(false)
    }
}

impl<'a> Decode<'a> for f64 {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        match reader.head()? {
            Head::Float(value) => Ok(value),
            // go-msgpack takes an integer for a float, though not the reverse.
            Head::Int(value) => Ok(value as Self),
            _ => Err(DecodeError::Msgpack("not a number")),
        }
    }
    fn absent() -> Result<Self, DecodeError> {
        Ok(0.0)
    }
}

impl<'a> Decode<'a> for &'a [u8] {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.raw()
    }
    fn absent() -> Result<Self, DecodeError> {
        Ok(&[])
    }
}

impl<'a> Decode<'a> for &'a str {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        // Go's strings are any bytes. Ours reach terminals, files and templates, so they must be text.
        core::str::from_utf8(reader.raw()?).map_err(|_| DecodeError::Msgpack("text that is not UTF-8"))
    }
    fn absent() -> Result<Self, DecodeError> {
        Ok("")
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Option<T> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        T::decode(reader).map(Some)
    }
    fn absent() -> Result<Self, DecodeError> {
        Ok(None)
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Vec<T> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut list = Self::new();
        for _ in 0..reader.array()? {
            reader.count_element()?;
            list.push(reader.value()?);
        }
        Ok(list)
    }
    fn absent() -> Result<Self, DecodeError> {
        Ok(Self::new())
    }
}

/// A map, in the sender's order.
impl<'a, K: Decode<'a>, V: Decode<'a>> Decode<'a> for Vec<(K, V)> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut map = Self::new();
        for _ in 0..reader.map()? {
            reader.count_element()?;
            map.push((reader.value()?, reader.value()?));
        }
        Ok(map)
    }
    fn absent() -> Result<Self, DecodeError> {
        Ok(Self::new())
    }
}
