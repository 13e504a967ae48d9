//! LZW as Go writes it: least significant bit first, literal width 8 (`compress/lzw` as memberlist's util.go uses it).

use crate::DecodeError;
use alloc::vec::Vec;
use weezl::{BitOrder, LzwStatus, decode, encode};

/// Bytes decoded at a time: small enough for a stack, large enough that the loop costs nothing.
pub(crate) const CHUNK_BYTES: usize = 4096;

/// Decodes in steps, so that the caller decides how much it wants to hold, and when.
pub(crate) struct Decoder<'a> {
    decoder: decode::Decoder,
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { decoder: decode::Decoder::new(BitOrder::Lsb, 8), rest: data }
    }

    /// Appends at most [`CHUNK_BYTES`] to `plain`; whether that was the end. What was decoded is taken off `bytes_left`,
    /// and when it is more than that, nothing is appended.
    pub(crate) fn step(&mut self, plain: &mut Vec<u8>, bytes_left: &mut usize) -> Result<bool, DecodeError> {
        let mut chunk = [0; CHUNK_BYTES];
        let step = self.decoder.decode_bytes(self.rest, &mut chunk);
        self.rest = self.rest.get(step.consumed_in..).unwrap_or_default();
        let decoded = chunk.get(..step.consumed_out).unwrap_or_default();
        let Some(left) = bytes_left.checked_sub(decoded.len()) else {
            let limit = core::mem::take(bytes_left);
            return Err(DecodeError::TooLarge { what: "decompressed bytes", limit });
        };
        *bytes_left = left;
        plain.extend_from_slice(decoded);
        match step.status {
            Ok(LzwStatus::Done) => Ok(true),
            Ok(LzwStatus::Ok) if step.consumed_in > 0 || step.consumed_out > 0 => Ok(false),
            // Like Go's reader, we want the end code: without it something was cut off.
            Ok(_) => Err(DecodeError::Compression("ends early")),
            Err(_) => Err(DecodeError::Compression("not LZW")),
        }
    }
}

/// The bytes that `data` stands for. Never more than `bytes_left` are decoded and kept (a chunk more is seen, to know that
/// there are more); what was decoded is taken off it, whatever the outcome.
pub(crate) fn decompress(data: &[u8], bytes_left: &mut usize) -> Result<Vec<u8>, DecodeError> {
    let limit = *bytes_left;
    let mut decoder = Decoder::new(data);
    let mut plain = Vec::new();
    loop {
        match decoder.step(&mut plain, bytes_left) {
            Ok(true) => return Ok(plain),
            Ok(false) => {}
            Err(DecodeError::TooLarge { what, .. }) => return Err(DecodeError::TooLarge { what, limit }),
            Err(error) => return Err(error),
        }
    }
}

/// `plain`, compressed. Go reads it; its own output differs in bytes, because it resets its table one code earlier.
pub(crate) fn compress(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let result = encode::Encoder::new(BitOrder::Lsb, 8).into_vec(&mut out).encode_all(plain);
    // Every byte is a code of literal width 8, and a `Vec` takes all output.
    debug_assert!(result.status.is_ok());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLENTY: usize = 1 << 20;

    fn open(data: &[u8]) -> Result<Vec<u8>, DecodeError> {
        decompress(data, &mut { PLENTY })
    }

    #[test]
    fn the_reference_is_read() {
        let file = include_str!("../tests/vectors/serf-0.9.4.json");
        let file: serde_json::Value = serde_json::from_str(file).unwrap();
        let bytes = |hex: &serde_json::Value| -> Vec<u8> {
            let digits: Vec<_> = hex.as_str().unwrap().chars().collect();
            let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
            digits.chunks(2).map(byte).collect()
        };
        let vectors = file["vectors"].as_array().unwrap();
        let lzw: Vec<_> = vectors.iter().filter(|vector| vector["layer"] == "lzw").collect();
        assert_eq!(lzw.len(), 3);
        for vector in lzw {
            assert_eq!(open(&bytes(&vector["hex"])), Ok(bytes(&vector["decoded"]["input_hex"])));
        }
    }

    #[test]
    fn what_is_compressed_is_read_again() {
        let noise: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for plain in [&b""[..], b"a", b"hello hello hello", &[0; 100_000], &noise] {
            assert_eq!(open(&compress(plain)).as_deref(), Ok(plain));
        }
    }

    #[test]
    fn cut_and_broken_data_are_errors() {
        let data = compress(b"hello hello hello");
        for cut in 0..data.len() - 1 {
            assert_eq!(open(&data[..cut]), Err(DecodeError::Compression("ends early")), "cut at {cut}");
        }
        // After the clear code only literals may stand; 0x1ff is a code not yet assigned.
        assert_eq!(open(b"\x00\xff\xff\xff"), Err(DecodeError::Compression("not LZW")));
    }

    #[test]
    fn output_stops_at_the_limit_and_is_taken_off_it() {
        let data = compress(&[7; 10_000]);
        let mut left = 10_000;
        assert_eq!(decompress(&data, &mut left).map(|plain| plain.len()), Ok(10_000));
        assert_eq!(left, 0);
        for limit in [0, 1, 4095, 4096, 4097, 9_999] {
            let mut left = limit;
            let refused = DecodeError::TooLarge { what: "decompressed bytes", limit };
            assert_eq!(decompress(&data, &mut left), Err(refused));
            assert_eq!(left, 0, "the work was done and counts");
        }
        let mut left = 10_000;
        assert!(decompress(&data[..data.len() - 3], &mut left).is_err());
        assert!(left < 10_000, "so does work on data that turns out broken");
    }
}
