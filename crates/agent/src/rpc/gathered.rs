//! Events as Serf's clients are used to them: coalesced, once for all streams.
//!
//! Serf's agent gathers bursts before anybody outside sees them. Here that is done while somebody looks: it costs a copy of
//! the cluster's last events, and most agents have no stream.

use super::WAITING;
use crate::hub::{Bounds, Hub, Listener, Mail, TooMany};
use muster_events::Coalescer;
use muster_serf::Instant;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::task::AbortHandle;
use tokio::time;

/// Events that may wait to be gathered; that takes no time, so this is a burst that came at once.
const BURST: Bounds = Bounds { notices: 16_384, bytes: 4 << 20 };

/// Where streams listen. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    source: Hub,
    running: Arc<Mutex<Weak<Gatherer>>>,
}

/// A stream's events.
#[derive(Debug)]
pub(super) struct Events {
    listener: Listener,
    /// Gathers as long as one stream has it.
    _gatherer: Arc<Gatherer>,
}

#[derive(Debug)]
struct Gatherer {
    hub: Hub,
    task: AbortHandle,
}

impl Drop for Gatherer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Gathered {
    pub(super) fn new(source: Hub) -> Self {
        Self { source, running: Arc::default() }
    }

    /// Everything told from now on, bursts gathered.
    pub(super) fn listen(&self) -> Result<Events, TooMany> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let gatherer = match running.upgrade() {
            Some(gatherer) => gatherer,
            None => {
                let hub = Hub::default();
                let task = tokio::spawn(gather(self.source.listen(BURST)?, hub.clone())).abort_handle();
                let gatherer = Arc::new(Gatherer { hub, task });
                *running = Arc::downgrade(&gatherer);
                gatherer
            }
        };
        Ok(Events { listener: gatherer.hub.listen(WAITING)?, _gatherer: gatherer })
    }
}

impl Events {
    /// The next; waits for it.
    pub(super) async fn next(&self) -> Mail {
        self.listener.next().await
    }
}

async fn gather(events: Listener, hub: Hub) {
    let started = time::Instant::now();
    let now = || Instant(started.elapsed());
    let mut coalescer = Coalescer::new();
    loop {
        let due = coalescer.next_timeout().map(|due| started + due.0);
        tokio::select! {
            mail = events.next() => match mail {
                Mail::Notice(notice) => coalescer.put(now(), notice),
                Mail::Missed(missed) => {
                    tracing::warn!(missed, "too many events at once: these are missing in all RPC streams");
                }
            },
            () = async { time::sleep_until(due.unwrap_or(started)).await }, if due.is_some() => coalescer.tick(now()),
        }
        while let Some(notice) = coalescer.take() {
            hub.pass(&notice);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::tests::member;
    use muster_events::Notice;
    use muster_serf::{MemberEvent, Status};

    fn join(name: &str) -> Notice {
        Notice::Members { event: MemberEvent::Join, members: vec![member(name, Status::Alive)] }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_joins_is_one_event_for_every_stream() {
        let source = Hub::default();
        let gathered = Gathered::new(source.clone());
        let (one, two) = (gathered.listen().unwrap(), gathered.listen().unwrap());
        // The gatherer listens before anything is told.
        source.tell(join("a"));
        source.tell(join("b"));
        for events in [&one, &two] {
            let Mail::Notice(notice) = events.next().await else { panic!("nothing was missed") };
            let Notice::Members { event: MemberEvent::Join, members } = &*notice else {
                panic!("{notice:?}")
            };
            assert_eq!(members.len(), 2);
        }
        assert_eq!(one.listener.take(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_gathered_when_nobody_looks() {
        let source = Hub::default();
        let gathered = Gathered::new(source.clone());
        let events = gathered.listen().unwrap();
        let gatherer = Arc::downgrade(&events._gatherer);
        drop(events);
        assert!(gatherer.upgrade().is_none());
        let again = gathered.listen().unwrap();
        source.tell(join("a"));
        assert!(matches!(again.next().await, Mail::Notice(_)));
    }
}
