//! A client's request head.

use crate::field::Kind;
use crate::framing::{Body, Version};
use crate::parse::{Side, Slots, check_line_ends, offset_in, verdict, within};
use crate::refusal::Refusal;
use crate::survey::Survey;
use crate::target::{Target, is_host};
use httparse::Header;

/// A request head that is whole and right, borrowed from the bytes it came in.
#[derive(Clone, Copy, Debug)]
pub struct Request<'s, 'b> {
    /// The method, as it was written; methods are case-sensitive.
    pub method: &'b str,
    /// What is asked for.
    pub target: Target<'b>,
    /// What the client speaks.
    pub version: Version,
    /// How long the head is; the body begins behind it.
    pub length: usize,
    /// How its body is delimited: none, a length, or chunks.
    pub body: Body,
    pub(crate) head: &'b [u8],
    pub(crate) fields: &'s [Header<'b>],
    pub(crate) kinds: &'s [Kind],
    pub(crate) survey: Survey<'b>,
}

impl<'s, 'b> Request<'s, 'b> {
    /// Reads the head at the beginning of `bytes`; `None` when it is not whole yet. Empty lines before it are skipped (RFC 9112,
    /// 2.2).
    ///
    /// # Errors
    /// A [`Refusal`], when what has come can be no request that this proxy passes on.
    pub fn parse(bytes: &'b [u8], slots: &'s mut Slots<'b>) -> Result<Option<Self>, Refusal> {
        let seen = within(bytes);
        let mut raw = httparse::Request::new(&mut []);
        let found = raw.parse_with_uninit_headers(seen, &mut slots.headers);
        let Some(length) = verdict(Side::Request, seen, found)? else { return Ok(None) };
        let (Some(method), Some(path)) = (raw.method, raw.path) else { return Err(Refusal::RequestLine) };
        let fields: &'s [Header<'b>] = raw.headers;
        let head = &seen[..length];
        let start = offset_in(head, method.as_bytes());
        check_line_ends(head, start, fields)?;
        let version = if raw.version == Some(1) { Version::V11 } else { Version::Old };
        let kinds = &mut slots.kinds[..fields.len()];
        let survey = Survey::of(fields, kinds, false)?;
        let target = Target::parse(path, method)?;
        match survey.host {
            _ if survey.has_many_hosts => return Err(Refusal::ManyHosts),
            Some(host) if !is_host(host) => return Err(Refusal::BadHost),
            None if version == Version::V11 => return Err(Refusal::NoHost),
            Some(_) | None => {}
        }
        let body = survey.framing.of_request(version)?;
        Ok(Some(Self { method, target, version, length, body, head, fields, kinds, survey }))
    }

    /// Whether the client keeps its connection after the answer.
    pub fn keeps(&self) -> bool {
        self.survey.keeps(self.version)
    }

    /// Whether it waits for a 100 before it sends its body (RFC 9110, 10.1.1).
    pub fn expects_continue(&self) -> bool {
        self.version == Version::V11 && self.survey.expects_continue && self.body != Body::None
    }

    /// The protocol it wants to go on with, if it is one we pass on. HTTP/2 without TLS (`h2c`) is not: behind a tunnel, the client
    /// would choose its requests unseen.
    pub fn upgrade(&self) -> Option<&'b [u8]> {
        let asked = self.version == Version::V11 && self.survey.says_upgrade && !self.survey.has_h2c;
        self.survey.upgrade.filter(|_| asked)
    }

    /// The host that is meant: of an absolute target that, else of the field. `None` for HTTP/1.0 without either.
    pub fn host(&self) -> Option<&'b [u8]> {
        match self.target {
            Target::Absolute { host, .. } | Target::Authority(host) => Some(host.as_bytes()),
            Target::Origin(_) | Target::Asterisk => self.survey.host,
        }
    }

    /// Its fields as they came.
    pub fn fields(&self) -> impl Iterator<Item = (&'b str, &'b [u8])> + use<'s, 'b> {
        self.fields.iter().map(|field| (field.name, field.value))
    }
}
