//! Who may ask over TCP.
//!
//! Whatever runs in a browser on this host reaches 127.0.0.1 too. Two rules keep web pages out: only requests that change nothing
//! are served here (so no form of another site does anything), and `Host` must be an address or `localhost` (so that a page whose
//! own name was made to point here, "DNS rebinding", reads nothing). Who commands uses the control socket, which has an owner.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// Why a request is not served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// It would change something.
    Changes,
    /// Its `Host` is a name that is not ours.
    Host,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changes => "only GET and HEAD are served over TCP; commands go to the control socket",
            Self::Host => {
                "the Host field must be an address or `localhost`: a name may be made to point here by somebody else's DNS"
            }
        })
    }
}

/// Whether a request may be served.
///
/// # Errors
/// Why it may not.
pub fn admits(method: &str, host: Option<&str>) -> Result<(), Refused> {
    if !matches!(method, "GET" | "HEAD") {
        return Err(Refused::Changes);
    }
    if host.is_some_and(is_ours) { Ok(()) } else { Err(Refused::Host) }
}

fn is_ours(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    };
    host.parse::<SocketAddr>().is_ok()
        || name.parse::<Ipv4Addr>().is_ok()
        || name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .is_some_and(|name| name.parse::<Ipv6Addr>().is_ok())
        || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_and_changes_are_refused() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:9097",
            "[::1]:9097",
            "[::1]",
            "localhost:9097",
            "LOCALHOST",
            "10.0.0.1:1",
        ] {
            assert_eq!(admits("GET", Some(host)), Ok(()), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:9097",
            "127.0.0.1.evil.example",
            "localhost.evil:1",
            "[::1",
            "a:b",
        ] {
            assert_eq!(admits("GET", Some(host)), Err(Refused::Host), "{host}");
        }
        assert_eq!(admits("GET", None), Err(Refused::Host));
        for method in ["POST", "PUT", "DELETE", "PATCH", "get", "OPTIONS", "CONNECT"] {
            assert_eq!(admits(method, Some("127.0.0.1")), Err(Refused::Changes), "{method}");
        }
    }
}
