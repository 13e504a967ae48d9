//! What a proxy says of itself and of its client in each request of one connection. Made once, written often.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::net::{IpAddr, SocketAddr};

/// One client connection, as backends are told of it.
#[derive(Clone, Debug)]
pub struct Hop {
    /// The client, for the end of `X-Forwarded-For`.
    pub(crate) client: String,
    /// `X-Forwarded-Proto` and `X-Forwarded-Port`, as lines.
    pub(crate) lines: Vec<u8>,
    local: SocketAddr,
    usual_port: u16,
}

impl Hop {
    /// A client at `client` that reached us at `local`, over TLS if `is_secure`.
    pub fn new(client: IpAddr, local: SocketAddr, is_secure: bool) -> Self {
        let (scheme, usual_port) = if is_secure { ("https", 443) } else { ("http", 80) };
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = write!(text, "X-Forwarded-Proto: {scheme}\r\nX-Forwarded-Port: {}\r\n", local.port());
        let lines = text.into_bytes();
        let mut text = String::new();
        // An IPv4 client of a dual-stack listener is written as IPv4.
        let _ = write!(text, "{}", client.to_canonical());
        Self { client: text, lines, local, usual_port }
    }

    /// What a client of HTTP/1.0 meant that named no host: the address it connected to.
    pub(crate) fn host(&self) -> String {
        let mut host = String::new();
        // Writing to a string cannot fail.
        let _ = match self.local.ip().to_canonical() {
            IpAddr::V4(ip) => write!(host, "{ip}"),
            IpAddr::V6(ip) => write!(host, "[{ip}]"),
        };
        if self.local.port() != self.usual_port {
            let _ = write!(host, ":{}", self.local.port());
        }
        host
    }
}
