//! What an operator may choose for a service.

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

/// One service's settings. The default is what a service without settings gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// How backends are chosen.
    pub algorithm: Algorithm,
    /// With [`Algorithm::Hash`]: how many percent of its fair part of the requests in flight a backend may have before
    /// its keys go to the next one; at least 100. `None`: no bound. (Mirrokni, Thorup and Zadimoghaddam, "Consistent hashing
    /// with bounded loads", 2018; HAProxy's `hash-balance-factor`.)
    pub hash_bound_percent: Option<u16>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { algorithm: Algorithm::default(), hash_bound_percent: Some(150) }
    }
}
