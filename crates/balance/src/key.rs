//! How the core and the data plane name a backend to each other.

use core::net::SocketAddr;

/// Names one backend for as long as it is in the picture or has requests in flight; small and `Copy`, for the hot path.
/// A backend that comes back at another address gets another key, and no key is ever used again for another backend.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key(pub u64);

/// Where to send a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Choice {
    /// The backend.
    pub key: Key,
    /// Its address.
    pub addr: SocketAddr,
}
