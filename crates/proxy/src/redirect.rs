//! Sending clients from http to https.

use crate::pages::Page;
use muster_http1::{Request, Slots, Target};

/// The answer to a request whose `head` is ready for backends: its target is a path and its host is settled. It goes to the same
/// host at `port`.
pub(crate) fn to_https(head: &[u8], port: u16) -> Page {
    location(head, port).map_or_else(Page::no_host, Page::moved)
}

fn location(head: &[u8], port: u16) -> Option<String> {
    let mut slots = Slots::new();
    let request = Request::parse(head, &mut slots).ok()??;
    let host = without_port(std::str::from_utf8(request.host()?).ok()?)?;
    let path = match request.target {
        Target::Origin(path) => path,
        _ => "/",
    };
    Some(match port {
        443 => format!("https://{host}{path}"),
        _ => format!("https://{host}:{port}{path}"),
    })
}

/// The host of a `Host` field; `None` when it has what no host has, such as a slash, which would lead elsewhere.
fn without_port(field: &str) -> Option<&str> {
    let end = match field.strip_prefix('[').and_then(|rest| rest.find(']')) {
        Some(end) => end + 2,
        None => field.find(':').unwrap_or(field.len()),
    };
    let (host, port) = field.split_at_checked(end)?;
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte);
    let is_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    (!host.is_empty() && host.bytes().all(is_host) && is_port).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(target: &str, host: &str, port: u16) -> Option<String> {
        location(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes(), port)
    }

    #[test]
    fn path_and_query_go_along_and_the_port_does_not() {
        for (target, host, port, to) in [
            ("/a%20b?c=//d", "a.test", 443, "https://a.test/a%20b?c=//d"),
            ("//evil.test", "a.test:8080", 443, "https://a.test//evil.test"),
            ("/", "[::1]:80", 8443, "https://[::1]:8443/"),
            ("/", "[::1]", 443, "https://[::1]/"),
        ] {
            assert_eq!(of(target, host, port).as_deref(), Some(to));
        }
    }

    #[test]
    fn a_host_that_is_none_leads_nowhere() {
        for host in [
            "",
            ":80",
            "a.test/x",
            "a.test:80@evil.test",
            "u@evil.test",
            "a b",
            "[::1",
            "[::1]x",
            "a.test:8x",
        ] {
            assert_eq!(of("/", host, 443), None, "{host}");
        }
    }
}
