//! What a request asks for (RFC 9112, 3.2), and what a host may look like.

use crate::refusal::Refusal;

/// A request target in one of its four forms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target<'b> {
    /// `/path?query`
    Origin(&'b str),
    /// `http://host/path?query`: its host counts, not the field.
    Absolute {
        /// Host and port, without a user.
        host: &'b str,
        /// What follows; may be empty, or begin with `?`.
        path: &'b str,
    },
    /// `*`, for OPTIONS.
    Asterisk,
    /// `host:port`, for CONNECT.
    Authority(&'b str),
}

impl<'b> Target<'b> {
    /// Sorts `text`, which has visible ASCII and bytes beyond it only.
    pub(crate) fn parse(text: &'b str, method: &str) -> Result<Self, Refusal> {
        // Some readers cut it off, some refuse it, some pass it: no client that means well sends one.
        if text.contains('#') {
            return Err(Refusal::Fragment);
        }
        if method == "CONNECT" {
            return match is_host(text.as_bytes()) {
                true => Ok(Self::Authority(text)),
                false => Err(Refusal::TargetHost),
            };
        }
        if text.starts_with('/') {
            return Ok(Self::Origin(text));
        }
        if text == "*" {
            return if method == "OPTIONS" { Ok(Self::Asterisk) } else { Err(Refusal::Asterisk) };
        }
        let (scheme, rest) = text.split_once("://").ok_or(Refusal::Target)?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(Refusal::Target);
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        // An absolute http URI has a host (RFC 9110, 4.2.1).
        if host.is_empty() || !is_host(host.as_bytes()) {
            return Err(Refusal::TargetHost);
        }
        Ok(Self::Absolute { host, path })
    }
}

/// Whether `value` is what a `Host` field may be: a host and perhaps a port (RFC 9110, 7.2), or nothing. Readers cut strange ones
/// apart in different places.
pub(crate) fn is_host(value: &[u8]) -> bool {
    let (host, port) = match value {
        [b'[', rest @ ..] => {
            let Some(end) = rest.iter().position(|byte| *byte == b']') else { return false };
            let (inside, rest) = (&rest[..end], &rest[end + 1..]);
            let is_literal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'.');
            if inside.is_empty() || !inside.iter().all(is_literal) {
                return false;
            }
            match rest {
                [] => return true,
                [b':', port @ ..] => (&[][..], port),
                _ => return false,
            }
        }
        _ => match value.iter().position(|byte| *byte == b':') {
            Some(at) => (&value[..at], &value[at + 1..]),
            None => (value, &[][..]),
        },
    };
    // RFC 3986, 3.2.2: unreserved, percent-encoded and sub-delims, without the comma, which lists are made of.
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(byte);
    host.iter().all(is_name) && port.len() <= 5 && port.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_what_only_looks_like_them() {
        for good in [
            "",
            "a",
            "shop.example:8080",
            "127.0.0.1",
            "[::1]",
            "[::1]:80",
            "a_b",
            "a:",
            "xn--bcher-kva.example",
        ] {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in [
            "a b", "a,b", "a/b", "u@a", "a:x", "a:1:2", "[::1", "[]", "[::1]x", "a:123456", "a\\b",
            "http://a", "b\u{fc}",
        ] {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }
}
