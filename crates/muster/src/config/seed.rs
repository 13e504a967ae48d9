//! The form of a seed: `HOST`, `HOST:PORT`, `NAME/HOST:PORT`. Names are resolved by the agent, again and again.

use super::value::Invalid;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// `text` when it has the form of a seed.
pub(crate) fn checked(text: &str) -> Result<String, Invalid> {
    let address = text.split_once('/').map_or(text, |(_name, address)| address);
    match complaint(address) {
        None => Ok(text.to_owned()),
        Some(why) => {
            Err(Invalid(format!("`{text}` cannot be joined: {why}; write HOST, HOST:PORT or NAME/HOST:PORT")))
        }
    }
}

fn complaint(address: &str) -> Option<&'static str> {
    let ip = address.parse::<SocketAddr>().map(|address| address.ip()).or_else(|_| address.parse::<IpAddr>());
    if let Ok(ip) = ip {
        return ip.is_unspecified().then_some("that is no one's address");
    }
    if let Some(bare) = address.strip_prefix('[').and_then(|address| address.strip_suffix(']')) {
        return bare.parse::<Ipv6Addr>().is_err().then_some("there is no IPv6 address between the brackets");
    }
    let (host, port) = address.rsplit_once(':').map_or((address, None), |(host, port)| (host, Some(port)));
    if port.is_some_and(|port| port.parse::<u16>().is_err() || port == "0") {
        return Some("the port is not a number from 1 to 65535");
    }
    // RFC 1123, 2.1, and the underscore that container names have.
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    match name.len() <= 253 && name.split('.').all(is_label) {
        true => None,
        false => Some("that is no host name"),
    }
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn hosts_addresses_and_names_before_a_slash_are_seeds() {
        for text in [
            "lb",
            "lb:7946",
            "a.b.c.",
            "app_1",
            "10.0.0.1",
            "10.0.0.1:1",
            "::1",
            "[::1]",
            "[::1]:1",
            "n/lb:1",
        ] {
            assert_eq!(checked(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn anything_else_is_not_and_the_reason_is_told() {
        for (text, why) in [
            ("", "that is no host name"),
            ("lb:", "the port is not a number"),
            ("lb:0", "the port is not a number"),
            ("lb:http", "the port is not a number"),
            ("a b", "that is no host name"),
            ("http://lb", "that is no host name"),
            ("-join", "that is no host name"),
            ("[lb]", "between the brackets"),
            ("0.0.0.0:7946", "that is no one's address"),
            ("[::]:1", "that is no one's address"),
            ("n/", "that is no host name"),
        ] {
            let problem = checked(text).unwrap_err().0;
            assert!(problem.contains(why), "{text}: {problem}");
        }
    }
}
