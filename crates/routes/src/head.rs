//! A request as rules see it: borrowed, whatever protocol it came in.

use core::net::SocketAddr;

/// A client's connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Connection {
    /// The client.
    pub source: SocketAddr,
    /// Where it reached us.
    pub local: SocketAddr,
    /// It came over TLS.
    pub is_secure: bool,
}

/// The fields of a request, in their order, as they came.
pub trait Fields {
    /// Calls `see` with each name and value until it says true. Whether it did.
    fn any(&self, see: &mut dyn FnMut(&str, &[u8]) -> bool) -> bool;
}

impl<const N: usize> Fields for [(&str, &[u8]); N] {
    fn any(&self, see: &mut dyn FnMut(&str, &[u8]) -> bool) -> bool {
        self.iter().any(|(name, value)| see(name, value))
    }
}

/// No fields.
struct Nothing;

impl Fields for Nothing {
    fn any(&self, _see: &mut dyn FnMut(&str, &[u8]) -> bool) -> bool {
        false
    }
}

/// A request's head.
#[derive(Clone, Copy)]
pub struct RequestHead<'h> {
    /// Whose it is.
    pub connection: Connection,
    /// The method; case-sensitive.
    pub method: &'h str,
    /// Path and query of what is asked for, as it was sent; `*` for OPTIONS.
    pub target: &'h [u8],
    /// The host that is meant, with its port: of an absolute target, else of the field.
    pub host: Option<&'h [u8]>,
    /// Its fields.
    pub fields: &'h dyn Fields,
}

impl core::fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} {} of {}", self.method, self.target.escape_ascii(), self.connection.source)
    }
}

impl<'h> RequestHead<'h> {
    /// A connection of which nothing is known but its ends: TCP mode.
    pub fn of_connection(connection: Connection) -> Self {
        Self { connection, method: "", target: b"", host: None, fields: &Nothing }
    }
}

/// Path and query of a target, the query without its question mark.
pub(crate) fn split(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    match target.iter().position(|byte| *byte == b'?') {
        Some(at) => (&target[..at], Some(&target[at + 1..])),
        None => (target, None),
    }
}
