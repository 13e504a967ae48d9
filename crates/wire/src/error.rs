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
    /// Not a msgpack value, or not of the kind that was due.
    #[error("malformed msgpack: {0}")]
    Msgpack(&'static str),
    /// The first byte names no message that may stand here.
    #[error("unknown message type {0}")]
    UnknownType(u8),
    /// Encrypted traffic, which needs a key.
    #[error("encrypted, but no key is configured here")]
    Encrypted,
    /// Traffic of a labelled cluster; this one has no label.
    #[error("sent within a labelled cluster, but no label is configured here")]
    Labelled,
    /// Plaintext, where everything must be encrypted.
    #[error("not encrypted, but a key is configured here")]
    NotEncrypted,
    /// Encrypted, and it does not open.
    #[error("encryption: {0}")]
    Encryption(&'static str),
    /// Sent without our label, or with another.
    #[error("not sent within the cluster of the label that is configured here")]
    OtherLabel,
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

impl DecodeError {
    /// Says in which field a value was wrong; the innermost field keeps the blame.
    #[must_use]
    pub fn in_field(self, field: &'static str) -> Self {
        match self {
            Self::Msgpack(problem) => Self::Field { field, problem },
            other => other,
        }
    }
}
