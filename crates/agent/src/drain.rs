//! Answering nodes that want to go: each asks whoever balances, and may go when all have said that nothing is in flight on it.
//!
//! The question is a query named [`DRAIN`], which names only its sender; gossip carries no operator's actions. An answer comes when
//! the own picture has withdrawn the sender and every sink that reports has let go of it. One that has not within the query's time is
//! not answered, and asked again.

use crate::gossip::Handle;
use crate::reports::Reports;
use muster_fleet::{Picture, has_let_go, is_withdrawn};
use muster_serf::QueryId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// The query's name. Its filters let only those hear it that answer.
pub(crate) const DRAIN: &str = "muster:drain";
/// What an answer says: so many requests.
pub(crate) const NOTHING_IN_FLIGHT: &[u8] = b"0";
/// Questions that wait for the responder.
pub(crate) const QUERIES_WAITING_MAX: usize = 64;
/// Questions that wait for their sinks. Whoever asks beyond that asks again.
const ASKED_MAX: usize = 256;
/// A sink that has said nothing for so long is gone: it reports each second.
const SINK_SILENT_MAX: Duration = Duration::from_secs(5);
/// No question waits longer, whatever it says of itself; ours say 1.5 s.
const PATIENCE: Duration = Duration::from_secs(5);

/// A question that waits. The next of the same node takes its place.
#[derive(Debug)]
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Somebody wants to go.
#[derive(Debug)]
pub(crate) struct DrainQuery {
    pub(crate) id: QueryId,
    pub(crate) from: String,
    /// How long an answer counts.
    pub(crate) within: Duration,
}

/// What an answer is made of.
#[derive(Clone, Debug)]
pub(crate) struct Responder {
    pub(crate) gossip: Handle,
    pub(crate) pictures: watch::Receiver<Arc<Picture>>,
    pub(crate) reports: Arc<Reports>,
    /// Since when sinks could report.
    pub(crate) started: Instant,
}

impl Responder {
    /// Answers what can be, until nobody can ask any more.
    pub(crate) async fn keep(self, mut queries: mpsc::Receiver<DrainQuery>) {
        // One for each who asks: it asks again before it gives up, and takes nobody else's place.
        let mut asked: BTreeMap<String, AbortOnDrop> = BTreeMap::new();
        while let Some(query) = queries.recv().await {
            asked.retain(|_, waiting| !waiting.0.is_finished());
            if asked.len() >= ASKED_MAX && !asked.contains_key(&query.from) {
                tracing::warn!(node = ?query.from, "too many nodes want to go at a time; it will ask again");
                continue;
            }
            let (responder, from) = (self.clone(), query.from.clone());
            let waiting = tokio::spawn(async move {
                let within = query.within.min(PATIENCE);
                if tokio::time::timeout(within, responder.clone().let_go(&query.from)).await.is_ok() {
                    tracing::info!(node = ?query.from, "nothing is in flight there any more");
                    // Late, or the agent ends: the sender asks again, or gives up.
                    let _ = responder.gossip.respond(query.id, NOTHING_IN_FLIGHT.to_vec()).await;
                }
            });
            asked.insert(from, AbortOnDrop(waiting));
        }
    }

    /// Returns when nothing is sent to `node` any more.
    async fn let_go(mut self, node: &str) {
        // From which version on it has been withdrawn without a break.
        let mut withdrawn: Option<(u64, u64)> = None;
        let mut told = self.reports.told();
        loop {
            {
                let picture = self.pictures.borrow_and_update();
                withdrawn = match is_withdrawn(&picture, node) {
                    true => withdrawn.or(Some((picture.epoch, picture.version))),
                    false => None,
                };
            }
            if let Some((epoch, version)) = withdrawn {
                let recent = self.reports.recent(Instant::now(), SINK_SILENT_MAX);
                // A sink that follows an agent of a moment ago has not reported yet.
                let may_be_silent = !recent.is_empty() || self.started.elapsed() >= SINK_SILENT_MAX;
                if may_be_silent && recent.iter().all(|report| has_let_go(report, epoch, version, node)) {
                    return;
                }
            }
            // The sleep: a sink may fall silent, and then nothing else happens.
            tokio::select! {
                Ok(()) = self.pictures.changed() => {}
                Ok(()) = told.changed() => {}
                () = tokio::time::sleep(SINK_SILENT_MAX) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::tests::report;
    use muster_fleet::{Backend, BackendReport, Phase, Service, Standing, Terms};

    fn picture(version: u64, standing: Standing) -> Arc<Picture> {
        let backend = Backend { addr: "10.0.0.1:80".parse().unwrap(), weight: 10, standing };
        let service = Service { backends: [("a".to_owned(), backend)].into() };
        Arc::new(Picture {
            epoch: 1,
            version,
            phase: Phase::Live,
            services: [("web".to_owned(), service)].into(),
            terms: Terms::default(),
            refusals: Vec::new(),
        })
    }

    fn account(version: u64, in_flight: u32) -> muster_fleet::Report {
        let backend = BackendReport {
            service: "web".to_owned(),
            node: "a".to_owned(),
            state: "draining".to_owned(),
            in_flight,
            requests: 1,
            failures: 0,
            why: None,
        };
        muster_fleet::Report { version, backends: vec![backend], ..report("proxy", 1) }
    }

    struct Stage {
        pictures: watch::Sender<Arc<Picture>>,
        reports: Arc<Reports>,
        going: tokio::task::JoinHandle<()>,
    }

    /// A proxy that has one request on `a`, which is ready; `a` asks.
    async fn stage() -> Stage {
        let (pictures, receiver) = watch::channel(picture(1, Standing::Ready));
        let reports = Arc::new(Reports::default());
        reports.put(account(1, 1), Instant::now());
        let (gossip, _commands) = Handle::new();
        let started = Instant::now();
        let responder = Responder { gossip, pictures: receiver, reports: Arc::clone(&reports), started };
        let going = tokio::spawn(responder.let_go("a"));
        tokio::task::yield_now().await;
        Stage { pictures, reports, going }
    }

    impl Stage {
        async fn waits(&self) -> bool {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            !self.going.is_finished()
        }
    }

    #[tokio::test]
    async fn a_node_may_go_when_the_sink_knows_and_its_last_request_is_done() {
        let stage = stage().await;
        stage.pictures.send_replace(picture(2, Standing::Withdrawn));
        assert!(stage.waits().await, "the sink applies an older picture");
        stage.reports.put(account(2, 1), Instant::now());
        assert!(stage.waits().await, "one request is in flight");
        // Other news make the picture newer than the sink's; that one knows enough.
        stage.pictures.send_replace(picture(3, Standing::Withdrawn));
        stage.reports.put(account(2, 0), Instant::now());
        stage.going.await.unwrap();
    }

    #[tokio::test]
    async fn a_node_that_came_back_meanwhile_is_not_let_go_by_what_was_before() {
        let stage = stage().await;
        stage.pictures.send_replace(picture(2, Standing::Withdrawn));
        assert!(stage.waits().await);
        stage.pictures.send_replace(picture(3, Standing::Ready));
        assert!(stage.waits().await);
        stage.pictures.send_replace(picture(4, Standing::Withdrawn));
        stage.reports.put(account(2, 0), Instant::now());
        assert!(stage.waits().await, "what it knew is not what holds");
        stage.reports.put(account(4, 0), Instant::now());
        stage.going.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_sink_that_is_gone_holds_up_nobody() {
        let (pictures, receiver) = watch::channel(picture(1, Standing::Ready));
        let reports = Arc::new(Reports::default());
        let long_ago = Instant::now().checked_sub(SINK_SILENT_MAX * 2).unwrap();
        reports.put(account(1, 1), long_ago);
        let (gossip, _commands) = Handle::new();
        let going =
            tokio::spawn(Responder { gossip, pictures: receiver, reports, started: long_ago }.let_go("a"));
        pictures.send_replace(picture(2, Standing::Withdrawn));
        going.await.unwrap();
    }
}
