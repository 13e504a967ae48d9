//! The chunked coding (RFC 9112, 7.1), read as it comes in.
//!
//! The reader says what each run of bytes is, so that its caller may pass all of it on unchanged or the data alone. Every byte
//! before the trailers is judged by itself and nothing is kept; trailers are judged when they are whole.

use crate::parse::FIELDS_MAX;
use crate::parse::check_line_ends;
use crate::refusal::Refusal;
use httparse::{EMPTY_HEADER, Status};

/// Longest line of a chunk's size with its extensions. The longest in use are signatures of about 90 bytes.
pub const CHUNK_LINE_BYTES_MAX: u16 = 256;

/// How many bytes of extensions may come before there is as much data: each chunk of one byte could bring 250 that somebody
/// has to read.
pub const EXTENSION_BYTES_SPARE: u32 = 16 * 1024;

/// Longest trailer section. It is kept until it is whole.
pub const TRAILER_BYTES_MAX: usize = 8 * 1024;

/// The size's digits; leading zeros count, nobody needs them.
const DIGITS_MAX: u8 = 16;

/// A reader of chunks.
#[derive(Clone, Debug)]
pub struct Chunked {
    state: State,
    /// Of the size that is being read, or of the chunk.
    left: u64,
    digits: u8,
    line_bytes: u16,
    spare: u32,
    allows_padding: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Size,
    /// White space behind the size.
    Padding,
    Extension,
    /// The LF of the line of the size.
    SizeEnd,
    Data,
    DataCr,
    DataLf,
    Trailers,
    Done,
}

/// What the next bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Nothing can be said without more.
    More,
    /// So many bytes of sizes, extensions and line ends.
    Framing(usize),
    /// So many bytes of the body.
    Data(usize),
    /// So many bytes of trailer fields with the empty line, at least one field; the body is over.
    Trailers(usize),
    /// So many bytes, the last empty line; the body is over.
    End(usize),
}

impl Chunked {
    /// A reader of a body from its beginning. `allows_padding`: spaces between a size and its line's end are let pass, because
    /// some old servers write sizes of a fixed width. No client does.
    pub fn new(allows_padding: bool) -> Self {
        Self {
            state: State::Size,
            left: 0,
            digits: 0,
            line_bytes: 0,
            spare: EXTENSION_BYTES_SPARE,
            allows_padding,
        }
    }

    /// Whether the last step was the last.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Says what `bytes` begin with. The caller takes what a step counts before it asks again; after [`Step::More`] it asks with the
    /// same bytes and more behind them.
    ///
    /// # Errors
    /// A [`Refusal`]. The reader is of no use then.
    pub fn step(&mut self, bytes: &[u8]) -> Result<Step, Refusal> {
        match self.state {
            _ if bytes.is_empty() => Ok(Step::More),
            State::Data => {
                let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                self.left -= count as u64;
                self.spare = self.spare.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
                self.spare = self.spare.min(EXTENSION_BYTES_SPARE);
                if self.left == 0 {
                    self.state = State::DataCr;
                }
                Ok(Step::Data(count))
            }
            State::Trailers => self.trailers(bytes),
            State::Done => Ok(Step::More),
            _ => {
                for (count, byte) in bytes.iter().enumerate() {
                    if matches!(self.state, State::Data | State::Trailers) {
                        return Ok(Step::Framing(count));
                    }
                    self.framing(*byte)?;
                }
                Ok(Step::Framing(bytes.len()))
            }
        }
    }

    /// One byte between the data.
    fn framing(&mut self, byte: u8) -> Result<(), Refusal> {
        let (state, next) = (self.state, byte);
        if matches!(state, State::Size | State::Padding | State::Extension) {
            self.line_bytes += 1;
            if self.line_bytes > CHUNK_LINE_BYTES_MAX {
                return Err(Refusal::ChunkLineTooLong);
            }
        }
        self.state = match (state, next) {
            (State::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).unwrap_or(0);
                self.digits += 1;
                let is_large = self.digits > DIGITS_MAX || self.left > (i64::MAX as u64) >> 4;
                if is_large {
                    return Err(Refusal::ChunkTooLarge);
                }
                self.left = self.left << 4 | u64::from(digit);
                State::Size
            }
            (State::Size, _) if self.digits == 0 => return Err(Refusal::ChunkSize),
            (State::Size | State::Padding | State::Extension, b'\r') => State::SizeEnd,
            (State::Size | State::Padding, b';') => State::Extension,
            (State::Size | State::Padding, b' ' | b'\t') if self.allows_padding => State::Padding,
            (State::Size | State::Padding, _) => return Err(Refusal::ChunkSize),
            (State::Extension, b'\t' | b' '..=b'~' | 0x80..) => {
                self.spare = self.spare.checked_sub(1).ok_or(Refusal::TooManyExtensions)?;
                State::Extension
            }
            (State::Extension, _) => return Err(Refusal::ChunkExtension),
            (State::SizeEnd, b'\n') => {
                self.digits = 0;
                self.line_bytes = 0;
                if self.left == 0 { State::Trailers } else { State::Data }
            }
            (State::SizeEnd, _) => return Err(Refusal::BareCr),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size,
            (State::DataCr | State::DataLf, _) => return Err(Refusal::ChunkEnd),
            // These are not judged byte by byte.
            (State::Data | State::Trailers | State::Done, _) => state,
        };
        Ok(())
    }

    fn trailers(&mut self, bytes: &[u8]) -> Result<Step, Refusal> {
        if bytes.starts_with(b"\r\n") {
            self.state = State::Done;
            return Ok(Step::End(2));
        }
        let seen = &bytes[..bytes.len().min(TRAILER_BYTES_MAX)];
        let mut fields = [EMPTY_HEADER; FIELDS_MAX];
        match httparse::parse_headers(seen, &mut fields) {
            Ok(Status::Complete((count, fields))) => {
                check_line_ends(&seen[..count], 0, fields.get(1..).unwrap_or_default())?;
                self.state = State::Done;
                Ok(Step::Trailers(count))
            }
            Ok(Status::Partial) if seen.len() >= TRAILER_BYTES_MAX => Err(Refusal::TrailersTooLong),
            Ok(Status::Partial) => Ok(Step::More),
            Err(httparse::Error::TooManyHeaders) => Err(Refusal::TooManyFields),
            Err(httparse::Error::HeaderValue) => Err(Refusal::FieldValue),
            Err(httparse::Error::NewLine) => Err(Refusal::BareCr),
            Err(_) => Err(Refusal::FieldName),
        }
    }
}
