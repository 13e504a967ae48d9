//! Which line is made of a request.

mod combined;
mod haproxy;
mod json;

use crate::record::Record;
use alloc::vec::Vec;

/// The forms of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Apache's and nginx's: who, when, what, status, bytes of the body, where from, by which program.
    Combined,
    /// One object of JSON with all that is known.
    Json,
    /// HAProxy's `option httplog`.
    HttpLog,
    /// HAProxy's `option tcplog`.
    TcpLog,
    /// What HAProxy writes without either: the ends of the connection and the frontend.
    Connect,
}

impl Form {
    /// Writes the line behind `out`, without an end of line. It is about as long as what the client sent of it, four times at most.
    pub fn write(self, record: &Record<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Combined => combined::write(record, out),
            Self::Json => json::write(record, out),
            Self::HttpLog => haproxy::http(record, out),
            Self::TcpLog => haproxy::tcp(record, out),
            Self::Connect => haproxy::connect(record, out),
        }
    }
}

#[cfg(test)]
mod tests;
