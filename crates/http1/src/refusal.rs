//! Why a message is not passed on, in words that fit behind "The request cannot be passed on: ".

use crate::chunked::{CHUNK_LINE_BYTES_MAX, TRAILER_BYTES_MAX};
use crate::parse::{FIELDS_MAX, HEAD_BYTES_MAX};
use crate::survey::CONNECTION_NAMES_MAX;

/// What is wrong with a message. After one, nothing that follows on the connection can be trusted: answer and close.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// More than [`HEAD_BYTES_MAX`] without an end of the head.
    #[error("its head is longer than {HEAD_BYTES_MAX} bytes")]
    HeadTooLong,
    /// More than [`FIELDS_MAX`] fields.
    #[error("its head has more than {FIELDS_MAX} fields")]
    TooManyFields,
    /// A TLS handshake where plain HTTP was expected.
    #[error("it is TLS, and this port speaks plain HTTP")]
    Tls,
    /// No method, target and version with one space between them.
    #[error("its first line is no request line")]
    RequestLine,
    /// No version, status and reason.
    #[error("its first line is no status line")]
    StatusLine,
    /// Neither HTTP/1.1 nor HTTP/1.0.
    #[error("its version is neither HTTP/1.1 nor HTTP/1.0")]
    Version,
    /// RFC 9112, 2.2: some readers take a lone LF for the end of a line, others do not.
    #[error("a line ends in LF without CR")]
    BareLf,
    /// RFC 9112, 2.2: a CR anywhere but before LF.
    #[error("it has a CR that ends no line")]
    BareCr,
    /// RFC 9112, 5.2.
    #[error("a line begins with white space, as if it continued the one before")]
    Folded,
    /// RFC 9112, 5.1: some readers drop it, others take it for part of the name.
    #[error("there is white space in a field's name or before its colon")]
    SpaceInName,
    /// No token.
    #[error("a field's name has a byte that names cannot have")]
    FieldName,
    /// A control character, NUL among them.
    #[error("a field's value has a control character")]
    FieldValue,
    /// RFC 9112, 3.2.
    #[error("it has no Host field")]
    NoHost,
    /// RFC 9112, 3.2.
    #[error("it has more than one Host field")]
    ManyHosts,
    /// RFC 9112, 3.2: a value that is no host.
    #[error("its Host field is no host with or without a port")]
    BadHost,
    /// More than one length, even if they agree.
    #[error("it has more than one Content-Length")]
    LengthTwice,
    /// Anything but digits.
    #[error("its Content-Length is no number")]
    LengthNotNumber,
    /// More than 2^63 - 1.
    #[error("its Content-Length is too large")]
    LengthTooLarge,
    /// RFC 9112, 6.1: the shape of request smuggling.
    #[error("it has both Content-Length and Transfer-Encoding")]
    LengthBesideCoding,
    /// Anything but one field with `chunked`.
    #[error("its Transfer-Encoding is not exactly: chunked")]
    UnknownCoding,
    /// RFC 9112, 6.1: HTTP/1.0 has no transfer codings, so readers before us may have ignored it.
    #[error("it has a Transfer-Encoding, which HTTP/1.0 does not know")]
    CodingInOld,
    /// Not one of the four forms (RFC 9112, 3.2).
    #[error("its target has no path")]
    Target,
    /// `*` is for OPTIONS only (RFC 9112, 3.2.4).
    #[error("its target * is for OPTIONS only")]
    Asterisk,
    /// A `#`, which ends the target for some readers only.
    #[error("its target has a fragment")]
    Fragment,
    /// A host in the target that could be no `Host` field.
    #[error("its target names no host that could be a field")]
    TargetHost,
    /// A reverse proxy opens no tunnels to elsewhere.
    #[error("CONNECT is for tunnels, and this is a reverse proxy")]
    Connect,
    /// More than [`CONNECTION_NAMES_MAX`] of them; each is looked for in all fields.
    #[error("its Connection field names more than {CONNECTION_NAMES_MAX} others")]
    ConnectionNames,
    /// Below 100.
    #[error("its status is no status")]
    Status,
    /// More interim responses (1xx) than anybody has a use for.
    #[error("too many interim responses came before it")]
    Interims,
    /// A 101 that nobody asked for.
    #[error("it switches to another protocol, which nobody asked for")]
    Switched,
    /// No hexadecimal digit where a chunk begins, or another byte behind them.
    #[error("the size of a chunk is no hexadecimal number")]
    ChunkSize,
    /// More than 2^63 - 1, or more than 16 digits.
    #[error("the size of a chunk is too large")]
    ChunkTooLarge,
    /// Longer than [`CHUNK_LINE_BYTES_MAX`].
    #[error("the line of a chunk's size is longer than {CHUNK_LINE_BYTES_MAX} bytes")]
    ChunkLineTooLong,
    /// A control character in an extension, a lone LF among them.
    #[error("a chunk's extension has a control character")]
    ChunkExtension,
    /// More bytes of extensions than of data.
    #[error("its chunks are more extensions than data")]
    TooManyExtensions,
    /// No CRLF behind a chunk.
    #[error("a chunk does not end where its size says")]
    ChunkEnd,
    /// More than [`TRAILER_BYTES_MAX`].
    #[error("its trailers are longer than {TRAILER_BYTES_MAX} bytes")]
    TrailersTooLong,
}

impl Refusal {
    /// The status that tells a client so.
    pub fn status(self) -> u16 {
        match self {
            Self::HeadTooLong | Self::TooManyFields | Self::TrailersTooLong => 431,
            Self::Version => 505,
            Self::UnknownCoding => 501,
            Self::Connect => 405,
            _ => 400,
        }
    }
}
