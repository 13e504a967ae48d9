//! Why bytes could not be read. Always the sender's fault; nothing has changed when one is returned.

/// What was wrong with a peer's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The input ended inside a value. On a stream: read more and try again.
    #[error("ends early")]
    Truncated,
    /// A value of another type than the field wants, or a number out of the field's range.
    #[error("field {field}: {problem}")]
    Field {
        /// The wire key of the field.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Not a msgpack value where one was due, or nested deeper than we follow.
    #[error("malformed msgpack: {0}")]
    Msgpack(&'static str),
    /// The first byte names no message that may stand here.
    #[error("unknown message type {0}")]
    UnknownType(u8),
    /// The CRC does not match.
    #[error("checksum mismatch")]
    Checksum,
    /// LZW data that does not decode, or an unknown algorithm.
    #[error("compression: {0}")]
    Compression(&'static str),
    /// More than our stated limit.
    #[error("{what} exceeds the limit of {limit}")]
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// The limit, in the unit of `what`.
        limit: usize,
    },
}
