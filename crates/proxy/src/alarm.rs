//! A deadline that moves with every message and hardly ever comes.
//!
//! Setting a timer costs more than looking at a clock. So the timer stays where it is when the deadline moves away from it; when it
//! fires too early, it is set again, to where the deadline is by then: once in a timeout instead of twice in each request.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// One deadline at a time, for one task.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    deadline: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// From now on, this is the deadline.
    pub(crate) fn set(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    /// From now on, the deadline is in `limit`; there is none when that is beyond what clocks can say.
    pub(crate) fn start(&mut self, limit: Duration) {
        self.deadline = Instant::now().checked_add(limit);
    }

    /// There is no deadline.
    pub(crate) fn clear(&mut self) {
        self.deadline = None;
    }

    pub(crate) fn is_set(&self) -> bool {
        self.deadline.is_some()
    }

    /// Ready when the deadline has passed; then there is none.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                self.deadline = None;
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test]
    async fn it_rings_at_the_deadline_wherever_that_was_moved() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let mut alarm = Alarm::default();
        alarm.start(Duration::MAX);
        assert!(!alarm.is_set());
        alarm.start(ms(3_600_000));
        let _ = poll_fn(|cx| Poll::Ready(alarm.poll(cx))).await;
        alarm.set(start + ms(20));
        let _ = poll_fn(|cx| Poll::Ready(alarm.poll(cx))).await;
        alarm.set(start + ms(60));
        poll_fn(|cx| alarm.poll(cx)).await;
        assert!(start.elapsed() >= ms(60), "not at the one before");
        assert!(!alarm.is_set());
        alarm.set(start + ms(70));
        poll_fn(|cx| alarm.poll(cx)).await;
        assert!(start.elapsed() >= ms(70));
    }
}
