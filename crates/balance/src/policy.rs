//! What an operator may choose for a service.

use crate::checks::Checks;
use crate::guard::Guard;
use crate::outliers::Outliers;
use alloc::string::String;
use core::time::Duration;

/// How the next backend is chosen among those equally preferred. All of them heed weights, unless said otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Algorithm {
    /// Weighted turns: exact shares over a cycle, evenly spread.
    #[default]
    RoundRobin,
    /// Fewest requests in flight per weight; turns between equals. For requests of very different length, such as WebSockets.
    LeastConn,
    /// The better of two drawn at random, by recent latency times requests in flight, per weight. For backends of different
    /// or changing speed. Wants [`Balancer::answered`](crate::Balancer::answered).
    PowerOfTwo,
    /// Drawn at random.
    Random,
    /// The same backend for the same [`Hint::hash`](crate::Hint::hash), on every balancer: consistent hashing with bounded
    /// load. A request without a hash takes a turn.
    Hash,
    /// The first by node name that has room, so that the last ones stay idle and may be switched off. No weights. Without a
    /// limit of requests in flight, all go to the first.
    First,
}

/// What makes a client's later requests go where its first one went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stickiness {
    /// Nothing.
    #[default]
    None,
    /// A cookie that names a backend: [`Hint::sticky`](crate::Hint::sticky).
    Cookie,
    /// Where it comes from, [`Hint::source`](crate::Hint::source), by consistent hashing without bound: nothing is
    /// remembered, and all balancers agree.
    Source,
}

/// One service's settings. The default is what a service without settings gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// How backends are chosen.
    pub algorithm: Algorithm,
    /// With [`Algorithm::Hash`]: how many percent of its fair part of the requests in flight a backend may have before
    /// its keys go to the next one; at least 100. `None`: no bound. (Mirrokni, Thorup and Zadimoghaddam, "Consistent hashing
    /// with bounded loads", 2018; HAProxy's `hash-balance-factor`.)
    pub hash_bound_percent: Option<u16>,
    /// Whether clients keep their backend. One that is ejected, full or gone is replaced by the algorithm's choice.
    pub sticky: Stickiness,
    /// A backend withdrawn by the picture still gets the requests of cookies that name it, as long as it is listed. Its end
    /// waits for them, so this suits only nodes that are withdrawn long before they stop.
    pub sticky_draining: bool,
    /// In how much time a backend that becomes ready beside ready ones rises to its weight. Zero: at once. Hashing does not
    /// heed it: keys would move with every step.
    pub slow_start: Duration,
    /// Our own zone: backends in it go first while it can bear its part. `None`: zones do not matter.
    pub zone: Option<String>,
    /// How much more than their weight, in percent of it, backends of our zone can bear.
    pub zone_factor_percent: u16,
    /// Most requests in flight on one backend from this balancer. `None` or 0: no limit.
    pub max_in_flight: Option<u32>,
    /// Most requests that wait while all backends are full. 0: none waits.
    pub queue_max: u32,
    /// How long one waits at most.
    pub queue_wait: Duration,
    /// Whether and how backends are checked when nobody asks them.
    pub checks: Option<Checks>,
    /// Whether and how backends are compared with their peers. Wants [`Balancer::answered`](crate::Balancer::answered).
    pub outliers: Option<Outliers>,
    /// How many backends these two may take out.
    pub guard: Guard,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::default(),
            hash_bound_percent: Some(150),
            sticky: Stickiness::None,
            sticky_draining: false,
            slow_start: Duration::ZERO,
            zone: None,
            zone_factor_percent: 140,
            max_in_flight: None,
            queue_max: 0,
            queue_wait: Duration::from_secs(10),
            checks: None,
            outliers: None,
            guard: Guard::default(),
        }
    }
}
