//! Where a message's body ends (RFC 9112, 6.3). One wrong answer here is a smuggled request, so nothing is guessed.

use crate::refusal::Refusal;

/// The version a message speaks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Version {
    /// HTTP/1.0
    Old,
    /// HTTP/1.1
    V11,
}

/// How a body is delimited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body {
    /// There is none.
    None,
    /// So many bytes, at least one.
    Length(u64),
    /// Chunks, and perhaps trailers.
    Chunked,
    /// Until the connection closes; responses only.
    UntilClose,
    /// The connection speaks something else from here on: after 101, or 2xx to CONNECT.
    Tunnel,
}

/// The largest length that is believed: beyond it, somebody's signed arithmetic ends.
const LENGTH_MAX: u64 = i64::MAX as u64;

/// A `Content-Length`: digits and nothing else (RFC 9110, 8.6). No sign, no list, no white space in between.
pub(crate) fn length(value: &[u8]) -> Result<u64, Refusal> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::LengthNotNumber);
    }
    let mut length: u64 = 0;
    for digit in value {
        let next = length.checked_mul(10).and_then(|tens| tens.checked_add(u64::from(digit - b'0')));
        length = next.filter(|next| *next <= LENGTH_MAX).ok_or(Refusal::LengthTooLarge)?;
    }
    Ok(length)
}

/// What the framing fields of one head say together.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Framing {
    length: Option<Result<u64, Refusal>>,
    coding: Option<Result<(), Refusal>>,
}

impl Framing {
    /// A `Content-Length` field came by. `repeats`: the same number again is no error. Some applications and the servers
    /// before them both say it; RFC 9110, 8.6 lets a recipient take it for one, which is right only where nobody can gain by it:
    /// in responses.
    pub(crate) fn add_length(&mut self, value: &[u8], repeats: bool) {
        for item in value.split(|byte| repeats && *byte == b',').map(<[u8]>::trim_ascii) {
            self.length = Some(match (self.length, length(item)) {
                (None, now) => now,
                (Some(Err(refusal)), _) => Err(refusal),
                (Some(Ok(before)), Ok(now)) if repeats && before == now => Ok(now),
                (Some(Ok(_)), _) => Err(Refusal::LengthTwice),
            });
        }
    }

    /// A `Transfer-Encoding` field came by. Any coding but chunked would have to be undone or understood (RFC 9112, 6.1), and
    /// `chunked` in two fields or twice in one is read in different ways.
    pub(crate) fn add_coding(&mut self, value: &[u8]) {
        let is_known = self.coding.is_none() && value.eq_ignore_ascii_case(b"chunked");
        self.coding = Some(if is_known { Ok(()) } else { Err(Refusal::UnknownCoding) });
    }

    /// Whether both are there.
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.length.is_some() && self.coding.is_some()
    }

    /// The body of a request.
    pub(crate) fn of_request(self, version: Version) -> Result<Body, Refusal> {
        match (self.coding, self.length) {
            (Some(_), _) if version == Version::Old => Err(Refusal::CodingInOld),
            (Some(_), Some(_)) => Err(Refusal::LengthBesideCoding),
            (Some(coding), None) => coding.map(|()| Body::Chunked),
            (None, Some(length)) => length.map(Body::of_length),
            (None, None) => Ok(Body::None),
        }
    }

    /// The body of a response that may have one. Chunks count beside a length (RFC 9112, 6.3).
    pub(crate) fn of_response(self, version: Version) -> Result<Body, Refusal> {
        match (self.coding, self.length) {
            (Some(_), _) if version == Version::Old => Err(Refusal::CodingInOld),
            (Some(coding), _) => coding.map(|()| Body::Chunked),
            (None, Some(length)) => length.map(Body::of_length),
            (None, None) => Ok(Body::UntilClose),
        }
    }
}

impl Body {
    fn of_length(length: u64) -> Self {
        if length == 0 { Self::None } else { Self::Length(length) }
    }
}
