//! Which host a request is for: a name, or all below one.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// A host that a rule asks for. The port is not part of it, and letters have no case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum HostPattern {
    /// `shop.example`: this one alone.
    Exact(String),
    /// `*.shop.example`: all below it.
    Below(String),
    /// `.shop.example`: it and all below it.
    Suffix(String),
}

impl HostPattern {
    /// Whether `host`, in the form of a `Host` field, is one of them.
    pub fn matches(&self, host: &[u8]) -> bool {
        let host = without_port(host);
        match self {
            Self::Exact(name) => host.eq_ignore_ascii_case(name.as_bytes()),
            Self::Below(name) => is_below(host, name),
            Self::Suffix(name) => host.eq_ignore_ascii_case(name.as_bytes()) || is_below(host, name),
        }
    }

    /// Whether it is asked for whenever `other` is.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            _ if self == other => true,
            (Self::Below(_) | Self::Suffix(_), Self::Exact(name)) => self.matches(name.as_bytes()),
            (Self::Suffix(outer) | Self::Below(outer), Self::Below(inner)) => {
                inner == outer || is_below(inner.as_bytes(), outer)
            }
            (Self::Suffix(outer) | Self::Below(outer), Self::Suffix(inner)) => {
                is_below(inner.as_bytes(), outer)
            }
            (Self::Exact(_), _) => false,
        }
    }
}

fn is_below(host: &[u8], name: &str) -> bool {
    host.len().checked_sub(name.len() + 1).is_some_and(|dot| {
        dot > 0 && host[dot] == b'.' && host[dot + 1..].eq_ignore_ascii_case(name.as_bytes())
    })
}

/// The host alone: without a port, and without the dot that ends a name in full.
fn without_port(host: &[u8]) -> &[u8] {
    let end = match host.first() {
        Some(b'[') => host.iter().position(|byte| *byte == b']').map_or(host.len(), |at| at + 1),
        _ => host.iter().position(|byte| *byte == b':').unwrap_or(host.len()),
    };
    let host = &host[..end];
    host.strip_suffix(b".").unwrap_or(host)
}

impl FromStr for HostPattern {
    type Err = String;

    /// The errors are whole sentences about the text.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, make): (&str, fn(String) -> Self) = match text.strip_prefix("*.") {
            Some(name) => (name, Self::Below),
            None => match text.strip_prefix('.') {
                Some(name) => (name, Self::Suffix),
                None => (text, Self::Exact),
            },
        };
        let is_literal = name.starts_with('[') && name.ends_with(']');
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let inside = if is_literal { &name[1..name.len() - 1] } else { name };
        if inside.is_empty() || !inside.bytes().all(|byte| is_name(byte) || is_literal && byte == b':') {
            return Err(format!(
                "`{}` is no host; write a name such as shop.example, *.shop.example or .shop.example, without a port",
                text.escape_default()
            ));
        }
        Ok(make(name.trim_end_matches('.').to_ascii_lowercase()))
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Below(name) => write!(f, "*.{name}"),
            Self::Suffix(name) => write!(f, ".{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> HostPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_host_is_matched_without_port_case_and_final_dot() {
        for (text, hosts, others) in [
            (
                "Shop.example",
                &["shop.example", "SHOP.EXAMPLE:8080", "shop.example.", "shop.example.:1"][..],
                &["a.shop.example", "shop.example.org", "xshop.example", ""][..],
            ),
            (
                "*.shop.example",
                &["a.shop.example", "a.b.shop.example:1"],
                &["shop.example", ".shop.example", "ashop.example"],
            ),
            (".shop.example", &["shop.example", "a.shop.example"], &["ashop.example", "example"]),
            ("[::1]", &["[::1]", "[::1]:80"], &["::1", "[::2]"]),
        ] {
            for host in hosts {
                assert!(pattern(text).matches(host.as_bytes()), "{text} {host}");
            }
            for host in others {
                assert!(!pattern(text).matches(host.as_bytes()), "{text} {host}");
            }
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in ["", "*", "*.", ".", "a:80", "a b", "a*b", "[", "[]", "http://a", "a\r\nb"] {
            assert!(text.parse::<HostPattern>().unwrap_err().contains("is no host"), "{text}");
        }
        assert_eq!(pattern("*.A.example").to_string(), "*.a.example");
    }

    #[test]
    fn a_wider_pattern_covers_a_narrower_one() {
        for (wide, narrow) in [
            (".a.b", "a.b"),
            (".a.b", "*.a.b"),
            ("*.b", ".a.b"),
            ("*.b", "a.b"),
            (".b", ".a.b"),
            ("*.b", "*.b"),
            ("*.b", "*.a.b"),
        ] {
            assert!(pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
            assert!(wide == narrow || !pattern(narrow).covers(&pattern(wide)), "{narrow} {wide}");
        }
        assert!(!pattern("*.a.b").covers(&pattern(".a.b")), "the name itself is not below it");
    }
}
