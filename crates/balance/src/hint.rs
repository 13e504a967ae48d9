//! What the shell knows of a request that a choice may depend on.

use crate::StableId;

/// All of it is optional; the default says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Hint {
    /// Hash of what the service hashes by: source address, a header, the URI. Any hash will do whose low and high bits are
    /// equally good, as long as all balancers use the same one.
    pub hash: Option<u64>,
    /// Hash of the source address, for [`Stickiness::Source`](crate::Stickiness::Source).
    pub source: Option<u64>,
    /// The backend that a cookie names, after the shell has checked that we or another balancer signed it.
    pub sticky: Option<StableId>,
}
