//! Where the proxy listens, as a value: an address, and how it is spoken to there.
//!
//! ```text
//! 0.0.0.0:8080                       TCP
//! unix:/run/web.sock mode=660        a socket in the file system, with the mode of its file
//! 0.0.0.0:443 tls                    TLS, with the certificates of the configuration
//! 0.0.0.0:5432 tcp                   bytes as they come, no HTTP
//! 0.0.0.0:80 redirect-https          sends everybody to https
//! 10.0.0.1:8080 proxy-protocol       clients come by way of another balancer, which says who they are
//! ```
//!
//! The address comes first and options follow, each behind a space, in the manner of HAProxy's `bind`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// `sun_path` of unix(7), less its final zero byte.
const PATH_BYTES_MAX: usize = 107;

/// One listening socket and what is spoken on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listen {
    /// Where it is.
    pub at: At,
    /// Clients speak TLS.
    pub tls: bool,
    /// Bytes are passed on as they come; HTTP otherwise.
    pub tcp: bool,
    /// Requests are answered with the same address under https, on this port.
    pub redirect_https: Option<u16>,
    /// Each connection begins with a header of the PROXY protocol, which says whose it is.
    pub proxy_protocol: bool,
    /// Which frontend of the plan it belongs to, if there is a plan.
    pub frontend: usize,
    /// Which page of statistics is there, and nothing else.
    pub(crate) page: Option<usize>,
}

/// Where a listening socket is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum At {
    /// An address of this host.
    Tcp(SocketAddr),
    /// A place in the file system.
    Unix {
        /// Absolute.
        path: PathBuf,
        /// The permissions of the file, such as 0o660; what the umask leaves when there is none.
        mode: Option<u32>,
    },
}

impl Listen {
    /// The port of an address that names none.
    pub const PORT: u16 = 8080;

    /// Plain HTTP at `at`.
    pub fn new(at: At) -> Self {
        Self {
            at,
            tls: false,
            tcp: false,
            redirect_https: None,
            proxy_protocol: false,
            frontend: 0,
            page: None,
        }
    }

    /// The same elsewhere.
    pub(crate) fn moved(mut self, at: At) -> Self {
        self.at = at;
        self
    }

    /// The address, unless this is a place in the file system.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self.at {
            At::Tcp(addr) => Some(addr),
            At::Unix { .. } => None,
        }
    }
}

impl From<SocketAddr> for Listen {
    fn from(addr: SocketAddr) -> Self {
        Self::new(At::Tcp(addr))
    }
}

/// Reads `IP`, `IP:PORT`, `[IPv6]:PORT` or `:PORT`; `port` when none is named.
pub fn address(text: &str, port: u16) -> Option<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    // Not `::1`, which begins like a port.
    if let Some(Ok(port)) = text.strip_prefix(':').map(str::parse) {
        return Some(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port));
    }
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    Some(SocketAddr::new(bare.parse::<IpAddr>().ok()?, port))
}

/// The errors are whole sentences about the text.
impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_ascii_whitespace();
        let place = words.next().ok_or("is empty")?;
        let at = match place.strip_prefix("unix:") {
            Some(path) => At::Unix { path: socket_path(path)?, mode: None },
            None => At::Tcp(address(place, Self::PORT).ok_or_else(|| {
                format!(
                    "`{place}` is not an address; write IP, IP:PORT, [IPv6]:PORT, :PORT or unix:/PATH, not a host name"
                )
            })?),
        };
        let mut listen = Self::new(at);
        for word in words {
            let (name, value) =
                word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            listen.option(name, value).map_err(|why| format!("`{text}`: {why}"))?;
        }
        if listen.tls && listen.redirect_https.is_some() {
            return Err(format!(
                "`{text}`: who comes by `tls` is at https already; `redirect-https` is for a listener without"
            ));
        }
        if listen.tcp && listen.redirect_https.is_some() {
            return Err(format!("`{text}`: what is spoken by `tcp` is no HTTP, which could be redirected"));
        }
        Ok(listen)
    }
}

impl Listen {
    fn option(&mut self, name: &str, value: Option<&str>) -> Result<(), String> {
        match (name, value, &mut self.at) {
            ("proxy-protocol", None, _) => {
                self.proxy_protocol = true;
                Ok(())
            }
            ("tls", None, _) => {
                self.tls = true;
                Ok(())
            }
            ("tcp", None, _) => {
                self.tcp = true;
                Ok(())
            }
            ("proxy-protocol" | "tls" | "tcp", Some(_), _) => Err(format!("`{name}` takes no value")),
            ("redirect-https", port, _) => {
                let read = port.map_or(Some(443), |port| port.parse().ok()).filter(|port| *port != 0);
                self.redirect_https =
                    Some(read.ok_or("`redirect-https` takes a port, e.g. redirect-https=8443")?);
                Ok(())
            }
            ("mode", Some(digits), At::Unix { mode, .. }) => {
                let read = u32::from_str_radix(digits, 8).ok().filter(|mode| *mode <= 0o777);
                let wanted = || format!("`{digits}` is no mode; write three octal digits, e.g. mode=660");
                *mode = Some(read.ok_or_else(wanted)?);
                Ok(())
            }
            ("mode", Some(_), At::Tcp(_)) => Err("`mode` is for the file of a unix: socket".to_owned()),
            ("mode", None, _) => Err(format!("`{name}` needs a value, e.g. mode=660")),
            _ => Err(format!("there is no option `{name}`; there is {OPTIONS}")),
        }
    }
}

/// What may stand behind an address.
const OPTIONS: &str = "tls, tcp, redirect-https, proxy-protocol, mode=OCTAL";

fn socket_path(path: &str) -> Result<PathBuf, String> {
    if !path.starts_with('/') {
        return Err(format!("`unix:{path}` names no absolute path; write unix:/PATH"));
    }
    if path.len() > PATH_BYTES_MAX {
        return Err(format!(
            "the path of `unix:{path}` has {} bytes; the system takes at most {PATH_BYTES_MAX}",
            path.len()
        ));
    }
    Ok(PathBuf::from(path))
}

/// As it is read.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at.fmt(f)?;
        if let At::Unix { mode: Some(mode), .. } = self.at {
            write!(f, " mode={mode:o}")?;
        }
        if self.proxy_protocol {
            f.write_str(" proxy-protocol")?;
        }
        if self.tls {
            f.write_str(" tls")?;
        }
        if self.tcp {
            f.write_str(" tcp")?;
        }
        match self.redirect_https {
            Some(443) => f.write_str(" redirect-https")?,
            Some(port) => write!(f, " redirect-https={port}")?,
            None => {}
        }
        Ok(())
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix { path, .. } => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        text.parse::<Listen>().map(|listen| listen.to_string())
    }

    #[test]
    fn an_address_needs_no_port_and_no_ip() {
        for (text, meant) in [
            ("10.1.2.3", "10.1.2.3:8080"),
            (":1", "0.0.0.0:1"),
            ("::1", "[::1]:8080"),
            ("[::1]:1", "[::1]:1"),
            ("unix:/run/a.sock", "unix:/run/a.sock"),
            ("unix:/run/a.sock  mode=0660", "unix:/run/a.sock mode=660"),
            (":1 proxy-protocol", "0.0.0.0:1 proxy-protocol"),
            (":443 tls", "0.0.0.0:443 tls"),
            (":443 tcp tls", "0.0.0.0:443 tls tcp"),
            (":80 redirect-https=443", "0.0.0.0:80 redirect-https"),
            (":80 redirect-https=8443", "0.0.0.0:80 redirect-https=8443"),
            ("unix:/a proxy-protocol mode=600", "unix:/a mode=600 proxy-protocol"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(meant), "{text}");
            assert_eq!(read(meant).as_deref(), Ok(meant), "what is printed is read as the same");
        }
    }

    #[test]
    fn what_cannot_be_listened_on_is_refused_with_what_can() {
        for (text, words) in [
            ("", "is empty"),
            ("web:80", "not a host name"),
            ("unix:run/a.sock", "no absolute path"),
            ("unix:/a mode=888", "three octal digits"),
            ("unix:/a mode=1777", "three octal digits"),
            ("unix:/a mode", "needs a value"),
            (":80 mode=660", "file of a unix: socket"),
            (":80 lts", "there is no option `lts`; there is tls, tcp, redirect-https"),
            (":80 tcp redirect-https", "is no HTTP"),
            (":80 tls redirect-https", "is at https already"),
            (":80 redirect-https=0", "takes a port"),
            (":80 proxy-protocol=2", "takes no value"),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(words), "{text}: {refused}");
        }
        let long = format!("unix:/{}", "x".repeat(PATH_BYTES_MAX));
        assert!(read(&long).unwrap_err().contains("at most 107"));
        assert!(read(&long[..long.len() - 1]).is_ok());
    }
}
