//! The heads that are passed on: what concerns one connection only is taken out, what concerns the next is put in (RFC 9110,
//! 7.6). All else passes byte for byte, in its order.

use crate::field::Kind;
use crate::framing::{Body, Version};
use crate::hop::Hop;
use crate::parse::offset_in;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::response::Response;
use crate::survey::is_named;
use crate::target::Target;
use alloc::vec::Vec;
use httparse::Header;

/// Writes `request` behind `out` as a backend gets it, always as HTTP/1.1. At most the head's own length and 300 bytes are added.
///
/// `Host` passes untouched, as HAProxy and nginx users expect; that of an absolute target takes its place (RFC 9112, 3.2.2).
/// The body is to follow as it came: [`Request::body`].
///
/// # Errors
/// [`Refusal::Connect`].
pub fn write_request(request: &Request<'_, '_>, hop: &Hop, out: &mut Vec<u8>) -> Result<(), Refusal> {
    out.reserve(request.head.len() + 300);
    put(out, &[request.method, " "]);
    match request.target {
        Target::Origin(path) => put(out, &[path]),
        Target::Asterisk => put(out, &["*"]),
        Target::Absolute { path: "", .. } if request.method == "OPTIONS" => put(out, &["*"]),
        Target::Absolute { path, .. } if path.starts_with('/') => put(out, &[path]),
        Target::Absolute { path, .. } => put(out, &["/", path]),
        Target::Authority(_) => return Err(Refusal::Connect),
    }
    put(out, &[" HTTP/1.1\r\n"]);
    let replaces_host = matches!(request.target, Target::Absolute { .. });
    match request.target {
        Target::Absolute { host, .. } => put(out, &["Host: ", host, "\r\n"]),
        _ if request.survey.host.is_none() => put(out, &["Host: ", &hop.host(), "\r\n"]),
        _ => {}
    }
    let names = request.survey.names > 0;
    let (fields, kinds) = (request.fields, request.kinds);
    let is_dropped = |field: &Header<'_>, kind: Kind| match kind {
        Kind::Host => replaces_host,
        Kind::ContentLength => false,
        // The client is told to continue here, once a backend is there.
        Kind::Expect => true,
        Kind::ForwardedFor | Kind::Forwarded | Kind::LookAlike if hop.speaks => true,
        kind => kind.is_hop_by_hop() || names && is_named(fields, kinds, field.name),
    };
    copy_fields(request.head, fields, kinds, is_dropped, out);
    match request.upgrade() {
        Some(protocol) => {
            put(out, &["Connection: upgrade\r\nUpgrade: "]);
            out.extend_from_slice(protocol);
            put(out, &["\r\n"]);
        }
        None if request.survey.wants_trailers => put(out, &["TE: trailers\r\nConnection: te\r\n"]),
        None => {}
    }
    if request.body == Body::Chunked {
        put(out, &["Transfer-Encoding: chunked\r\n"]);
    }
    if hop.speaks {
        put_forwarded_for(request, hop, out);
    }
    out.extend_from_slice(&hop.lines);
    put(out, &["\r\n"]);
    Ok(())
}

/// In one line, after what was there; unless `Connection` named that as for us only.
fn put_forwarded_for(request: &Request<'_, '_>, hop: &Hop, out: &mut Vec<u8>) {
    let (fields, kinds) = (request.fields, request.kinds);
    let names = request.survey.names > 0;
    let mut begin = "X-Forwarded-For: ";
    for (field, _) in fields.iter().zip(kinds).filter(|(_, kind)| **kind == Kind::ForwardedFor) {
        let is_named = names && is_named(fields, kinds, field.name);
        if !is_named && !field.value.is_empty() {
            put(out, &[begin]);
            out.extend_from_slice(field.value);
            begin = ", ";
        }
    }
    match &hop.client {
        Some(client) => put(out, &[begin, client, "\r\n"]),
        None if begin == ", " => put(out, &["\r\n"]),
        None => {}
    }
}

/// How a response goes to its client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ToClient {
    /// What the client speaks; it is answered in that.
    pub version: Version,
    /// Whether its connection stays open.
    pub keeps: bool,
    /// How the body is delimited for it.
    pub body: Body,
}

impl ToClient {
    /// How `response` goes to a client of `version` whose connection is to be kept if `keeps`: as it came where that can be; in
    /// chunks where only the end of the connection would tell the end; until the end for who knows no chunks.
    pub fn new(response: &Response<'_, '_>, version: Version, keeps: bool) -> Self {
        let body = match (response.body, version) {
            (Body::Chunked | Body::UntilClose, Version::Old) => Body::UntilClose,
            (Body::UntilClose, Version::V11) => Body::Chunked,
            (body, _) => body,
        };
        Self { version, keeps: keeps && body != Body::UntilClose, body }
    }
}

/// Writes `response` behind `out` as its client gets it. At most the head's own length and 300 bytes are added.
pub fn write_response(response: &Response<'_, '_>, to: ToClient, out: &mut Vec<u8>) {
    out.reserve(response.head.len() + 300);
    put(out, &[if to.version == Version::V11 { "HTTP/1.1" } else { "HTTP/1.0" }]);
    // Status and reason as they came, from behind the version to the first field.
    let fields = response.fields;
    let first = fields.first().map_or(response.head.len() - 2, |field| line_of(response.head, field));
    out.extend_from_slice(&response.head[8..first]);

    // A length passes where it is that of the body, or of the body that HEAD or 304 would have had. Beside chunks it does
    // not count, and passing it on is how responses are smuggled (RFC 9112, 6.3); with 1xx and 204 it must not be (RFC 9110, 8.6).
    let is_delimited = !matches!(to.body, Body::Chunked | Body::UntilClose);
    let may_have_length =
        is_delimited && !response.survey.framing.is_ambiguous() && !matches!(response.status, 100..200 | 204);
    let mut is_first_length = true;
    let (names, kinds) = (response.survey.names > 0, response.kinds);
    let is_dropped = |field: &Header<'_>, kind: Kind| match kind {
        // Of several that agree, one: as digits, since the first may be a list.
        Kind::ContentLength => {
            let passes = core::mem::take(&mut is_first_length) && may_have_length;
            !passes || field.value.contains(&b',')
        }
        kind => {
            let is_named = names && !kind.is_essential() && is_named(fields, kinds, field.name);
            kind.is_hop_by_hop() || is_named
        }
    };
    copy_fields(response.head, fields, kinds, is_dropped, out);
    if may_have_length {
        let length = fields.iter().zip(kinds).find(|(_, kind)| **kind == Kind::ContentLength);
        if let Some((Header { value, .. }, _)) = length.filter(|(field, _)| field.value.contains(&b',')) {
            let one = value.split(|byte| *byte == b',').next().unwrap_or_default().trim_ascii();
            put(out, &["Content-Length: "]);
            out.extend_from_slice(one);
            put(out, &["\r\n"]);
        }
    }
    match to.body {
        Body::Chunked => put(out, &["Transfer-Encoding: chunked\r\n"]),
        Body::Tunnel => {
            put(out, &["Connection: upgrade\r\n"]);
            if let Some(protocol) = response.survey.upgrade {
                put(out, &["Upgrade: "]);
                out.extend_from_slice(protocol);
                put(out, &["\r\n"]);
            }
        }
        Body::None | Body::Length(_) | Body::UntilClose => {}
    }
    match (to.version, to.keeps) {
        _ if to.body == Body::Tunnel || response.is_interim() => {}
        (Version::V11, false) => put(out, &["Connection: close\r\n"]),
        (Version::Old, true) => put(out, &["Connection: keep-alive\r\n"]),
        (Version::V11, true) | (Version::Old, false) => {}
    }
    put(out, &["\r\n"]);
}

/// Copies the lines of all fields that are not dropped, those side by side at once.
fn copy_fields(
    head: &[u8],
    fields: &[Header<'_>],
    kinds: &[Kind],
    mut is_dropped: impl FnMut(&Header<'_>, Kind) -> bool,
    out: &mut Vec<u8>,
) {
    let Some(first) = fields.first() else { return };
    let mut run = line_of(head, first);
    for (n, (field, kind)) in fields.iter().zip(kinds).enumerate() {
        // A field's line ends where the next one begins, the last one's before the empty line.
        if !is_dropped(field, *kind) {
            continue;
        }
        out.extend_from_slice(&head[run..line_of(head, field)]);
        run = fields.get(n + 1).map_or(head.len() - 2, |next| line_of(head, next));
    }
    out.extend_from_slice(&head[run..head.len() - 2]);
}

/// Where the line of `field` begins in `head`.
fn line_of(head: &[u8], field: &Header<'_>) -> usize {
    offset_in(head, field.name.as_bytes())
}

fn put(out: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}
