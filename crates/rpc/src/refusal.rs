//! What an agent says when it does not do what it was asked, in Serf's words: clients compare them (ipc.go).
//!
//! Errors that come from doing it (a join that reached nobody, an event too long) are worded where it is done.

/// The command is none. The connection is closed.
pub const UNSUPPORTED_COMMAND: &str = "Unsupported command";
/// The handshake names a version that is not [`VERSION`](crate::VERSION).
pub const UNSUPPORTED_VERSION: &str = "Unsupported IPC version";
/// A second handshake.
pub const DUPLICATE_HANDSHAKE: &str = "Handshake already performed";
/// Anything before the handshake. The connection is closed.
pub const HANDSHAKE_REQUIRED: &str = "Handshake required";
/// A second monitor on one connection.
pub const MONITOR_EXISTS: &str = "Monitor already exists";
/// A stream of events whose filter is none.
pub const INVALID_FILTER: &str = "Invalid event filter";
/// A second stream under one `Seq`.
pub const STREAM_EXISTS: &str = "Stream with given sequence exists";
/// An answer to a query that was never shown on this connection, or whose time is over.
pub const INVALID_QUERY_ID: &str = "No pending queries matching ID";
/// Something was asked before the right token was given. The request's body is not read and no result follows: what the
/// client has sent of it already is taken for the next header, and refused in the same words.
pub const AUTHENTICATION_REQUIRED: &str = "Authentication required";
/// The wrong token, or one where none is wanted.
pub const INVALID_TOKEN: &str = "Invalid authentication token";
/// Precedes a word that is no level of the log.
pub const UNKNOWN_LOG_LEVEL: &str = "Unknown log level: ";
/// Not Serf's: it has no bound.
pub const TOO_MANY_STREAMS: &str = "Too many streams on this connection; stop one first";
/// Not Serf's either: so many connections have a stream, a monitor or a query that another one must end first.
pub const TOO_MANY_LISTENERS: &str = "Too many connections listen already; close one first";
