//! The first bytes of a value: what it is and how much follows.

use crate::DecodeError;

/// A value's kind. Lengths are as claimed by the sender, not yet checked against anything.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Head {
    Nil,
    Bool(bool),
    /// Any of the integer formats; 128 bits hold both `u64` and `i64`.
    Int(i128),
    Float(f64),
    /// Text or bytes of this length: the raw family (`a0..bf`, `d9..db`) or `bin` (`c4..c6`).
    Raw(usize),
    /// Elements that follow.
    Array(usize),
    /// Pairs that follow.
    Map(usize),
    /// An extension's bytes, its type byte included.
    Ext(usize),
}

impl Head {
    /// Reads a head from the start of `bytes`; also says how many bytes it took.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, usize), DecodeError> {
        let (&first, rest) = bytes.split_first().ok_or(DecodeError::Truncated)?;
        let low = |mask: u8| usize::from(first & mask);
        let (head, extra) = match first {
            0x00..=0x7f => (Self::Int(i128::from(first)), 0),
            0x80..=0x8f => (Self::Map(low(0x0f)), 0),
            0x90..=0x9f => (Self::Array(low(0x0f)), 0),
            0xa0..=0xbf => (Self::Raw(low(0x1f)), 0),
            0xc0 => (Self::Nil, 0),
            0xc1 => return Err(DecodeError::Msgpack("the reserved byte c1")),
            0xc2 => (Self::Bool(false), 0),
            0xc3 => (Self::Bool(true), 0),
            0xc4 | 0xd9 => (Self::Raw(length8(rest)?), 1),
            0xc5 | 0xda => (Self::Raw(length16(rest)?), 2),
            0xc6 | 0xdb => (Self::Raw(length32(rest)?), 4),
            0xc7 => (Self::Ext(length8(rest)?.saturating_add(1)), 1),
            0xc8 => (Self::Ext(length16(rest)?.saturating_add(1)), 2),
            0xc9 => (Self::Ext(length32(rest)?.saturating_add(1)), 4),
            0xca => (Self::Float(f64::from(f32::from_be_bytes(array(rest)?))), 4),
            0xcb => (Self::Float(f64::from_be_bytes(array(rest)?)), 8),
            0xcc => (Self::Int(i128::from(u8::from_be_bytes(array(rest)?))), 1),
            0xcd => (Self::Int(i128::from(u16::from_be_bytes(array(rest)?))), 2),
            0xce => (Self::Int(i128::from(u32::from_be_bytes(array(rest)?))), 4),
            0xcf => (Self::Int(i128::from(u64::from_be_bytes(array(rest)?))), 8),
            0xd0 => (Self::Int(i128::from(i8::from_be_bytes(array(rest)?))), 1),
            0xd1 => (Self::Int(i128::from(i16::from_be_bytes(array(rest)?))), 2),
            0xd2 => (Self::Int(i128::from(i32::from_be_bytes(array(rest)?))), 4),
            0xd3 => (Self::Int(i128::from(i64::from_be_bytes(array(rest)?))), 8),
            0xd4 => (Self::Ext(2), 0),
            0xd5 => (Self::Ext(3), 0),
            0xd6 => (Self::Ext(5), 0),
            0xd7 => (Self::Ext(9), 0),
            0xd8 => (Self::Ext(17), 0),
            0xdc => (Self::Array(length16(rest)?), 2),
            0xdd => (Self::Array(length32(rest)?), 4),
            0xde => (Self::Map(length16(rest)?), 2),
            0xdf => (Self::Map(length32(rest)?), 4),
            0xe0..=0xff => (Self::Int(i128::from(first.cast_signed())), 0),
        };
        Ok((head, 1 + extra))
    }

    /// Bytes that follow the head and belong to this value alone.
    pub(super) fn body_bytes(self) -> usize {
        match self {
            Self::Raw(bytes) | Self::Ext(bytes) => bytes,
            _ => 0,
        }
    }

    /// Values nested directly in this one.
    pub(super) fn children(self) -> u64 {
        match self {
            Self::Array(elements) => elements as u64,
            Self::Map(pairs) => 2 * pairs as u64,
            _ => 0,
        }
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], DecodeError> {
    bytes.first_chunk().copied().ok_or(DecodeError::Truncated)
}

fn length8(bytes: &[u8]) -> Result<usize, DecodeError> {
    Ok(usize::from(u8::from_be_bytes(array(bytes)?)))
}

fn length16(bytes: &[u8]) -> Result<usize, DecodeError> {
    Ok(usize::from(u16::from_be_bytes(array(bytes)?)))
}

fn length32(bytes: &[u8]) -> Result<usize, DecodeError> {
    // Saturates only where `usize` has 16 bits, and is then refused for its size.
    Ok(usize::try_from(u32::from_be_bytes(array(bytes)?)).unwrap_or(usize::MAX))
}
