//! A backend's response head.

use crate::field::Kind;
use crate::framing::{Body, Version};
use crate::parse::{Side, Slots, check_line_ends, verdict, within};
use crate::refusal::Refusal;
use crate::survey::Survey;
use core::time::Duration;
use httparse::{Header, ParserConfig};

/// What a response must know of its request to be read (RFC 9112, 6.3).
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Asked {
    /// The method was HEAD: no body, whatever the head says.
    pub head: bool,
    /// The method was CONNECT.
    pub connect: bool,
    /// The request asked for another protocol, so that 101 is an answer.
    pub upgrade: bool,
}

/// A response head that is whole and right, borrowed from the bytes it came in.
#[derive(Clone, Copy, Debug)]
pub struct Response<'s, 'b> {
    /// The status, 100 to 999.
    pub status: u16,
    /// What the backend speaks.
    pub version: Version,
    /// How long the head is; the body begins behind it.
    pub length: usize,
    /// How its body is delimited.
    pub body: Body,
    pub(crate) head: &'b [u8],
    pub(crate) fields: &'s [Header<'b>],
    pub(crate) kinds: &'s [Kind],
    pub(crate) survey: Survey<'b>,
}

impl<'s, 'b> Response<'s, 'b> {
    /// Reads the head at the beginning of `bytes`; `None` when it is not whole yet. An interim one (1xx) is followed by another.
    ///
    /// # Errors
    /// A [`Refusal`], when what has come can be no response that this proxy passes on.
    pub fn parse(bytes: &'b [u8], asked: Asked, slots: &'s mut Slots<'b>) -> Result<Option<Self>, Refusal> {
        let seen = within(bytes);
        // Empty lines before a response are bytes that nobody asked for.
        if matches!(seen.first(), Some(b'\r' | b'\n')) {
            return Err(Refusal::StatusLine);
        }
        let mut raw = httparse::Response::new(&mut []);
        let config = ParserConfig::default();
        let found = config.parse_response_with_uninit_headers(&mut raw, seen, &mut slots.headers);
        let Some(length) = verdict(Side::Response, seen, found)? else { return Ok(None) };
        let status = raw.code.filter(|code| *code >= 100).ok_or(Refusal::Status)?;
        let fields: &'s [Header<'b>] = raw.headers;
        let head = &seen[..length];
        check_line_ends(head, 0, fields)?;
        let version = if raw.version == Some(1) { Version::V11 } else { Version::Old };
        let kinds = &mut slots.kinds[..fields.len()];
        let survey = Survey::of(fields, kinds, true)?;
        // Also where nothing follows: a sender that is confused about this is confused about the next one.
        let framed = survey.framing.of_response(version)?;
        let body = match status {
            101 if asked.upgrade => Body::Tunnel,
            101 => return Err(Refusal::Switched),
            200..300 if asked.connect => Body::Tunnel,
            100..200 | 204 | 304 => Body::None,
            _ if asked.head => Body::None,
            _ => framed,
        };
        Ok(Some(Self { status, version, length, body, head, fields, kinds, survey }))
    }

    /// Whether another response follows for the same request.
    pub fn is_interim(&self) -> bool {
        matches!(self.status, 100 | 102..200)
    }

    /// Whether the backend's connection can serve another request after this response.
    ///
    /// Not when it had a length beside chunks: RFC 9112, 6.3 wants such a connection closed, because the two ends may not agree
    /// on where the response ended.
    pub fn keeps(&self) -> bool {
        let ends_in_itself = !matches!(self.body, Body::UntilClose | Body::Tunnel);
        ends_in_itself && self.survey.keeps(self.version) && !self.survey.framing.is_ambiguous()
    }

    /// How long the backend says it keeps this connection idle (`Keep-Alive: timeout=5`).
    pub fn kept_for(&self) -> Option<Duration> {
        self.survey.kept_seconds.map(Duration::from_secs)
    }

    /// Its fields as they came.
    pub fn fields(&self) -> impl Iterator<Item = (&'b str, &'b [u8])> + use<'s, 'b> {
        self.fields.iter().map(|field| (field.name, field.value))
    }
}
