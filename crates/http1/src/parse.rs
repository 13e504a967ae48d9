//! From bytes to a head: httparse finds the pieces, here what it lets pass is refused and what it refuses gets its reason.
//!
//! Only the first [`HEAD_BYTES_MAX`] are ever looked at, and a reason is that of the shortest beginning which is wrong: so the
//! outcome does not depend on how the bytes were cut.

use crate::field::Kind;
use crate::refusal::Refusal;
use core::mem::MaybeUninit;
use httparse::{Error, Header, Status};

/// Longest request or response head. HAProxy allows 16 KiB, nginx 32 KiB; large cookies and tokens need some of that, nothing
/// honest needs more.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Most fields of a head. HAProxy allows 101.
pub const FIELDS_MAX: usize = 100;

/// Room for the fields of one head, on the caller's stack.
#[derive(Debug)]
pub struct Slots<'b> {
    pub(crate) headers: [MaybeUninit<Header<'b>>; FIELDS_MAX],
    pub(crate) kinds: [Kind; FIELDS_MAX],
}

impl Slots<'_> {
    /// Empty ones.
    pub fn new() -> Self {
        Self { headers: [const { MaybeUninit::uninit() }; FIELDS_MAX], kinds: [Kind::Other; FIELDS_MAX] }
    }
}

impl Default for Slots<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// Which of the two heads is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Request,
    Response,
}

/// The part of `bytes` that may be a head.
pub(crate) fn within(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(HEAD_BYTES_MAX)]
}

/// What httparse's verdict on `seen` means: the length of a whole head, or nothing yet.
pub(crate) fn verdict(
    side: Side,
    seen: &[u8],
    found: httparse::Result<usize>,
) -> Result<Option<usize>, Refusal> {
    match found {
        Ok(Status::Complete(length)) => Ok(Some(length)),
        Ok(Status::Partial) if seen.len() >= HEAD_BYTES_MAX => Err(Refusal::HeadTooLong),
        Ok(Status::Partial) => Ok(None),
        Err(_) => Err(reason(side, seen)),
    }
}

/// Refuses lone LFs in `head`, whose first line begins at `start` and whose fields are `fields`. httparse takes one for the end of
/// a line, and there is none elsewhere: so it is enough to look before each line.
pub(crate) fn check_line_ends(head: &[u8], start: usize, fields: &[Header<'_>]) -> Result<(), Refusal> {
    let (before, _) = head.split_at_checked(start).ok_or(Refusal::BareLf)?;
    let is_clean = before.chunks(2).all(|end| end == b"\r\n")
        && fields.iter().all(|field| {
            let at = offset_in(head, field.name.as_bytes());
            head.get(..at).is_some_and(|before| before.ends_with(b"\r\n"))
        })
        && head.ends_with(b"\r\n\r\n");
    if is_clean { Ok(()) } else { Err(Refusal::BareLf) }
}

/// Where `part`, a slice of `whole`, begins in it.
pub(crate) fn offset_in(whole: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize)
}

/// Why `bytes` are no head. Each look costs one parse; it is made about 16 times, for what is refused only.
fn reason(side: Side, bytes: &[u8]) -> Refusal {
    if side == Side::Request && bytes[0] == 0x16 {
        return Refusal::Tls;
    }
    // The shortest beginning that is wrong: all shorter ones may go on well, all longer ones are wrong too.
    let (mut good, mut bad) = (0, bytes.len());
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        match error_of(side, &bytes[..middle]) {
            Some(_) => bad = middle,
            None => good = middle,
        }
    }
    let wrong = &bytes[..bad];
    let (last, before) = match wrong {
        [.., before, last] => (*last, *before),
        [last] => (*last, b'\n'),
        [] => (0, 0),
    };
    let first_line = if side == Side::Request { Refusal::RequestLine } else { Refusal::StatusLine };
    match error_of(side, wrong) {
        Some(Error::TooManyHeaders) => Refusal::TooManyFields,
        _ if before == b'\r' => Refusal::BareCr,
        // What is wrong is the first byte that could not go on: without its slash it is no version at all, but a target with a
        // space in it, or another protocol.
        Some(Error::Version)
            if wrong.rsplit(|byte| *byte == b' ').next().is_some_and(|word| word.starts_with(b"HTTP/")) =>
        {
            Refusal::Version
        }
        Some(Error::HeaderName) if matches!(last, b' ' | b'\t') => match before {
            b'\n' => Refusal::Folded,
            _ => Refusal::SpaceInName,
        },
        Some(Error::HeaderName) => Refusal::FieldName,
        Some(Error::HeaderValue) => Refusal::FieldValue,
        Some(Error::NewLine) | None | Some(_) => first_line,
    }
}

fn error_of(side: Side, bytes: &[u8]) -> Option<Error> {
    let mut headers = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    match side {
        Side::Request => httparse::Request::new(&mut []).parse_with_uninit_headers(bytes, &mut headers).err(),
        Side::Response => {
            let mut response = httparse::Response::new(&mut []);
            let config = httparse::ParserConfig::default();
            config.parse_response_with_uninit_headers(&mut response, bytes, &mut headers).err()
        }
    }
}
