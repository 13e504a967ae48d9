//! Numbered user events, as the streams of all agents of a cluster show them.

use crate::cluster::Cluster;
use crate::rpc::Rpc;
use muster_e2e::wait_for;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Hears one kind of event at every member. Dropped, it listens no more.
#[derive(Debug)]
pub(crate) struct Ears {
    heard: Arc<Mutex<Vec<Heard>>>,
    news: watch::Sender<()>,
    members: usize,
    _listening: JoinSet<()>,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    at: Instant,
    member: usize,
    number: u64,
}

impl Ears {
    pub(crate) async fn of(cluster: &Cluster, name: &str) -> Self {
        let (heard, news) = (Arc::<Mutex<Vec<Heard>>>::default(), watch::Sender::new(()));
        let mut listening = JoinSet::new();
        for (member, node) in cluster.members.iter().enumerate() {
            let filter = format!("user:{name}");
            let stream = wait_for("the stream of events begins", || async {
                Rpc::connect(node.rpc()).await?.listen(&filter).await
            });
            let mut stream = stream.await;
            let (heard, news) = (Arc::clone(&heard), news.clone());
            listening.spawn(async move {
                while let Ok(event) = stream.event().await {
                    let number = event.payload.try_into().map(u64::from_be_bytes).unwrap_or(u64::MAX);
                    let told = Heard { at: Instant::now(), member, number };
                    heard.lock().unwrap_or_else(PoisonError::into_inner).push(told);
                    news.send_replace(());
                }
            });
        }
        Self { heard, news, members: cluster.members.len(), _listening: listening }
    }

    /// How long after `since` the last member heard `number`; `None` when one had not within `limit`.
    pub(crate) async fn by_all(&self, number: u64, since: Instant, limit: Duration) -> Option<Duration> {
        let mut news = self.news.subscribe();
        loop {
            news.mark_unchanged();
            let of_it = |heard: &&Heard| heard.number == number;
            let at: Vec<Instant> = self.lock().iter().filter(of_it).map(|heard| heard.at).collect();
            if at.len() >= self.members {
                return at.into_iter().max().map(|last| last - since);
            }
            let time_left = limit.checked_sub(since.elapsed())?;
            let _ = tokio::time::timeout(time_left, news.changed()).await;
        }
    }

    /// Waits until nobody has heard anything for so long, or everybody all of `expected`.
    pub(crate) async fn silence(&self, expected: u64, quiet: Duration) {
        let mut news = self.news.subscribe();
        while (self.lock().len() as u64) < expected * self.members as u64 {
            news.mark_unchanged();
            if tokio::time::timeout(quiet, news.changed()).await.is_err() {
                return;
            }
        }
    }

    /// How many different numbers each member heard, and how many of what it heard it heard before.
    pub(crate) fn counts(&self) -> (Vec<usize>, usize) {
        let mut numbers = vec![std::collections::BTreeSet::new(); self.members];
        let mut repeated = 0;
        for heard in self.lock().iter() {
            repeated += usize::from(!numbers[heard.member].insert(heard.number));
        }
        (numbers.iter().map(std::collections::BTreeSet::len).collect(), repeated)
    }

    /// When the last thing was heard.
    pub(crate) fn last(&self) -> Option<Instant> {
        self.lock().iter().map(|heard| heard.at).max()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
