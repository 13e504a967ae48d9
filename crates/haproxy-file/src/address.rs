//! Addresses as HAProxy writes them (configuration manual, 11.1 in later ones; `str2sa_range`).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use muster_haproxy::{Env, expand};

/// Most ports of one range: each is a listening socket.
const PORTS_MAX: u16 = 1000;

/// Where something is that we speak to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Target {
    /// An address.
    Ip(SocketAddr),
    /// A name that has to be looked up.
    Name {
        /// The name.
        name: String,
        /// The port.
        port: u16,
    },
    /// A socket in the file system.
    Unix(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::Name { name, port } => write!(f, "{name}:{port}"),
            Self::Unix(path) => write!(f, "unix@{path}"),
        }
    }
}

/// `sun_path` of unix(7), less its final zero byte.
const PATH_BYTES_MAX: usize = 107;

/// What is listened on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Listen {
    Tcp(SocketAddr),
    Unix(String),
}

/// Reads what `bind` or a socket of statistics names: several, with commas between.
pub(crate) fn listens(text: &str, env: Env<'_>) -> Result<Vec<Listen>, String> {
    let text = expand(text, env).map_err(|broken| broken.to_string())?;
    let mut all = Vec::new();
    for text in text.split(',') {
        match kind(text)? {
            Bare::Unix(path) => all.push(Listen::Unix(path)),
            Bare::Tcp { host, family } => {
                let (host, ports) = host.rsplit_once(':').ok_or_else(|| no_port(text))?;
                let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
                let (first, last) = (port(first, text)?, port(last, text)?);
                if last < first || last - first >= PORTS_MAX {
                    return Err(format!(
                        "`{text}` has a range of ports that is none, or more than {PORTS_MAX} of them"
                    ));
                }
                let ip = any(host, family).or_else(|| literal(host, family)).ok_or_else(|| {
                    format!("`{text}`: `{host}` is no address of this host; write one, or *")
                })?;
                all.extend((first..=last).map(|port| Listen::Tcp(SocketAddr::new(ip, port))));
            }
        }
    }
    Ok(all)
}

/// Reads where something is that we speak to; `usual` is the port when none is named.
pub(crate) fn target(text: &str, usual: Option<u16>, env: Env<'_>) -> Result<Target, String> {
    let expanded = expand(text, env).map_err(|broken| broken.to_string())?;
    let text = expanded.as_str();
    let (host, family) = match kind(text)? {
        Bare::Unix(path) => return Ok(Target::Unix(path)),
        Bare::Tcp { host, family } => (host, family),
    };
    // An address of IPv6 without a port looks as if it had one.
    if let (Some(ip), Some(port)) = (literal(host, family), usual) {
        return Ok(Target::Ip(SocketAddr::new(ip, port)));
    }
    let (host, port) = match (host.rsplit_once(':'), usual) {
        (Some((host, digits)), _) => (host, port(digits, text)?),
        (None, Some(usual)) => (host, usual),
        (None, None) => return Err(no_port(text)),
    };
    if let Some(ip) = literal(host, family) {
        return Ok(Target::Ip(SocketAddr::new(ip, port)));
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    match !host.is_empty() && host != "*" && host.bytes().all(is_name) {
        true => Ok(Target::Name { name: host.into(), port }),
        false => Err(format!("`{text}`: `{host}` is neither an address nor a name of a host")),
    }
}

enum Bare<'t> {
    Tcp { host: &'t str, family: Option<bool> },
    Unix(String),
}

/// Takes the prefix off; `family` is whether it asks for IPv6, if it says.
fn kind(text: &str) -> Result<Bare<'_>, String> {
    if text.starts_with('/') {
        return unix(text);
    }
    let Some((prefix, rest)) = text.split_once('@') else {
        return Ok(Bare::Tcp { host: text, family: None });
    };
    match prefix {
        "unix" => unix(rest),
        "ipv4" | "tcp4" => Ok(Bare::Tcp { host: rest, family: Some(false) }),
        "ipv6" | "tcp6" => Ok(Bare::Tcp { host: rest, family: Some(true) }),
        "tcp" => Ok(Bare::Tcp { host: rest, family: None }),
        _ => Err(format!("`{text}`: there is no `{prefix}@` here; write ADDRESS:PORT or a path")),
    }
}

fn unix(path: &str) -> Result<Bare<'_>, String> {
    match path.starts_with('/') && path.len() <= PATH_BYTES_MAX {
        true => Ok(Bare::Unix(path.into())),
        false => Err(format!("`{path}` is no absolute path of at most {PATH_BYTES_MAX} bytes")),
    }
}

fn any(host: &str, family: Option<bool>) -> Option<IpAddr> {
    match (host, family) {
        ("" | "*", None | Some(false)) => Some(Ipv4Addr::UNSPECIFIED.into()),
        ("" | "*", Some(true)) | ("::" | "[::]", None | Some(true)) => Some(Ipv6Addr::UNSPECIFIED.into()),
        _ => None,
    }
}

fn literal(host: &str, family: Option<bool>) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let ip: IpAddr = bare.parse().ok()?;
    family.is_none_or(|is_v6| ip.is_ipv6() == is_v6).then_some(ip)
}

fn port(digits: &str, text: &str) -> Result<u16, String> {
    let is_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.parse().ok().filter(|port| is_digits && *port > 0);
    port.ok_or_else(|| format!("`{text}`: `{digits}` is no port from 1 to 65535"))
}

fn no_port(text: &str) -> String {
    format!("`{text}` has no port; write ADDRESS:PORT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        (name == "PORT").then(|| "81".into())
    }

    #[test]
    fn what_is_listened_on_is_read_as_haproxy_reads_it() {
        for (text, meant) in [
            ("*:80", "0.0.0.0:80"),
            (":80", "0.0.0.0:80"),
            ("10.0.0.1:80,10.0.0.2:81", "10.0.0.1:80 10.0.0.2:81"),
            (":::80", "[::]:80"),
            ("[::]:80", "[::]:80"),
            ("[::1]:80", "[::1]:80"),
            ("::1:80", "[::1]:80"),
            ("ipv4@127.0.0.1:80", "127.0.0.1:80"),
            ("ipv6@:80", "[::]:80"),
            (":80-82", "0.0.0.0:80 0.0.0.0:81 0.0.0.0:82"),
            (":${PORT}", "0.0.0.0:81"),
            ("/run/a.sock", "/run/a.sock"),
            ("unix@/run/a.sock", "/run/a.sock"),
        ] {
            let read = listens(text, &env).unwrap();
            let shown: Vec<String> = read
                .iter()
                .map(|listen| match listen {
                    Listen::Tcp(addr) => addr.to_string(),
                    Listen::Unix(path) => path.clone(),
                })
                .collect();
            assert_eq!(shown.join(" "), meant, "{text}");
        }
        for text in [
            "80",
            "",
            "web:80",
            "*:0",
            "*:x",
            ":90-80",
            ":1-5000",
            "abns@x",
            "fd@3",
            "unix@x",
            "ipv6@1.2.3.4:80",
            ":$NOPE",
        ] {
            assert!(listens(text, &env).is_err(), "{text}");
        }
    }

    #[test]
    fn a_server_may_have_a_name() {
        let read = |text| target(text, None, &env).map(|target| target.to_string());
        assert_eq!(read("10.0.0.1:80").as_deref(), Ok("10.0.0.1:80"));
        assert_eq!(read("web_1.internal:$PORT").as_deref(), Ok("web_1.internal:81"));
        assert_eq!(read("[::1]:80").as_deref(), Ok("[::1]:80"));
        assert_eq!(read("/run/x.sock").as_deref(), Ok("unix@/run/x.sock"));
        for text in ["10.0.0.1", "web", ":80", "*:80", "a b:80", "a:0", "http://a:80"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(target("::1", Some(514), &env).unwrap().to_string(), "[::1]:514");
        assert_eq!(target("log", Some(514), &env).unwrap().to_string(), "log:514");
    }
}
