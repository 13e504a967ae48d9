//! Scripts written for Serf take turns; see [`muster_events::Turns`].

use crate::clock::Clock;
use muster_events::{HandlerId, NotYet, Turns};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::sleep;

#[derive(Debug)]
pub(super) struct TurnKeeper {
    turns: Mutex<Turns>,
    changed: Notify,
    clock: Clock,
}

/// It is the handler's turn until this is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    keeper: &'a TurnKeeper,
    handler: HandlerId,
}

impl TurnKeeper {
    pub(super) fn new(clock: Clock) -> Self {
        Self { turns: Mutex::default(), changed: Notify::new(), clock }
    }

    /// `handler` will want to run for the event of this number.
    pub(super) fn wait(&self, handler: HandlerId, ticket: u64) {
        self.lock().wait(handler, ticket);
    }

    /// `handler` wants nothing any more.
    pub(super) fn forget(&self, handler: HandlerId) {
        self.lock().forget(handler);
        self.changed.notify_waiters();
    }

    /// Returns when it is the turn of the first ticket of `handler`; none if it has no ticket any more.
    pub(super) async fn begin(&self, handler: HandlerId) -> Option<Turn<'_>> {
        loop {
            // Before the question, so that no change in between is missed.
            let changed = self.changed.notified();
            let now = self.clock.now();
            let asked = self.lock().begin(now, handler);
            match asked {
                Ok(()) => return Some(Turn { keeper: self, handler }),
                Err(NotYet::NoTicket) => return None,
                Err(NotYet::Wait(None)) => changed.await,
                Err(NotYet::Wait(Some(until))) => tokio::select! {
                    () = changed => {}
                    () = sleep(until - now) => {}
                },
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.keeper.lock().end(self.handler);
        self.keeper.changed.notify_waiters();
    }
}
