//! Contacting one seed: all its addresses but our own.

use crate::advertise::source_towards;
use crate::gossip::{Gone, Handle};
use crate::interfaces;
use crate::resolve::{Families, Resolver};
use crate::seed::{Host, Seed};
use futures_util::StreamExt;
use futures_util::stream;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Addresses of one seed contacted at once.
const AT_ONCE: usize = 16;
/// Seeds of one request contacted at once.
pub(crate) const SEEDS_AT_ONCE: usize = 16;
/// Addresses contacted at once for all requests together, each of which takes a socket: whoever may ask cannot use up the
/// agent's file descriptors.
const ASKED_AT_ONCE: usize = 64;

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
    /// For those who were asked to join. The agent's own seeking has bounds of its own, and is held up by no request.
    pub room: Option<Arc<Semaphore>>,
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
    /// The same for requests, which share one bound.
    pub(crate) fn for_requests(self) -> Self {
        Self { room: Some(Arc::new(Semaphore::new(ASKED_AT_ONCE))), ..self }
    }

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
        let Some(room) = self.room.clone() else { return self.gossip.join(addr, replay).await };
        // It fails only when closed, and never is.
        let place = room.acquire_owned().await;
        let gossip = self.gossip.clone();
        // On its own: the socket is there until the attempt ends, also when whoever asked is gone.
        let attempt = async move {
            let _place = place;
            gossip.join(addr, replay).await
        };
        tokio::spawn(attempt).await.unwrap_or_else(|_| Err(Gone.to_string()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gossip::Command;
    use futures_util::future::join_all;
    use tokio::task::yield_now;

    /// Tries 200 addresses, of which nobody answers.
    async fn try_many(joiner: Joiner) {
        let seeds: Vec<Seed> = (1..=200).map(|n| Seed::parse(&format!("127.9.9.{n}")).unwrap()).collect();
        join_all(seeds.iter().map(|seed| joiner.try_seed(seed, false))).await;
    }

    #[tokio::test]
    async fn requests_share_one_bound_also_when_they_are_given_up() {
        let (gossip, mut commands) = Handle::new();
        let (bound, families) = ("127.0.0.1:1".parse().unwrap(), Families { v4: true, v6: true });
        let resolver = Resolver::system(families);
        let joiner =
            Joiner { gossip, resolver, bound, advertised: bound, advertise_chosen: false, room: None };
        let asked = joiner.clone().for_requests();
        let mut open = Vec::new();
        let mut settle = async |open: &mut Vec<Command>| {
            for _ in 0..2000 {
                yield_now().await;
                open.extend(commands.try_recv());
            }
            open.len()
        };
        let request = tokio::spawn(try_many(asked.clone()));
        assert_eq!(settle(&mut open).await, ASKED_AT_ONCE);
        request.abort();
        tokio::spawn(try_many(asked));
        assert_eq!(settle(&mut open).await, ASKED_AT_ONCE, "those sockets are still open");
        tokio::spawn(try_many(joiner));
        assert_eq!(settle(&mut open).await, ASKED_AT_ONCE + 200, "our own seeking does not wait for it");
        open.drain(..10);
        assert_eq!(settle(&mut open).await, ASKED_AT_ONCE + 200, "as many as ended");
    }
}
