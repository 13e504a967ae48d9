//! Requests that wait for a place at a backend, in the order they came.
//!
//! The balancer holds the order and says whose wait is over; here stand the requests themselves. One task calls them, so that whoever
//! ends a request never runs into another's. A client that goes away takes its place in the queue with it; when it goes at the very
//! moment it is called, the backend's place that it was given becomes free with the [`Lease`].

use crate::front::{ClientError, Front};
use crate::lease::Lease;
use crate::plane::Plane;
use crate::story::Story;
use muster_balance::{Call, Choice, Ticket};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::sync::{Notify, oneshot};

/// How a wait ended.
#[derive(Debug)]
pub(crate) enum Called {
    /// With a place.
    Go(Lease, SocketAddr),
    /// It took too long.
    Late,
    /// No backend is left.
    Nobody,
}

/// All who wait.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    waiting: RefCell<BTreeMap<Ticket, oneshot::Sender<Called>>>,
    changed: Notify,
}

impl Waits {
    /// A place may have become free, or somebody waits from now on.
    pub(crate) fn look(&self) {
        if !self.waiting.borrow().is_empty() {
            self.changed.notify_one();
        }
    }
}

/// One request's wait. Dropped before its end, it leaves the queue.
#[derive(Debug)]
pub(crate) struct Wait {
    plane: Rc<Plane>,
    ticket: Ticket,
    called: oneshot::Receiver<Called>,
}

impl Wait {
    /// For a request that the balancer has put into its queue.
    pub(crate) fn new(plane: Rc<Plane>, ticket: Ticket) -> Self {
        let (sender, called) = oneshot::channel();
        plane.waits.waiting.borrow_mut().insert(ticket, sender);
        plane.waits.look();
        Self { plane, ticket, called }
    }

    /// Waits for its end.
    pub(crate) async fn end(mut self) -> Called {
        // Its sender goes only behind what it sent.
        (&mut self.called).await.unwrap_or(Called::Nobody)
    }

    /// The same, or until the client is gone. `has_body`: of a client that still sends nothing is known until somebody takes what it
    /// sends.
    ///
    /// # Errors
    /// The client is gone.
    pub(crate) async fn end_for<F: Front>(
        self,
        front: &mut F,
        has_body: bool,
        story: &Story,
    ) -> Result<Called, ClientError> {
        let _queued = story.queued();
        tokio::select! {
            biased;
            called = self.end() => Ok(called),
            gone = poll_fn(|cx| front.poll_gone(cx)), if !has_body => Err(gone),
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if self.plane.waits.waiting.borrow_mut().remove(&self.ticket).is_some() {
            self.plane.leave_queue(self.ticket);
            // Others may be asked now who stood too far behind.
            self.plane.waits.look();
        }
    }
}

/// Calls those who wait, for ever.
pub(crate) async fn run(plane: Rc<Plane>) {
    loop {
        let next = plane.next_call();
        let due = async {
            match next {
                Some(at) => tokio::time::sleep_until(at).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            () = plane.waits.changed.notified() => {}
        }
        while let Some(call) = plane.call() {
            let (ticket, called) = match call {
                Call::Go(ticket, Choice { key, addr }) => {
                    (ticket, Called::Go(Lease::new(Rc::clone(&plane), key), addr))
                }
                Call::Late(ticket) => (ticket, Called::Late),
                Call::Nobody(ticket) => (ticket, Called::Nobody),
            };
            let waiting = plane.waits.waiting.borrow_mut().remove(&ticket);
            if let Some(waiting) = waiting {
                // Nobody takes it any more: the lease ends with it.
                let _ = waiting.send(called);
            }
        }
    }
}
