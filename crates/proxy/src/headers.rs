//! What a proxy changes in the heads it passes on (RFC 9110, 7.6; RFC 9112, 3 and 6).
//!
//! `Host` passes untouched, as HAProxy and nginx users expect. Fields that concern one connection are taken out; hyper
//! writes those of the other connection itself.

use crate::client::Client;
use crate::pages::Page;
use crate::upload::Upload;
use hyper::body::{Body, Incoming};
use hyper::header::{self, Entry, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, Uri, Version};
use std::fmt::Write as _;
use std::time::Duration;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");

/// Makes the client's request ours, or says why it cannot be passed on.
pub(crate) fn prepare_request(request: &mut Request<Upload>, client: &Client) -> Result<(), Page> {
    if request.method() == Method::CONNECT {
        return Err(Page::connect_not_allowed());
    }
    if !has_known_coding(request.headers()) {
        return Err(Page::unknown_coding());
    }
    settle_target(request, client)?;

    let wants_trailers = accepts_trailers(request.headers());
    let chunked = request.body().size_hint().exact().is_none();
    let headers = request.headers_mut();
    remove_hop_by_hop(headers);
    // The client has been told to continue when its body is first read, which is after a backend was reached.
    headers.remove(header::EXPECT);
    if wants_trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
    }
    if chunked {
        // hyper would send a GET without its body otherwise.
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    remove_look_alikes(headers);
    append_forwarded_for(headers, client);
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(client.scheme()));
    match client.local {
        Some(local) => headers.insert(X_FORWARDED_PORT, HeaderValue::from(local.port())),
        None => headers.remove(X_FORWARDED_PORT),
    };
    *request.version_mut() = Version::HTTP_11;
    Ok(())
}

/// Makes the backend's response ours.
pub(crate) fn prepare_response(response: &mut Response<Incoming>) {
    let body = response.body();
    let (length, has_body) = (body.size_hint().exact(), !body.is_end_stream());
    let headers = response.headers_mut();
    remove_hop_by_hop(headers);
    match length {
        Some(length) if has_body => {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        // Nothing follows, but HEAD and 304 tell the length of what would.
        Some(_) => {}
        // Chunked, or until the connection closes. A length beside chunks does not count, and passing it on is how
        // responses are smuggled (RFC 9112, 6.3).
        None => {
            headers.remove(header::CONTENT_LENGTH);
        }
    }
    *response.version_mut() = Version::HTTP_11;
}

/// How long the backend says it keeps this connection idle.
pub(crate) fn kept_for(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(KEEP_ALIVE)?.to_str().ok()?;
    text.split(',').find_map(|item| {
        let (name, value) = item.split_once('=')?;
        let is_timeout = name.trim().eq_ignore_ascii_case("timeout");
        is_timeout.then(|| value.trim().parse().ok().map(Duration::from_secs)).flatten()
    })
}

/// Whether the list fields called `name` contain `token`.
pub(crate) fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|item| item.eq_ignore_ascii_case(token.as_bytes()))
}

/// As bytes: a field with one item that is no text still says what its other items say.
fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    let values = headers.get_all(name).into_iter();
    values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

/// Takes out what concerns one connection only, and what `Connection` names as such.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = tokens(headers, header::CONNECTION)
            .filter_map(|name| HeaderName::from_bytes(name).ok())
            // Whose removal would change what the message means; no honest sender names them.
            .filter(|name| !matches!(*name, header::HOST | header::CONTENT_LENGTH))
            .collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(header::CONNECTION);
    }
    for name in [KEEP_ALIVE, PROXY_CONNECTION, header::TE, header::TRANSFER_ENCODING, header::UPGRADE] {
        headers.remove(name);
    }
}

/// CGI, WSGI and their like read `X_Forwarded_Proto` as `X-Forwarded-Proto` (RFC 3875, 4.1.18), so a client could put its
/// word beside ours. nginx drops every field with an underscore; here only these go.
fn remove_look_alikes(headers: &mut HeaderMap) {
    let ours = [X_FORWARDED_FOR, X_FORWARDED_PROTO, X_FORWARDED_PORT];
    let is_look_alike = |name: &HeaderName| {
        name.as_str().contains('_') && ours.iter().any(|own| name.as_str().replace('_', "-") == own.as_str())
    };
    let found: Vec<HeaderName> = headers.keys().filter(|name| is_look_alike(name)).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

/// Whether the message is in no transfer coding but `chunked`. Any other would have to be undone or understood
/// (RFC 9112, 6.1).
pub(crate) fn has_known_coding(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).into_iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(one), None) => one.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// Brings the request target to origin form and makes sure there is exactly one `Host` (RFC 9112, 3.2 and 3.3).
fn settle_target(request: &mut Request<Upload>, client: &Client) -> Result<(), Page> {
    let hosts = request.headers().get_all(header::HOST).into_iter().count();
    if hosts > 1 {
        return Err(Page::bad_request("it has more than one Host field"));
    }
    let uri = request.uri();
    match (uri.scheme().is_some(), uri.authority()) {
        (true, Some(authority)) => {
            // In absolute form the target's host counts, not the field.
            let host = without_user(authority.as_str());
            let host = HeaderValue::from_str(host)
                .map_err(|_| Page::bad_request("its target names no host that could be a field"))?;
            let path = uri.path_and_query().cloned();
            let path = path.map_or_else(|| Uri::from_static("/"), Uri::from);
            request.headers_mut().insert(header::HOST, host);
            *request.uri_mut() = path;
        }
        (_, Some(_)) => return Err(Page::bad_request("its target has no path")),
        (_, None) if hosts == 0 && request.version() == Version::HTTP_11 => {
            return Err(Page::bad_request("it has no Host field"));
        }
        (_, None) if hosts == 0 => {
            // HTTP/1.0 knows no Host; what the client connected to is what it meant.
            let host = match client.local {
                None => "localhost".to_owned(),
                Some(local) if local.port() == client.usual_port() => bracketed(local.ip()),
                Some(local) => format!("{}:{}", bracketed(local.ip()), local.port()),
            };
            if let Ok(host) = HeaderValue::try_from(host) {
                request.headers_mut().insert(header::HOST, host);
            }
        }
        (_, None) => {}
    }
    Ok(())
}

fn without_user(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn bracketed(ip: std::net::IpAddr) -> String {
    match ip.to_canonical() {
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// `TE: trailers` is the one transfer coding preference that survives a proxy that passes trailers on.
fn accepts_trailers(headers: &HeaderMap) -> bool {
    has_token(headers, header::TE, "trailers")
}

/// Adds the client to `X-Forwarded-For`, in one line, after what was there. One without an address, on a Unix socket, is in front
/// of others itself, and what it says of them stands.
fn append_forwarded_for(headers: &mut HeaderMap, client: &Client) {
    let Some(peer) = client.peer else { return };
    let ip = peer.ip().to_canonical();
    match headers.entry(X_FORWARDED_FOR) {
        Entry::Vacant(entry) => {
            if let Ok(value) = HeaderValue::try_from(ip.to_string()) {
                entry.insert(value);
            }
        }
        Entry::Occupied(mut entry) => {
            let mut all = Vec::new();
            for value in entry.iter().filter(|value| !value.is_empty()) {
                all.extend_from_slice(value.as_bytes());
                all.extend_from_slice(b", ");
            }
            let mut own = String::new();
            let _ = write!(own, "{ip}");
            all.extend_from_slice(own.as_bytes());
            if let Ok(value) = HeaderValue::from_bytes(&all) {
                entry.insert(value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
