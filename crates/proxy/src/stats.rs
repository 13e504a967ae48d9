//! HAProxy's interfaces for tools: its socket and its page, answered with what this proxy knows.
//!
//! What is said and how is decided by `muster_haproxy_stats`. Here are the facts (`facts`), what operators change (`desk`), the sockets
//! (`socket`) and the pages (`page`). All are bounded, and none is in the way of traffic: answers are made and written in pieces, and
//! whoever takes none of them is cut.

mod counters;
pub(crate) mod desk;
mod facts;
pub(crate) mod page;
pub(crate) mod socket;

use crate::bind::{At, Listen};
use crate::bounds;
use crate::config::Config;
use crate::error::Error;
use crate::listen::{self, Listener};
use crate::plane::Plane;
use crate::routes::Entry;
use muster_haproxy_stats::{Level, Mode, PageSettings};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// What tools find.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stats {
    /// Places where HAProxy's commands are answered.
    pub sockets: Vec<StatsSocket>,
    /// How long a tool there may say nothing, and take nothing of an answer.
    pub timeout: Duration,
    /// Places where nothing but the page is.
    pub pages: Vec<(At, PageSettings)>,
    /// Pages in the plan's frontends, by their numbers.
    pub frontends: Vec<(usize, PageSettings)>,
    /// What is shown, in this order; where there is none, all that is served.
    pub shown: Vec<Shown>,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            sockets: Vec::new(),
            // HAProxy's `stats timeout`.
            timeout: Duration::from_secs(10),
            pages: Vec::new(),
            frontends: Vec::new(),
            shown: Vec::new(),
        }
    }
}

/// A place where HAProxy's commands are answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatsSocket {
    /// Where.
    pub at: At,
    /// What it obeys.
    pub level: Level,
}

/// A section of the configuration, as tools are shown it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// What is spoken.
    pub mode: Mode,
    /// The frontend of the plan that it is.
    pub frontend: Option<usize>,
    /// Clients at the same time, if that is limited.
    pub clients_max: Option<u32>,
    /// The service that it is.
    pub backend: Option<ShownBackend>,
}

/// A service, as tools are shown it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ShownBackend {
    /// How its servers are chosen, in HAProxy's word.
    pub algorithm: String,
    /// Its servers, in this order; others follow by name.
    pub servers: Vec<String>,
}

/// Tools at the same time on all sockets; others wait in the kernel's queue.
const TOOLS_MAX: usize = 16;

/// Connections at the same time to pages at addresses of their own.
const VISITORS_MAX: usize = 64;

/// What was bound for tools.
pub(crate) struct Bound {
    sockets: Vec<(Listener, Level)>,
    pages: Vec<Listener>,
}

/// Binds all that tools are to find.
///
/// # Errors
/// When something cannot be listened on.
pub(crate) fn bind(config: &Config) -> Result<Bound, Error> {
    let stats = config.stats.iter();
    let sockets = stats
        .flat_map(|stats| &stats.sockets)
        .map(|socket| listen::bind(&Listen::new(socket.at.clone())).map(|listener| (listener, socket.level)));
    let pages = config.stats.iter().flat_map(|stats| &stats.pages).enumerate().map(|(at, (place, _))| {
        // It is no frontend of the plan: nothing is counted of its clients.
        listen::bind(&Listen { page: Some(at), frontend: usize::MAX, ..Listen::new(place.clone()) })
    });
    Ok(Bound { sockets: sockets.collect::<Result<_, _>>()?, pages: pages.collect::<Result<_, _>>()? })
}

/// Serves tools.
pub(crate) fn start(plane: &Rc<Plane>, bound: Bound, stop: &watch::Sender<bool>) {
    let Some(stats) = &plane.config.stats else { return };
    let places = Arc::new(Semaphore::new(TOOLS_MAX));
    for (listener, level) in bound.sockets {
        tracing::info!(at = %listener.spec.at, ?level, "HAProxy's commands are answered");
        let serving = socket::serve(
            Rc::clone(plane),
            listener,
            level,
            stats.timeout,
            Arc::clone(&places),
            stop.subscribe(),
        );
        tokio::task::spawn_local(serving);
    }
    let places = Arc::new(Semaphore::new(VISITORS_MAX));
    for listener in bound.pages {
        tracing::info!(at = %listener.spec.at, "the page of statistics is there");
        listener.tune(bounds::STUCK_MIN.max(stats.timeout));
        // It serves nothing else, whatever the rules become.
        let entry = Rc::new(Entry::new(listener.spec.clone(), Rc::default()));
        let accepting = listen::accept(Rc::clone(plane), listener, Rc::clone(&entry), Arc::clone(&places));
        tokio::task::spawn_local(accepting);
        let mut stopped = stop.subscribe();
        tokio::task::spawn_local(async move {
            let _ = stopped.wait_for(|stop| *stop).await;
            entry.stop();
        });
    }
}
