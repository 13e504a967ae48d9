//! Seeds as people type them: `host`, `host:port`, `name/host:port`, with IPv6 as `addr` or `[addr]:port`.

use crate::Error;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Serf's gossip port, and what a seed without a port means.
pub(crate) const DEFAULT_PORT: u16 = 7946;

/// One seed, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Seed {
    /// As typed, for messages.
    pub text: String,
    /// Where it is.
    pub host: Host,
    /// Gossip port.
    pub port: u16,
}

/// The host of a seed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Host {
    /// Needs no resolving.
    Ip(IpAddr),
    /// To be resolved anew each time.
    Name(String),
}

impl Seed {
    /// Reads one seed. The node name before a slash only serves routing in memberlist; it is accepted and not needed.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |reason| Error::Seed { seed: text.to_owned(), reason };
        let rest = text.split_once('/').map_or(text, |(_node, rest)| rest);
        let (host, port) = split(rest).ok_or_else(|| refuse("the port is not a number from 1 to 65535"))?;
        let host = match host.parse::<IpAddr>() {
            Ok(ip) if ip.is_unspecified() => return Err(refuse("that is no one's address")),
            Ok(ip) => Host::Ip(ip.to_canonical()),
            Err(_) if is_host_name(host) => Host::Name(host.to_ascii_lowercase()),
            Err(_) => return Err(refuse("that is no host name and no address")),
        };
        Ok(Self { text: text.to_owned(), host, port })
    }
}

/// Has `text` the form of a seed?
pub fn check_seed(text: &str) -> Result<(), Error> {
    Seed::parse(text).map(drop)
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Host and port of `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address. `None`: a bad port.
fn split(text: &str) -> Option<(&str, u16)> {
    if let Ok(addr) = text.parse::<SocketAddr>() {
        let host = text.rsplit_once(':')?.0.trim_start_matches('[').trim_end_matches(']');
        return (addr.port() != 0).then_some((host, addr.port()));
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(bare) = bare.filter(|bare| bare.parse::<Ipv6Addr>().is_ok()) {
        return Some((bare, DEFAULT_PORT));
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some((text, DEFAULT_PORT));
    }
    match text.rsplit_once(':') {
        Some((host, port)) => Some((host, port.parse().ok().filter(|port| *port != 0)?)),
        None => Some((text, DEFAULT_PORT)),
    }
}

/// RFC 1123, 2.1, and the underscore that container names have. Labels of 1 to 63, 253 in all.
fn is_host_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(allowed) && !label.starts_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Host, u16) {
        let seed = Seed::parse(text).unwrap();
        assert_eq!(seed.to_string(), text);
        (seed.host, seed.port)
    }

    fn name(name: &str) -> Host {
        Host::Name(name.into())
    }

    fn ip(ip: &str) -> Host {
        Host::Ip(ip.parse().unwrap())
    }

    #[test]
    fn every_form_serf_takes_is_read() {
        assert_eq!(parsed("s1"), (name("s1"), 7946));
        assert_eq!(parsed("S1.example.org.:80"), (name("s1.example.org."), 80));
        assert_eq!(parsed("10.0.0.1"), (ip("10.0.0.1"), 7946));
        assert_eq!(parsed("10.0.0.1:17946"), (ip("10.0.0.1"), 17946));
        assert_eq!(parsed("alpha/10.0.0.1:17946"), (ip("10.0.0.1"), 17946));
        assert_eq!(parsed("alpha/s_1:1"), (name("s_1"), 1));
    }

    #[test]
    fn ipv6_stands_alone_or_in_brackets() {
        assert_eq!(parsed("fd00::1"), (ip("fd00::1"), 7946));
        assert_eq!(parsed("[fd00::1]"), (ip("fd00::1"), 7946));
        assert_eq!(parsed("[fd00::1]:99"), (ip("fd00::1"), 99));
        assert_eq!(parsed("::ffff:10.0.0.1"), (ip("10.0.0.1"), 7946));
    }

    #[test]
    fn nonsense_is_refused_with_words() {
        let (port, name, nobody) =
            ("the port is not a number", "that is no host name", "that is no one's address");
        for (text, why) in [
            ("", name),
            ("a b", name),
            ("a..b", name),
            ("-join", name),
            ("[s1]", name),
            ("http://s1", name),
            ("x/", name),
            ("a\nb", name),
            ("s1:", port),
            ("s1:0", port),
            ("s1:70000", port),
            ("s1:http", port),
            ("10.0.0.1:0", port),
            ("0.0.0.0", nobody),
            ("[::]:1", nobody),
        ] {
            let error = check_seed(text).unwrap_err().to_string();
            assert!(error.starts_with("cannot join \"") && error.contains(why), "{error}");
            assert!(error.ends_with("; write HOST, HOST:PORT or NAME/HOST:PORT"), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
        assert!(check_seed(&"a".repeat(64)).is_err());
    }
}
