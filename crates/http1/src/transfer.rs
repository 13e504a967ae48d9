//! A body on its way from one connection to another: which of the bytes that have come may go on, and what goes with them.
//!
//! Where both sides delimit alike the bytes pass unchanged, from the buffer they came in. Else data passes, and the framing of the
//! one side is replaced by that of the other.

use crate::chunked::{Chunked, Step};
use crate::field::Kind;
use crate::framing::Body;
use crate::parse::FIELDS_MAX;
use crate::refusal::Refusal;
use alloc::vec::Vec;
use core::fmt::Write as _;
use httparse::{EMPTY_HEADER, Status};

/// A body on its way.
#[derive(Clone, Debug)]
pub struct Transfer {
    from: From,
    to: To,
    is_done: bool,
}

#[derive(Clone, Debug)]
enum From {
    Length(u64),
    Chunked(Chunked),
    UntilClose,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum To {
    /// As it comes.
    Same,
    /// The data alone.
    Plain,
    /// In chunks of our own; whether one is open, whose end is still to be written.
    Chunks { open: bool },
}

/// What to do with the bytes at hand, in this order: drop [`skip`](Self::skip), write what was put into `lead`, write
/// [`pass`](Self::pass).
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Move {
    /// So many bytes at the front go nowhere.
    pub skip: usize,
    /// So many behind them go on unchanged.
    pub pass: usize,
}

/// The connection ended before the body did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the body was cut short")]
pub struct CutShort;

impl Transfer {
    /// A request's body on its way to a backend, which gets it as it came.
    pub fn of_request(body: Body) -> Self {
        Self::new(body, body, false)
    }

    /// A response's body, which came delimited as `from` and goes on as `to` ([`crate::ToClient::body`]).
    pub fn of_response(from: Body, to: Body) -> Self {
        Self::new(from, to, true)
    }

    fn new(from: Body, to: Body, allows_padding: bool) -> Self {
        let is_done = matches!(from, Body::None | Body::Tunnel);
        let to = match (from, to) {
            (Body::Chunked, Body::UntilClose) => To::Plain,
            (Body::UntilClose, Body::Chunked) => To::Chunks { open: false },
            _ => To::Same,
        };
        let from = match from {
            Body::None | Body::Tunnel => From::Length(0),
            Body::Length(length) => From::Length(length),
            Body::Chunked => From::Chunked(Chunked::new(allows_padding)),
            Body::UntilClose => From::UntilClose,
        };
        Self { from, to, is_done }
    }

    /// Whether the whole body has been moved.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Looks at `bytes`, all that has come and was not moved yet. `lead` must be empty or hold what goes before; what is to be written
    /// before the passing bytes is put behind. A move of nothing means that more must come first. At most the trailers and 20
    /// bytes are put into `lead`.
    ///
    /// # Errors
    /// A [`Refusal`]. What was moved before stands; nothing more can be.
    pub fn advance(&mut self, bytes: &[u8], lead: &mut Vec<u8>) -> Result<Move, Refusal> {
        if self.is_done || bytes.is_empty() {
            return Ok(Move::default());
        }
        match &mut self.from {
            From::Length(left) => {
                let pass = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= pass as u64;
                self.is_done = *left == 0;
                Ok(Move { skip: 0, pass })
            }
            From::UntilClose => {
                if let To::Chunks { open } = &mut self.to {
                    let end_before = if core::mem::replace(open, true) { "\r\n" } else { "" };
                    put(lead, format_args!("{end_before}{:x}\r\n", bytes.len()));
                }
                Ok(Move { skip: 0, pass: bytes.len() })
            }
            From::Chunked(reader) => {
                let moved =
                    if self.to == To::Plain { plain(reader, bytes) } else { same(reader, bytes, lead) };
                self.is_done = reader.is_done();
                moved
            }
        }
    }

    /// The connection it came from has ended, and all bytes are moved. Puts into `lead` what ends the body on the other side.
    ///
    /// # Errors
    /// [`CutShort`]: the other side must not take it for whole.
    pub fn finish(&mut self, lead: &mut Vec<u8>) -> Result<(), CutShort> {
        if self.is_done {
            return Ok(());
        }
        match (&self.from, self.to) {
            (From::UntilClose, To::Chunks { open }) => {
                put(lead, format_args!("{}0\r\n\r\n", if open { "\r\n" } else { "" }));
            }
            (From::UntilClose, To::Same | To::Plain) => {}
            (From::Length(_) | From::Chunked(_), _) => return Err(CutShort),
        }
        self.is_done = true;
        Ok(())
    }
}

/// Chunks as they are, as many as there are; only trailers are looked through.
fn same(reader: &mut Chunked, bytes: &[u8], lead: &mut Vec<u8>) -> Result<Move, Refusal> {
    let mut pass = 0;
    while !reader.is_done() {
        // Trailers are rewritten, so all before them must have gone.
        let before = reader.clone();
        match reader.step(&bytes[pass..]) {
            Ok(Step::More) => break,
            Ok(Step::Framing(count) | Step::Data(count) | Step::End(count)) => pass += count,
            Ok(Step::Trailers(_)) | Err(_) if pass > 0 => {
                *reader = before;
                break;
            }
            Ok(Step::Trailers(count)) => {
                write_trailers(&bytes[..count], lead);
                return Ok(Move { skip: count, pass: 0 });
            }
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(Move { skip: 0, pass })
}

/// The data of the next chunk alone.
fn plain(reader: &mut Chunked, bytes: &[u8]) -> Result<Move, Refusal> {
    let mut skip = 0;
    while !reader.is_done() {
        match reader.step(&bytes[skip..])? {
            Step::More => break,
            Step::Framing(count) | Step::Trailers(count) | Step::End(count) => skip += count,
            Step::Data(pass) => return Ok(Move { skip, pass }),
        }
    }
    Ok(Move { skip, pass: 0 })
}

/// Whether a field of this name may pass as a trailer: it is neither framing nor routing nor our word about the client (RFC 9110,
/// 6.5.1).
pub fn is_trailer(name: &str) -> bool {
    Kind::of(name) == Kind::Other
}

/// Trailers pass, except those that must not be any (RFC 9110, 6.5.1): a reader that puts them among the fields would take them for
/// framing, or for our word about the client.
fn write_trailers(section: &[u8], out: &mut Vec<u8>) {
    let mut fields = [EMPTY_HEADER; FIELDS_MAX];
    if let Ok(Status::Complete((_, fields))) = httparse::parse_headers(section, &mut fields) {
        for field in fields.iter().filter(|field| is_trailer(field.name)) {
            out.extend_from_slice(field.name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(field.value);
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn put(out: &mut Vec<u8>, text: core::fmt::Arguments<'_>) {
    struct Bytes<'a>(&'a mut Vec<u8>);
    impl core::fmt::Write for Bytes<'_> {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
    // Writing to memory cannot fail.
    let _ = Bytes(out).write_fmt(text);
}
