//! Event handlers: programs and webhooks that are told what happens.
//!
//! ```text
//!  hub -> dispatcher -> coalescer -> lane of each handler that wants it -> its workers -> program or webhook
//!                \------------------/                                        |
//!                 `coalesce = false`          answers to queries <-----------+
//! ```
//!
//! A handler has a bounded queue, a timeout and workers of its own, so that one that hangs holds up nobody else. Everything
//! here is on the control thread; the gossip thread knows only the hub.

mod config;
mod dispatch;
mod lane;
mod turns;
mod webhook;
mod worker;

pub use config::{Action, CONCURRENCY_MAX, HandlerConfig, HandlerError, QUEUE_MAX, WebhookUrl};

use crate::clock::Clock;
use crate::gossip::Handle;
use crate::hub::Hub;
use crate::process;
use crate::resolve::Resolver;
use crate::roster::Roster;
use dispatch::Dispatcher;
use lane::{Lane, Tally};
use muster_events::HandlerId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use turns::TurnKeeper;
use worker::{Tools, Worker};

/// Handlers of one node.
pub const HANDLERS_MAX: usize = 256;
/// What handlers get to finish what waits for them after a leave in order, the leave itself included: longer than one that
/// hangs is waited for.
const FINISH: Duration = Duration::from_secs(3);
/// How often it is looked whether they have.
const LOOK: Duration = Duration::from_millis(10);

/// The handlers of this node. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Handlers {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    tools: Arc<Tools>,
    hub: Hub,
    registry: Mutex<Registry>,
    /// Becomes true when everything that runs must end.
    stop: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Registry {
    entries: Vec<Entry>,
    next_id: HandlerId,
    /// The number of the last event that was handed out.
    ticket: u64,
    /// The number of the last turn that a script of Serf's kind was promised.
    turn: u64,
    dispatcher: Option<Dispatcher>,
    is_stopped: bool,
}

#[derive(Debug)]
struct Entry {
    id: HandlerId,
    config: HandlerConfig,
    is_configured: bool,
    lane: Arc<Lane>,
    workers: Vec<JoinHandle<()>>,
}

/// What is given to them.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) hub: Hub,
    pub(crate) gossip: Handle,
    pub(crate) roster: Arc<Roster>,
    pub(crate) resolver: Resolver,
    pub(crate) clock: Clock,
    pub(crate) life: u64,
    pub(crate) node: String,
    pub(crate) withheld: Vec<String>,
}

/// Why a handler was not added.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the words say it")]
pub enum NotAdded {
    #[error("there is a handler {0:?} already; remove it first, or choose another name")]
    Taken(String),
    #[error("there are {HANDLERS_MAX} handlers already; remove one first")]
    TooMany,
    #[error("the agent is ending")]
    Ending,
}

/// A handler, and what it did so far.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) config: HandlerConfig,
    pub(crate) is_configured: bool,
    tally: Tally,
    now: Duration,
}

impl Handlers {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { hub, gossip, roster, resolver, clock, life, node, withheld } = parts;
        let turns = TurnKeeper::new(clock);
        let tools = Tools { gossip, roster, resolver, clock, life, node, withheld, turns };
        let stop = watch::Sender::new(false);
        Self { inner: Arc::new(Inner { tools: Arc::new(tools), hub, registry: Mutex::default(), stop }) }
    }

    /// Adds one; it is told what happens from now on.
    pub(crate) fn add(&self, config: HandlerConfig, is_configured: bool) -> Result<(), NotAdded> {
        let mut registry = self.inner.lock();
        if registry.is_stopped {
            return Err(NotAdded::Ending);
        }
        if registry.entries.iter().any(|entry| entry.config.name == config.name) {
            return Err(NotAdded::Taken(config.name));
        }
        if registry.entries.len() >= HANDLERS_MAX {
            return Err(NotAdded::TooMany);
        }
        if registry.dispatcher.is_none() {
            // Not before: a node without handlers has nobody who wakes for events.
            let dispatcher = Dispatcher::start(&self.inner).map_err(|_| NotAdded::TooMany)?;
            registry.dispatcher = Some(dispatcher);
        }
        registry.next_id += 1;
        let (id, lane) = (registry.next_id, Arc::new(Lane::new(&config.name, config.queue)));
        let workers = (0..config.concurrency)
            .map(|_| {
                let (lane, tools) = (Arc::clone(&lane), Arc::clone(&self.inner.tools));
                let stop = self.inner.stop.subscribe();
                tokio::spawn(Worker { id, config: config.clone(), lane, tools, stop }.work())
            })
            .collect();
        registry.entries.push(Entry { id, config, is_configured, lane, workers });
        Ok(())
    }

    /// Removes one: what waits for it is dropped, what runs is finished. How many waited, if there was one.
    pub(crate) fn remove(&self, name: &str) -> Option<usize> {
        let mut registry = self.inner.lock();
        let at = registry.entries.iter().position(|entry| entry.config.name == name)?;
        let entry = registry.entries.remove(at);
        drop(registry);
        Some(entry.remove(&self.inner.tools))
    }

    /// Makes the configured ones those that are wanted: what stays as it is goes on with what waits for it, and what was
    /// added live stays. Tells the first that could not be added, after all others were.
    pub(crate) fn configure(&self, wanted: &[HandlerConfig]) -> Result<(), NotAdded> {
        let (mut present, live): (Vec<Entry>, Vec<Entry>) = {
            let mut registry = self.inner.lock();
            std::mem::take(&mut registry.entries).into_iter().partition(|entry| entry.is_configured)
        };
        let is_live = |config: &HandlerConfig| live.iter().any(|entry| entry.config.name == config.name);
        let (mut stay, mut new) = (Vec::new(), Vec::new());
        for config in wanted {
            let same = present.iter().position(|entry| !is_live(config) && entry.config.is_same(config));
            match same.map(|at| present.remove(at)) {
                Some(mut entry) => {
                    entry.rename(&config.name);
                    stay.push(entry);
                }
                None => new.push(config),
            }
        }
        self.inner.lock().entries = stay.into_iter().chain(live).collect();
        for entry in &present {
            entry.remove(&self.inner.tools);
        }
        let added = new.into_iter().map(|config| self.add(config.clone(), true)).fold(Ok(()), Result::and);
        // In the order of the configuration, and those that were added live after them.
        let place = |entry: &Entry| {
            let at = wanted.iter().position(|config| entry.is_configured && config.name == entry.config.name);
            at.unwrap_or(usize::MAX)
        };
        self.inner.lock().entries.sort_by_key(place);
        added
    }

    /// All, in the order in which they were added.
    pub(crate) fn list(&self) -> Vec<Listed> {
        let now = self.inner.tools.clock.now().0;
        let listed = |entry: &Entry| Listed {
            config: entry.config.clone(),
            is_configured: entry.is_configured,
            tally: entry.lane.tally(),
            now,
        };
        self.inner.lock().entries.iter().map(listed).collect()
    }

    /// `EVENT:NAME` and what is done then, as Serf's `info` has it.
    pub(crate) fn entries(&self) -> BTreeMap<String, String> {
        self.inner.lock().entries.iter().flat_map(|entry| entry.config.entries()).collect()
    }

    /// Ends all of them. After a leave `in_order` they get a moment for what waits, held events included; what then still
    /// runs is ended, and nothing is left running.
    pub(crate) async fn stop(&self, in_order: bool) {
        let dispatcher = {
            let mut registry = self.inner.lock();
            registry.is_stopped = true;
            registry.dispatcher.take()
        };
        if let Some(dispatcher) = dispatcher {
            dispatcher.finish(in_order).await;
        }
        if in_order {
            let idle = async {
                while !self.inner.lock().entries.iter().all(|entry| entry.lane.is_idle()) {
                    sleep(LOOK).await;
                }
            };
            // Whoever is not done is ended below.
            let _ = timeout(FINISH, idle).await;
        }
        let entries = std::mem::take(&mut self.inner.lock().entries);
        let left: usize = entries.iter().map(|entry| entry.close(&self.inner.tools)).sum();
        if left > 0 {
            tracing::warn!("{left} events were not handled, since the agent ends");
        }
        self.inner.stop.send_replace(true);
        let workers = entries.into_iter().flat_map(|entry| entry.workers);
        let ended = async {
            for worker in workers {
                // One that panicked has ended too.
                let _ = worker.await;
            }
        };
        if timeout(process::KILL_AFTER * 2, ended).await.is_err() {
            tracing::error!("a handler does not end");
        }
    }
}

impl Entry {
    fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.config.name);
        self.lane.rename(name);
    }

    /// As [`Entry::close`], and says what is lost.
    fn remove(&self, tools: &Tools) -> usize {
        let left = self.close(tools);
        if left > 0 {
            tracing::warn!(handler = ?self.config.name, "removed; {left} events that waited for it were dropped");
        }
        left
    }

    /// How many waited.
    fn close(&self, tools: &Tools) -> usize {
        let left = self.lane.close();
        tools.turns.forget(self.id);
        left
    }
}

impl Inner {
    /// A panic while a plain list is held leaves it as whole as it was.
    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listed {
    /// As the control socket shows it.
    pub(crate) fn row(&self) -> muster_control::handlers::HandlerRow {
        use muster_control::handlers::{HandlerRow, LastRun};
        let Self { config, tally, now, .. } = self;
        let (mut shell, mut command, mut webhook) = (None, None, None);
        match &config.action {
            Action::Shell(script) => shell = Some(script.clone()),
            Action::Command(words) => command = Some(words.clone()),
            Action::Webhook(url) => webhook = Some(url.to_string()),
        }
        HandlerRow {
            name: config.name.clone(),
            on: config.on.iter().map(ToString::to_string).collect(),
            shell,
            command,
            webhook,
            is_serf: config.is_serf,
            coalesce: config.coalesce,
            timeout_ms: config.timeout.map(millis),
            concurrency: config.concurrency,
            queue: config.queue,
            is_configured: self.is_configured,
            queued: tally.queued,
            running: tally.running,
            runs: tally.runs,
            failures: tally.failures,
            dropped: tally.dropped,
            last: tally.last.as_ref().map(|last| LastRun {
                event: last.event.clone(),
                ago_ms: millis(now.saturating_sub(last.ended)),
                took_ms: millis(last.outcome.took),
                success: last.outcome.is_success(),
                exit_code: last.outcome.end.code(),
                end: last.outcome.end.to_string(),
                output: last.outcome.last_lines(),
            }),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
