//! What the data plane saw of a backend.

/// One observation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Evidence {
    /// A TCP connection was made (also the proof a new backend needs before it is preferred).
    Connected,
    /// A TCP connection was refused, reset or timed out.
    ConnectFailed,
    /// A response head arrived.
    Answered,
    /// A connection died under a request, before the response head.
    Died,
    /// No response head within the proxy's limit.
    Silent,
}
