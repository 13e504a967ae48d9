//! Connections that have not asked anything yet.
//!
//! Each may take its time while there is room. When all places are taken and others wait, the one that has been silent for
//! longest gives way: a thousand connections that say nothing delay a command for as long as it takes to close them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

/// Whoever connects in order to ask has asked by then, on the slowest machine.
const SILENCE_MAX: Duration = Duration::from_millis(250);

/// Those that are silent, in the order in which they came. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Silent(Arc<Mutex<VecDeque<Guest>>>);

#[derive(Debug)]
struct Guest {
    since: Instant,
    give_way: oneshot::Sender<()>,
}

impl Silent {
    /// A new one. What is returned fires when it is to give way; dropped, it has spoken or is gone.
    pub(super) fn enter(&self) -> oneshot::Receiver<()> {
        let (give_way, told) = oneshot::channel();
        let mut silent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those in front have been there for longest, so that what is left behind is bounded by who holds a place.
        silent.retain(|guest| !guest.give_way.is_closed());
        silent.push_back(Guest { since: Instant::now(), give_way });
        told
    }

    /// Waits until one has been silent for too long, and tells it to give way. Never returns while none is silent.
    pub(super) async fn dismiss_one(&self) {
        loop {
            match self.try_dismiss() {
                Some(due) => sleep_until(due).await,
                None => return,
            }
        }
    }

    /// `None` when one was told; else when to try again.
    fn try_dismiss(&self) -> Option<Instant> {
        let mut silent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(Guest { since, give_way }) = silent.front() {
            let due = *since + SILENCE_MAX;
            if !give_way.is_closed() && due > Instant::now() {
                return Some(due);
            }
            if let Some(guest) = silent.pop_front()
                && guest.give_way.send(()).is_ok()
            {
                return None;
            }
        }
        // Nobody comes in while all places are taken.
        Some(Instant::now() + SILENCE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_was_silent_for_longest_gives_way_first_and_who_spoke_never() {
        let silent = Silent::default();
        let (mut first, spoke, mut third) = (silent.enter(), silent.enter(), silent.enter());
        drop(spoke);
        let before = Instant::now();
        silent.dismiss_one().await;
        assert!(before.elapsed() >= SILENCE_MAX);
        assert!(first.try_recv().is_ok() && third.try_recv().is_err());
        silent.dismiss_one().await;
        assert!(third.try_recv().is_ok());
        let nobody = tokio::time::timeout(Duration::from_secs(60), silent.dismiss_one()).await;
        assert!(nobody.is_err());
    }
}
