//! Contacting one seed: all its addresses but our own.

use crate::advertise::source_towards;
use crate::gossip::Handle;
use crate::interfaces;
use crate::resolve::{Families, Resolver};
use crate::seed::{Host, Seed};
use futures_util::StreamExt;
use futures_util::stream;
use std::net::{IpAddr, SocketAddr};

/// Addresses of one seed contacted at once.
const AT_ONCE: usize = 16;

/// Contacts seeds through the gossip thread.
#[derive(Clone, Debug)]
pub(crate) struct Joiner {
    pub gossip: Handle,
    pub resolver: Resolver,
    /// Where gossip listens.
    pub bound: SocketAddr,
    /// What others are told.
    pub advertised: SocketAddr,
    /// It was our choice, not the configuration's.
    pub advertise_chosen: bool,
}

/// How contacting one seed went.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tried {
    /// Its addresses that answered.
    pub joined: Vec<SocketAddr>,
    /// It is, or is also, this node.
    pub ourselves: bool,
    /// Its name has no address, and so nobody was contacted.
    pub unresolved: bool,
    /// What failed, in words.
    pub failures: Vec<String>,
    /// What worked and will not work well, in words.
    pub doubts: Vec<String>,
}

impl Joiner {
    /// Contacts every address of `seed` but our own.
    pub(crate) async fn try_seed(&self, seed: &Seed, replay: bool) -> Tried {
        self.try_some(seed, replay, |_| true).await
    }

    /// Contacts those addresses of `seed` that are wanted, and are not our own.
    pub(crate) async fn try_some(
        &self,
        seed: &Seed,
        replay: bool,
        wanted: impl Fn(&SocketAddr) -> bool,
    ) -> Tried {
        let mut tried = Tried::default();
        let ips = match &seed.host {
            Host::Ip(ip) => vec![*ip],
            Host::Name(name) => match self.resolver.resolve(name).await {
                Ok(ips) => ips,
                Err(reason) => {
                    tried.unresolved = true;
                    tried.failures.push(reason);
                    return tried;
                }
            },
        };
        let (own, others): (Vec<_>, Vec<_>) =
            ips.into_iter().map(|ip| SocketAddr::new(ip, seed.port)).partition(|addr| self.is_own(*addr));
        tried.ourselves = !own.is_empty();
        let mut results = stream::iter(others.into_iter().filter(|addr| wanted(addr)))
            .map(async |addr| (addr, self.try_address(addr, replay).await))
            .buffer_unordered(AT_ONCE);
        while let Some((addr, result)) = results.next().await {
            match result {
                Ok(()) => {
                    tried.joined.push(addr);
                    tried.doubts.extend(self.doubt(addr));
                }
                Err(reason) => tried.failures.push(reason),
            }
        }
        tried.failures.sort();
        tried
    }

    async fn try_address(&self, addr: SocketAddr, replay: bool) -> Result<(), String> {
        if !Families::of_bind(self.bound.ip()).contain(addr.ip()) {
            return Err(format!("{addr} cannot be reached by gossip bound to {}", self.bound));
        }
        self.gossip.join(addr, replay).await
    }

    /// An address chosen while no seed was known may be in the wrong network. It is fixed for the life of a node, so all we
    /// can do is say so.
    fn doubt(&self, seed: SocketAddr) -> Option<String> {
        let (source, told) = (source_towards(seed)?, self.advertised.ip());
        (self.advertise_chosen && source != told).then(|| {
            format!(
                "{told} is advertised, but {seed} is reached from {source}, and may not reach {told}: start again, or \
                 configure `advertise`"
            )
        })
    }

    fn is_own(&self, addr: SocketAddr) -> bool {
        let here = |ip: IpAddr| ip.is_loopback() || interfaces::addresses().contains(&ip);
        addr == self.advertised
            || addr == self.bound
            || (self.bound.ip().is_unspecified() && addr.port() == self.bound.port() && here(addr.ip()))
    }
}
