//! From the hub to the lanes: what happens is held and gathered for those who want it so, and handed to all who want it.

use super::Inner;
use super::lane::{Job, Pushed};
use crate::hub::{Bounds, Listener, Mail, TooMany};
use muster_events::{Coalescer, Notice};
use std::sync::{Arc, Weak};
use tokio::sync::oneshot;
use tokio::time::sleep;

/// What may wait for the dispatcher, which itself waits for nothing: a burst between two of its turns.
const BOUNDS: Bounds = Bounds { notices: 16_384, bytes: 8 << 20 };

/// A running dispatcher.
#[derive(Debug)]
pub(super) struct Dispatcher {
    finish: oneshot::Sender<Finish>,
}

/// Tell what is held, or not; and say when it is told.
type Finish = (bool, oneshot::Sender<()>);

impl Dispatcher {
    pub(super) fn start(inner: &Arc<Inner>) -> Result<Self, TooMany> {
        let listener = inner.hub.listen(BOUNDS)?;
        let (finish, finishing) = oneshot::channel();
        tokio::spawn(dispatch(Arc::downgrade(inner), listener, finishing));
        Ok(Self { finish })
    }

    /// Hands out what is still held, if `all` shall be told, and ends.
    pub(super) async fn finish(self, all: bool) {
        let (done, told) = oneshot::channel();
        if self.finish.send((all, done)).is_ok() {
            // It cannot fail but by ending, which is what is wanted.
            let _ = told.await;
        }
    }
}

async fn dispatch(inner: Weak<Inner>, listener: Listener, mut finish: oneshot::Receiver<Finish>) {
    let Some(clock) = inner.upgrade().map(|inner| inner.tools.clock) else { return };
    let mut coalescer = Coalescer::new();
    loop {
        let due = coalescer.next_timeout();
        let pause = async {
            match due {
                Some(due) => sleep(due - clock.now()).await,
                None => std::future::pending().await,
            }
        };
        let mail = tokio::select! {
            // What happened first comes first.
            biased;
            mail = listener.next() => Some(mail),
            finish = &mut finish => {
                if let (Ok((all, done)), Some(inner)) = (finish, inner.upgrade()) {
                    if all {
                        while let Some(mail) = listener.take() {
                            inner.take(&mut coalescer, mail);
                        }
                        coalescer.flush();
                        inner.hand_out_gathered(&mut coalescer);
                    }
                    // Who asked may have given up.
                    let _ = done.send(());
                }
                return;
            }
            () = pause => None,
        };
        let Some(inner) = inner.upgrade() else { return };
        match mail {
            Some(mail) => inner.take(&mut coalescer, mail),
            None => coalescer.tick(clock.now()),
        }
        inner.hand_out_gathered(&mut coalescer);
    }
}

impl Inner {
    fn take(&self, coalescer: &mut Coalescer, mail: Mail) {
        match mail {
            Mail::Notice(notice) => {
                self.hand_out(&notice, false);
                coalescer.put(self.tools.clock.now(), notice);
            }
            Mail::Missed(count) => {
                tracing::warn!("{count} events were dropped before any handler got them: too many at once");
                self.lock().entries.iter().for_each(|entry| entry.lane.missed(count));
            }
        }
    }

    fn hand_out_gathered(&self, coalescer: &mut Coalescer) {
        while let Some(notice) = coalescer.take() {
            self.hand_out(&notice, true);
        }
    }

    /// To those who want it, and want it gathered or not.
    fn hand_out(&self, notice: &Arc<Notice>, gathered: bool) {
        let registry = &mut *self.lock();
        registry.ticket += 1;
        let ticket = registry.ticket;
        for entry in registry.entries.iter().filter(|entry| entry.config.coalesce == gathered) {
            let runs = entry.config.runs(notice);
            if runs == 0 {
                continue;
            }
            match entry.lane.push(Job { ticket, notice: Arc::clone(notice), runs }) {
                Pushed::Waits if entry.config.is_serf => {
                    // Of those who want the same event, the first in the list goes first, as in Serf.
                    registry.turn += 1;
                    self.tools.turns.wait(entry.id, registry.turn);
                }
                Pushed::Waits | Pushed::Dropped => {}
                Pushed::Full => {
                    let handler = &entry.config.name;
                    tracing::warn!(?handler, event = ?notice.label(), "its queue is full; events are dropped");
                }
            }
        }
    }
}
