//! Answers of our own, when a backend's cannot be given: plain text, one sentence of what happened and one of what to do.
//! They never name a backend's address.

use muster_http1::Refusal;
use std::io::Write as _;

/// An answer of our own.
#[derive(Debug)]
pub(crate) struct Page {
    status: Status,
    text: String,
    field: Option<(&'static str, String)>,
    /// What somebody wrote down, in place of our text.
    written: Option<muster_routes::Page>,
}

/// A status and its name (RFC 9110, 15).
type Status = (u16, &'static str);

const PERMANENT_REDIRECT: Status = (308, "Permanent Redirect");
const BAD_REQUEST: Status = (400, "Bad Request");
const METHOD_NOT_ALLOWED: Status = (405, "Method Not Allowed");
const REQUEST_TIMEOUT: Status = (408, "Request Timeout");
const HEADER_TOO_LARGE: Status = (431, "Request Header Fields Too Large");
const NOT_IMPLEMENTED: Status = (501, "Not Implemented");
const BAD_GATEWAY: Status = (502, "Bad Gateway");
const SERVICE_UNAVAILABLE: Status = (503, "Service Unavailable");
const GATEWAY_TIMEOUT: Status = (504, "Gateway Timeout");
const VERSION_NOT_SUPPORTED: Status = (505, "HTTP Version Not Supported");

impl Page {
    fn new(status: Status, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), field: None, written: None }
    }

    /// What is wrong with a request.
    pub(crate) fn refused(refusal: Refusal) -> Self {
        let status = match refusal.status() {
            405 => return Self::connect_not_allowed(),
            501 => return Self::unknown_coding(),
            431 => HEADER_TOO_LARGE,
            505 => VERSION_NOT_SUPPORTED,
            _ => BAD_REQUEST,
        };
        Self::new(status, format!("The request cannot be passed on: {refusal}."))
    }

    /// 308: elsewhere, with the same method and body.
    pub(crate) fn moved(to: String) -> Self {
        let page = Self::new(PERMANENT_REDIRECT, "It is served by https only.");
        Self { field: Some(("Location", to)), ..page }
    }

    /// 400: there is nowhere to send its client.
    pub(crate) fn no_host() -> Self {
        Self::new(BAD_REQUEST, "It is served by https only, and the request's Host names no host.")
    }

    /// Elsewhere, as a rule says.
    pub(crate) fn redirect(status: u16, to: &[u8]) -> Self {
        // Targets are text, but for what a client sent beyond ASCII.
        let to = String::from_utf8_lossy(to).into_owned();
        let page = Self::new((status, reason(status)), "It is elsewhere.");
        Self { field: Some(("Location", to)), ..page }
    }

    /// Refused by a rule.
    pub(crate) fn denied(status: u16) -> Self {
        Self::new((status, reason(status)), "A rule of this balancer refuses the request.")
    }

    /// What a rule answers.
    pub(crate) fn written(page: &muster_routes::Page) -> Self {
        let empty = Self::new((page.status, reason(page.status)), "");
        Self { written: Some(page.clone()), ..empty }
    }

    /// 503: no rule chose a service.
    pub(crate) fn no_service() -> Self {
        Self::new(SERVICE_UNAVAILABLE, "No rule of this balancer says who answers the request.")
    }

    /// 405: this proxy balances requests and opens no tunnels to elsewhere.
    fn connect_not_allowed() -> Self {
        let text = "This is a reverse proxy: CONNECT is not allowed.";
        let field = Some(("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE".to_owned()));
        Self { field, ..Self::new(METHOD_NOT_ALLOWED, text) }
    }

    /// 408: the body stopped coming.
    pub(crate) fn client_stalled() -> Self {
        Self::new(REQUEST_TIMEOUT, "The request's body stopped coming. Send it again.")
    }

    /// 501: a transfer coding we cannot pass on.
    fn unknown_coding() -> Self {
        Self::new(NOT_IMPLEMENTED, "The only Transfer-Encoding understood is: chunked.")
    }

    /// 502: a backend was reached, and then failed.
    pub(crate) fn broken(repeated: bool) -> Self {
        let tail = if repeated {
            "so did every other one that was tried. Try again in a moment."
        } else {
            "the request may have been acted on, so it was not repeated. Check before sending it again."
        };
        Self::new(BAD_GATEWAY, format!("The backend failed before it answered; {tail}"))
    }

    /// 503: nobody to send to.
    pub(crate) fn nobody_ready(service: &str) -> Self {
        let text = format!(
            "No backend of service {} is ready; when one joins, requests find it by themselves. Try again in a moment.",
            service.escape_default()
        );
        Self::new(SERVICE_UNAVAILABLE, text)
    }

    /// 503: all were tried, none could be connected to. Nothing was sent.
    pub(crate) fn nobody_reached(service: &str) -> Self {
        let text = format!(
            "No backend of service {} could be reached; nothing was sent. Try again in a moment.",
            service.escape_default()
        );
        Self::new(SERVICE_UNAVAILABLE, text)
    }

    /// 504: a backend took the request and did not answer in time.
    pub(crate) fn silent(repeated: bool) -> Self {
        let tail = if repeated {
            "Try again in a moment."
        } else {
            "The request may still be acted on. Check before sending it again."
        };
        Self::new(GATEWAY_TIMEOUT, format!("The backend did not answer in time. {tail}"))
    }

    /// Its status.
    pub(crate) fn status(&self) -> u16 {
        self.status.0
    }

    /// About how long it is, as HTTP/1.1 with its body.
    pub(crate) fn bytes(&self) -> u64 {
        let mut whole = Vec::new();
        self.write(1, true, false, &mut whole);
        whole.len() as u64
    }

    /// Writes the page behind `out`. `minor`: of the version HTTP/1 that its client speaks. `keeps`: the connection stays. `alone`:
    /// the head alone, for HEAD.
    pub(crate) fn write(&self, minor: u8, keeps: bool, alone: bool, out: &mut Vec<u8>) {
        let (code, name) = self.status;
        let connection = match (minor, keeps) {
            (0, true) => "Connection: keep-alive\r\n",
            (0, false) | (_, true) => "",
            (_, false) => "Connection: close\r\n",
        };
        let text = format!("{code} {name}\n{}\n", self.text);
        let (content_type, body) = match &self.written {
            Some(page) => (page.content_type.as_str(), page.body.as_slice()),
            None => ("text/plain; charset=utf-8", text.as_bytes()),
        };
        // Writing to memory cannot fail.
        let _ = write!(out, "HTTP/1.{minor} {code} {name}\r\n");
        if !content_type.is_empty() {
            let _ = write!(out, "Content-Type: {content_type}\r\n");
        }
        let _ = write!(out, "Cache-Control: no-store\r\nContent-Length: {}\r\n", body.len());
        if self.status == SERVICE_UNAVAILABLE && self.written.is_none() {
            out.extend_from_slice(b"Retry-After: 1\r\n");
        }
        out.extend_from_slice(connection.as_bytes());
        for (name, value) in self.written.iter().flat_map(|page| &page.fields) {
            let _ = write!(out, "{name}: {value}\r\n");
        }
        if let Some((name, value)) = &self.field {
            let _ = write!(out, "{name}: {value}\r\n");
        }
        out.extend_from_slice(b"\r\n");
        if !alone {
            out.extend_from_slice(body);
        }
    }
}

/// The name of a status (RFC 9110, 15, and RFC 6585); a reason is not needed, and may be empty (RFC 9112, 4).
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => PERMANENT_REDIRECT.1,
        400 => BAD_REQUEST.1,
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => METHOD_NOT_ALLOWED.1,
        408 => REQUEST_TIMEOUT.1,
        410 => "Gone",
        413 => "Content Too Large",
        425 => "Too Early",
        429 => "Too Many Requests",
        431 => HEADER_TOO_LARGE.1,
        500 => "Internal Server Error",
        501 => NOT_IMPLEMENTED.1,
        502 => BAD_GATEWAY.1,
        503 => SERVICE_UNAVAILABLE.1,
        504 => GATEWAY_TIMEOUT.1,
        _ => "",
    }
}
