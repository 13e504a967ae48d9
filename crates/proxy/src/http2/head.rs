//! Heads of HTTP/2 as text of HTTP/1.1, and back.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, TRAILER};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Response, StatusCode};
use muster_http1::{Refusal, Request, TRAILER_BYTES_MAX, Target, is_trailer};
use std::fmt::Write as _;

/// Writes the head of a request behind `out`. `has_body`: something follows it. The rest of it, such as fields that concern one
/// connection only, was refused where the frames were read (RFC 9113, 8.2.2).
///
/// # Errors
/// [`Refusal::ManyHosts`]: `Host` and `:authority` name different ones (RFC 9113, 8.3.1).
pub(crate) fn request_text(parts: &Parts, has_body: bool, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    let path = parts.uri.path_and_query().map_or("", PathAndQuery::as_str);
    put(out, &[parts.method.as_str(), " "]);
    put(out, &[if parts.method == Method::CONNECT { authority.unwrap_or("*") } else { path }]);
    put(out, &[" HTTP/1.1\r\n"]);
    let hosts = parts.headers.get_all(HOST);
    match authority {
        Some(authority) => {
            if hosts.iter().any(|host| !host.as_bytes().eq_ignore_ascii_case(authority.as_bytes())) {
                return Err(Refusal::ManyHosts);
            }
            put(out, &["Host: ", authority, "\r\n"]);
        }
        None => hosts.iter().for_each(|host| put_field(out, HOST.as_str(), host)),
    }
    // With a length, there is no place for trailers behind a body; who announces some gets chunks.
    let is_chunked =
        has_body && (parts.headers.contains_key(TRAILER) || !parts.headers.contains_key(CONTENT_LENGTH));
    for (name, value) in &parts.headers {
        if *name != HOST && *name != COOKIE && !(is_chunked && *name == CONTENT_LENGTH) {
            put_field(out, name.as_str(), value);
        }
    }
    // Crumbs are one field again (RFC 9113, 8.2.3).
    let mut begin = "Cookie: ";
    for crumb in parts.headers.get_all(COOKIE) {
        put(out, &[begin]);
        out.extend_from_slice(crumb.as_bytes());
        begin = "; ";
    }
    if begin == "; " {
        put(out, &["\r\n"]);
    }
    put(out, &[if is_chunked { "Transfer-Encoding: chunked\r\n\r\n" } else { "\r\n" }]);
    Ok(())
}

/// A response of a head that is ours: whole, with CRLF behind each line and none continued. Fields of one connection only are left
/// out, and what `keeps` says no to.
pub(crate) fn response(status: u16, head: &[u8]) -> Response<()> {
    let mut response = Response::new(());
    // Between 100 and 999, or it would not have been read.
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    fields(head, |name, value| {
        if !is_of_one_connection(name) {
            add(response.headers_mut(), name, value);
        }
    });
    response
}

/// A request that is ours, for a backend that speaks HTTP/2. What was for one connection only does not go along, an upgrade neither.
///
/// # Errors
/// It cannot be said.
pub(crate) fn request(request: &Request<'_, '_>) -> Result<http::Request<()>, http::Error> {
    let path = match request.target {
        Target::Origin(path) | Target::Absolute { path, .. } => path,
        Target::Asterisk => "*",
        Target::Authority(_) => "/",
    };
    let host = request.host().and_then(|host| str::from_utf8(host).ok()).unwrap_or_default();
    // A client may name no host; frames must.
    let host = if host.is_empty() { "localhost" } else { host };
    let uri = http::Uri::builder().scheme("http").authority(host);
    let uri = match PathAndQuery::try_from(path) {
        Ok(path) => uri.path_and_query(path),
        Err(_) => uri.path_and_query(escaped(path)),
    };
    let mut asked = http::Request::builder().method(request.method).uri(uri.build()?).body(())?;
    for (name, value) in request.fields() {
        let is_of_this_connection =
            name.eq_ignore_ascii_case("te") && !value.eq_ignore_ascii_case(b"trailers");
        if !is_of_this_connection
            && !is_of_one_connection(name.as_bytes())
            && !name.eq_ignore_ascii_case("host")
        {
            add(asked.headers_mut(), name.as_bytes(), value);
        }
    }
    Ok(asked)
}

/// A target with bytes that HTTP/1.1 lets pass and URIs have not.
fn escaped(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%|".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The head of a response behind `out`, with `line` at its end. With one of chunks, a length does not count.
pub(crate) fn response_text(response: &Response<()>, line: &str, out: &mut Vec<u8>) {
    put(out, &["HTTP/1.1 ", response.status().as_str(), " \r\n"]);
    let is_chunked = line.starts_with("Transfer-Encoding");
    for (name, value) in response.headers() {
        let is_left_out =
            is_of_one_connection(name.as_str().as_bytes()) || is_chunked && *name == CONTENT_LENGTH;
        if !is_left_out {
            put_field(out, name.as_str(), value);
        }
    }
    put(out, &[line, "\r\n"]);
}

fn is_of_one_connection(name: &[u8]) -> bool {
    ["connection", "transfer-encoding", "keep-alive", "proxy-connection", "upgrade"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// Trailers as a section of HTTP/1.1, with the empty line. Those that must not be any are left out.
///
/// # Errors
/// [`Refusal::TrailersTooLong`].
pub(crate) fn trailers_text(trailers: &HeaderMap, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let start = out.len();
    for (name, value) in trailers.iter().filter(|(name, _)| is_trailer(name.as_str())) {
        put_field(out, name.as_str(), value);
    }
    put(out, &["\r\n"]);
    if out.len() - start > TRAILER_BYTES_MAX { Err(Refusal::TrailersTooLong) } else { Ok(()) }
}

/// A section of trailers that was read already, without those that must not be any.
pub(crate) fn trailers(section: &[u8]) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    let mut put = |line: &[u8]| {
        if let Some((name, value)) = split(line)
            && str::from_utf8(name).is_ok_and(is_trailer)
        {
            add(&mut trailers, name, value);
        }
    };
    section.split(|byte| *byte == b'\n').for_each(&mut put);
    trailers
}

/// Each field of a head that is ours.
pub(crate) fn fields(head: &[u8], mut each: impl FnMut(&[u8], &[u8])) {
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        if let Some((name, value)) = split(line) {
            each(name, value);
        }
    }
}

fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    Some((&line[..colon], line[colon + 1..].trim_ascii()))
}

/// What both sides take for a field is one; nothing else was let through before.
pub(crate) fn add(fields: &mut HeaderMap, name: &[u8], value: &[u8]) {
    if let (Ok(name), Ok(value)) =
        (HeaderName::from_bytes(name), HeaderValue::from_maybe_shared(Bytes::copy_from_slice(value)))
    {
        fields.append(name, value);
    }
}

fn put_field(out: &mut Vec<u8>, name: &str, value: &HeaderValue) {
    put(out, &[name, ": "]);
    out.extend_from_slice(value.as_bytes());
    put(out, &["\r\n"]);
}

fn put(out: &mut Vec<u8>, parts: &[&str]) {
    parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_http1::Slots;

    fn text(uri: &str, fields: &[(&str, &str)], has_body: bool) -> Result<String, Refusal> {
        let mut request = http::Request::post(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut out = Vec::new();
        request_text(&request.body(()).unwrap().into_parts().0, has_body, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn an_authority_is_the_host_and_another_host_beside_it_is_refused() {
        let plain = "POST /a?b HTTP/1.1\r\nHost: x.test:81\r\n\r\n";
        assert_eq!(text("http://x.test:81/a?b", &[], false).unwrap(), plain);
        assert_eq!(text("http://x.test:81/a?b", &[("host", "X.test:81")], false).unwrap(), plain);
        assert_eq!(text("/a?b", &[("host", "x.test:81")], false).unwrap(), plain.replace("Host", "host"));
        assert_eq!(text("http://x.test/", &[("host", "y.test")], false), Err(Refusal::ManyHosts));
    }

    #[test]
    fn any_target_can_be_said_to_a_backend() {
        for (path, said) in [("/a?b={c}", "/a?b={c}"), ("/<`\u{fc}^", "/%3C%60%C3%BC%5E"), ("*", "*")] {
            let method = if path == "*" { "OPTIONS" } else { "GET" };
            let text = format!(
                "{method} {path} HTTP/1.1\r\nHost: x:1\r\nTE: trailers\r\nConnection: te\r\nUpgrade: a\r\nB: c\r\n\r\n"
            );
            let mut slots = Slots::new();
            let asked = request(&Request::parse(text.as_bytes(), &mut slots).unwrap().unwrap()).unwrap();
            assert_eq!(asked.uri().path_and_query().unwrap(), said);
            assert_eq!(asked.uri().authority().unwrap(), "x:1");
            let all: Vec<_> =
                asked.headers().iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
            assert_eq!(all, ["te: \"trailers\"", "b: \"c\""]);
        }
    }

    #[test]
    fn crumbs_are_joined_and_a_body_is_delimited() {
        let cookies = [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")];
        assert_eq!(
            text("http://h/", &cookies, true).unwrap(),
            "POST / HTTP/1.1\r\nHost: h\r\nx: y\r\nCookie: a=1; b=2\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        let length = [("content-length", "5")];
        assert!(text("http://h/", &length, true).unwrap().ends_with("content-length: 5\r\n\r\n"));
        let both = [("content-length", "5"), ("trailer", "x-sum")];
        let chunked = "trailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(text("http://h/", &both, true).unwrap().ends_with(chunked));
    }

    #[test]
    fn a_response_loses_what_is_of_one_connection_and_trailers_what_they_must_not_say() {
        let head = b"HTTP/1.1 200 OK\r\nX-A:  1 \r\nTransfer-Encoding: chunked\r\nx-a: 2\r\nConnection: close\r\n\r\n";
        let response = response(200, head);
        let all: Vec<_> =
            response.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(all, [("x-a", b"1".as_slice()), ("x-a", b"2")]);
        let map = trailers(b"grpc-status: 0\r\nContent-Length: 5\r\nHost: x\r\n\r\n");
        assert_eq!(map.len(), 1);
        let mut out = Vec::new();
        trailers_text(&map, &mut out).unwrap();
        assert_eq!(out, b"grpc-status: 0\r\n\r\n");
        let mut long = HeaderMap::new();
        add(&mut long, b"a", &[b'x'; TRAILER_BYTES_MAX]);
        assert_eq!(trailers_text(&long, &mut out), Err(Refusal::TrailersTooLong));
    }
}
