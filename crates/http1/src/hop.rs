//! What a proxy says of itself and of its client in each request of one connection. Made once, written often.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::net::{IpAddr, SocketAddr};

/// One client connection, as backends are told of it.
#[derive(Clone, Debug)]
pub struct Hop {
    /// The client, for the end of `X-Forwarded-For`; `None` of one without an address.
    pub(crate) client: Option<String>,
    /// `X-Forwarded-Proto` and `X-Forwarded-Port`, as lines.
    pub(crate) lines: Vec<u8>,
    local: Option<SocketAddr>,
    usual_port: u16,
    /// Whether the fields of this kind are ours to say.
    pub(crate) speaks: bool,
}

impl Hop {
    /// A client at `client` that reached us at `local`, over TLS if `is_secure`. One of a Unix socket has neither address: it is in
    /// front of others itself, and what it says of them stands.
    pub fn new(client: Option<IpAddr>, local: Option<SocketAddr>, is_secure: bool) -> Self {
        let (scheme, usual_port) = if is_secure { ("https", 443) } else { ("http", 80) };
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = write!(text, "X-Forwarded-Proto: {scheme}\r\n");
        if let Some(local) = local {
            let _ = write!(text, "X-Forwarded-Port: {}\r\n", local.port());
        }
        // An IPv4 client of a dual-stack listener is written as IPv4.
        let client = client.map(|client| client.to_canonical().to_string());
        Self { client, lines: text.into_bytes(), local, usual_port, speaks: true }
    }

    /// One that says nothing of its client and lets stand what came: what backends are told is somebody else's rule.
    pub fn silent(local: Option<SocketAddr>, is_secure: bool) -> Self {
        let usual_port = if is_secure { 443 } else { 80 };
        Self { client: None, lines: Vec::new(), local, usual_port, speaks: false }
    }

    /// What a client of HTTP/1.0 meant that named no host: the address it connected to.
    pub(crate) fn host(&self) -> String {
        let Some(local) = self.local else { return "localhost".to_owned() };
        let mut host = match local.ip().to_canonical() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        if local.port() != self.usual_port {
            // Writing to a string cannot fail.
            let _ = write!(host, ":{}", local.port());
        }
        host
    }
}
