//! Trying backends with one connection: new ones before they are preferred, ejected ones before they are trusted again. In the same
//! loop, checks ([`crate::checking`]).
//!
//! The balancer says whom and when. A connection that succeeds becomes the first idle one.

use crate::bounds;
use crate::checking;
use crate::plane::Plane;
use crate::preface;
use crate::upstream::{self, ConnectError};
use muster_balance::{Choice, Evidence};
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};

/// Makes the trials that the balancer asks for, for ever.
pub(crate) async fn run(plane: Rc<Plane>) {
    loop {
        let next = plane.next_trials().into_iter().chain(plane.next_checks()).min();
        let due = async {
            match next {
                // At least a millisecond from now, so that a deadline in the past cannot spin.
                Some(at) => tokio::time::sleep_until(at.max(Instant::now() + Duration::from_millis(1))).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            () = plane.trials_changed.notified() => {}
        }
        start(&plane, plane.due_trials());
        checking::start(&plane);
    }
}

/// Tries each of `choices` once, at the same time.
pub(crate) fn start(plane: &Rc<Plane>, choices: Vec<Choice>) {
    for choice in choices {
        tokio::task::spawn_local(attempt(Rc::clone(plane), choice));
    }
}

async fn attempt(plane: Rc<Plane>, Choice { key, addr }: Choice) {
    let preface = plane.config.send_proxy_protocol.map(preface::of_nobody).unwrap_or_default();
    match upstream::connect(addr, plane.config.connect_timeout, &preface).await {
        Ok(upstream) => {
            plane.evidence(key, Evidence::Connected);
            plane.keep(key, upstream);
        }
        Err(cause @ ConnectError::Ours(_)) => tracing::warn!(%addr, %cause, "a backend could not be tried"),
        Err(cause) => {
            tracing::debug!(%addr, %cause, "a trial failed");
            plane.evidence(key, Evidence::ConnectFailed);
        }
    }
}

/// Closes connections that were idle too long, for ever.
pub(crate) async fn sweep(plane: Rc<Plane>) {
    let mut tick = tokio::time::interval(bounds::SWEEP_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        plane.sweep();
        if plane.has_gone() {
            start(&plane, plane.apply_again());
        }
    }
}
