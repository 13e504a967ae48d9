//! Finds the cluster again through those whom a snapshot remembers.
//!
//! They are tried in random order, a few at a time and without waiting for those that do not answer, until one does: a
//! balancer that was restarted shall have its backends back within a second, also when half of them are gone. The reference
//! tries one after the other, once. Here it goes on until somebody is there, at a slower and slower pace: after an outage of
//! everything, those who start first find nobody yet.

use crate::join::Joiner;
use crate::roster::Roster;
use crate::schedule;
use crate::seed::{Host, Seed};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use muster_serf::snapshot::Snapshot;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Contacted together; then the next ones, every [`STAGGER`].
const AT_ONCE: u32 = 4;
/// What an answer takes in a healthy network, and more.
const STAGGER: Duration = Duration::from_millis(100);
/// Contacted in one round.
const ROUND_MAX: usize = 64;
/// Pause after the first round in vain.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Tries those in `former` until one answers, or somebody else came.
pub(crate) async fn rejoin(joiner: Joiner, former: Snapshot, own_name: String, roster: Arc<Roster>) {
    let others = former.alive.into_iter().filter(|(name, _)| *name != own_name);
    let mut seeds: Vec<Seed> = others
        .map(|(_, at)| Seed { text: at.to_string(), host: Host::Ip(at.ip().to_canonical()), port: at.port() })
        .collect();
    if seeds.is_empty() {
        return;
    }
    let started = Instant::now();
    tracing::info!(known = seeds.len(), "rejoining those whom the snapshot remembers");
    loop {
        fastrand::shuffle(&mut seeds);
        if let Some(seed) = round(&joiner, &seeds).await {
            tracing::info!(%seed, "rejoined");
            return;
        }
        if roster.has_company() {
            return;
        }
        let pause = schedule::pause(started.elapsed(), FIRST_PAUSE, fastrand::f64());
        tracing::warn!(?pause, "nobody whom the snapshot remembers answers yet");
        sleep(pause).await;
        if roster.has_company() {
            return;
        }
    }
}

/// The first that answers. Events from before the join are asked for: those that the former life handled are known by
/// their time, and the others were missed.
async fn round<'a>(joiner: &Joiner, seeds: &'a [Seed]) -> Option<&'a Seed> {
    let attempt = async |nth: u32, seed: &'a Seed| {
        sleep(STAGGER * (nth / AT_ONCE)).await;
        (seed, joiner.try_seed(seed, true).await)
    };
    let mut attempts: FuturesUnordered<_> =
        (0..).zip(seeds.iter().take(ROUND_MAX)).map(|(nth, seed)| attempt(nth, seed)).collect();
    while let Some((seed, tried)) = attempts.next().await {
        if !tried.joined.is_empty() {
            return Some(seed);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gossip::testing::{Told, fake};
    use crate::resolve::{Families, Resolver};
    use crate::roster::tests::{member, roster};
    use muster_serf::Status;
    use std::net::SocketAddr;

    fn joiner(
        join: impl FnMut(SocketAddr) -> Result<(), String> + Send + 'static,
    ) -> (Joiner, tokio::sync::mpsc::UnboundedReceiver<Told>) {
        let own: SocketAddr = "10.0.0.1:7946".parse().unwrap();
        let (gossip, told) = fake(join);
        let resolver = Resolver::system(Families::of_bind(own.ip()));
        (Joiner { gossip, resolver, bound: own, advertised: own, advertise_chosen: false, room: None }, told)
    }

    fn remembered(count: u8) -> Snapshot {
        let alive = (1..=count).map(|n| (format!("n{n}"), format!("10.0.0.{n}:7946").parse().unwrap()));
        Snapshot { alive: alive.collect(), ..Snapshot::default() }
    }

    fn tries(told: &mut tokio::sync::mpsc::UnboundedReceiver<Told>) -> usize {
        std::iter::from_fn(|| told.try_recv().ok()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_answers_is_enough_and_the_dead_cost_no_time() {
        let alive = "10.0.0.17:7946".parse().unwrap();
        let (joiner, _told) =
            joiner(move |to| if to == alive { Ok(()) } else { Err("connection refused".into()) });
        let (_inbox, roster) = roster();
        let started = Instant::now();
        rejoin(joiner, remembered(20), "n1".into(), Arc::new(roster)).await;
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_of_everything_is_waited_out() {
        let end = Instant::now() + Duration::from_secs(600);
        let (joiner, mut told) =
            joiner(move |_| if Instant::now() > end { Ok(()) } else { Err("nobody".into()) });
        let (_inbox, roster) = roster();
        rejoin(joiner, remembered(3), "n1".into(), Arc::new(roster)).await;
        assert!(end.elapsed() < Duration::from_secs(40), "{:?}", end.elapsed());
        let tries = tries(&mut told);
        assert!((20..300).contains(&tries), "{tries}");
    }

    #[tokio::test(start_paused = true)]
    async fn alone_in_the_file_or_found_by_others_it_ends() {
        let (joiner_, mut told) = joiner(|_| Err("nobody".into()));
        let (_inbox, empty) = roster();
        rejoin(joiner_, remembered(1), "n1".into(), Arc::new(empty)).await;
        assert_eq!(tries(&mut told), 0);
        let (joiner_, mut told) = joiner(|_| Err("nobody".into()));
        let (inbox, found) = roster();
        inbox.put(member("somebody", Status::Alive));
        rejoin(joiner_, remembered(3), "n1".into(), Arc::new(found)).await;
        assert_eq!(tries(&mut told), 2, "each once");
    }
}
