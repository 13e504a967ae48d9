//! What configuration and operators say of one backend, beside what the picture does.

use alloc::string::String;

/// The default says nothing. The shell merges its sources and hands over the result with
/// [`Balancer::describe`](crate::Balancer::describe).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Traits {
    /// It is used only when no other backend is usable: none that is neither ejected nor withdrawn.
    pub backup: bool,
    /// Where it is; see [`Policy::zone`](crate::Policy::zone).
    pub zone: Option<String>,
    /// Most requests in flight on it; overrides [`Policy::max_in_flight`](crate::Policy::max_in_flight). 0:
    /// no limit.
    pub max_in_flight: Option<u32>,
    /// Its weight, instead of the picture's, at most [`WEIGHT_MAX`](muster_fleet::WEIGHT_MAX). 0: only requests that stick to it, and any when nothing else is usable.
    pub weight: Option<u16>,
    /// It gets nothing, as if the picture said withdrawn, and is not connected to.
    pub maintenance: bool,
}
