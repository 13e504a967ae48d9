//! What all connections share: the balancer, the idle connections, the clock.
//!
//! One thread, so no locks: each borrow lasts for one call and never across an await. Every choice is the balancer's;
//! here its words are carried out.

use crate::bounds;
use crate::config::Config;
use crate::lease::Lease;
use crate::own::OwnAddresses;
use crate::pool::Pool;
use crate::tls;
use crate::trust::Distrust;
use crate::upstream::Upstream;
use muster_balance::{Attempt, Balancer, Change, Choice, Ended, Evidence, Hint, Key, Pick, Policy, Turn};
use muster_fleet::{Phase, Picture, Report, Standing};
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// The name of this sink in reports.
const SINK: &str = "proxy";

/// The shared state of one proxy.
#[derive(Debug)]
pub(crate) struct Plane {
    /// What we were told.
    pub(crate) config: Config,
    /// For listeners with `tls`, if there are any.
    pub(crate) tls: Option<Rc<tls::Server>>,
    start: Instant,
    balancer: RefCell<Balancer>,
    pool: RefCell<Pool<Upstream>>,
    /// Whether a connection to a backend may serve one client after the other: HTTP can, but not on one that began with a header in
    /// somebody's name.
    shares: bool,
    own: OwnAddresses,
    /// Whether a picture has come that requests need not wait beyond.
    settled: watch::Sender<bool>,
    /// Why we cannot begin, if the very first picture was one we must not use.
    pub(crate) distrust: watch::Sender<Option<Distrust>>,
    /// Whether the service had a backend when last looked; `None` before the first look.
    has_backends: Cell<Option<bool>>,
    /// Trials may be due earlier than the timer thinks.
    pub(crate) trials_changed: Notify,
    /// A report should go out now.
    pub(crate) report_wanted: Notify,
}

impl Plane {
    /// A plane without a picture, for listeners bound to `bound`.
    pub(crate) fn new(config: Config, bound: &[SocketAddr], tls: Option<Rc<tls::Server>>, seed: u64) -> Self {
        let mut balancer = Balancer::new(seed);
        let policy = Policy { queue_max: 0, ..config.policy.clone() };
        balancer.set_policy(muster_balance::Instant::default(), &config.service, &policy);
        Self {
            tls,
            start: Instant::now(),
            balancer: RefCell::new(balancer),
            shares: config.send_proxy_protocol.is_none() && config.listen.iter().any(|listen| !listen.tcp),
            pool: RefCell::new(Pool::new(config.idle_max, config.idle_timeout)),
            own: OwnAddresses::new(bound),
            settled: watch::Sender::new(false),
            distrust: watch::Sender::new(None),
            has_backends: Cell::new(None),
            trials_changed: Notify::new(),
            report_wanted: Notify::new(),
            config,
        }
    }

    fn now(&self) -> muster_balance::Instant {
        muster_balance::Instant(self.start.elapsed())
    }

    /// Acts on a picture. Returns the backends that should be connected to now.
    pub(crate) fn apply(&self, picture: &Picture) -> Vec<Choice> {
        let mut picture = self.ours(picture);
        self.own.remove_from(&mut picture);
        let changes = self.balancer.borrow_mut().apply(self.now(), &picture);
        let mut appeared = Vec::new();
        let mut withdrawn = false;
        for change in changes {
            match change {
                Change::Appeared(choice) => appeared.push(choice),
                Change::Withdrawn(key) => {
                    self.pool.borrow_mut().close(key);
                    withdrawn = true;
                }
                Change::Returned(_) => {}
            }
        }
        let usable = self.usable_backends(&picture);
        tracing::debug!(epoch = picture.epoch, version = picture.version, backends = usable, "new picture");
        self.note_backends(usable > 0);
        if usable > 0 || picture.phase == Phase::Live {
            self.settled.send_replace(true);
        }
        self.trials_changed.notify_one();
        if withdrawn {
            // Whoever withdrew it waits to hear that it gets nothing more.
            self.report_wanted.notify_one();
        }
        appeared
    }

    /// The part of `picture` that we serve. Backends of other services may be anything, such as a database that blocks
    /// hosts which connect and say nothing: they get no connection of ours.
    pub(crate) fn ours(&self, picture: &Picture) -> Picture {
        let service = picture.services.get_key_value(&self.config.service);
        let services = service.map(|(name, service)| (name.clone(), service.clone())).into_iter().collect();
        Picture {
            epoch: picture.epoch,
            version: picture.version,
            phase: picture.phase,
            services,
            terms: picture.terms.clone(),
            refusals: Vec::new(),
        }
    }

    fn usable_backends(&self, picture: &Picture) -> usize {
        let service = picture.services.get(&self.config.service);
        let backends = service.into_iter().flat_map(|service| service.backends.values());
        backends.filter(|backend| backend.standing != Standing::Withdrawn).count()
    }

    /// One line when the service becomes empty and one when it recovers.
    fn note_backends(&self, any: bool) {
        let service = self.config.service.escape_default();
        match (self.has_backends.replace(Some(any)), any) {
            (Some(true) | None, false) => {
                tracing::warn!(%service, "no backend is ready: requests get 503 until one is");
            }
            (Some(false), true) => tracing::info!(%service, "backends are ready again"),
            (None, true) => tracing::info!(%service, "backends are ready"),
            (Some(true), true) | (Some(false), false) => {}
        }
    }

    /// Waits for a picture worth acting on, but not longer than a moment after the start.
    pub(crate) async fn first_picture(&self) {
        if *self.settled.borrow() {
            return;
        }
        let mut settled = self.settled.subscribe();
        let deadline = self.start + bounds::FIRST_PICTURE_WAIT;
        let _ = tokio::time::timeout_at(deadline, settled.wait_for(|settled| *settled)).await;
    }

    /// Where the next attempt goes, not to those in `tried`.
    pub(crate) fn pick(self: &Rc<Self>, hint: Hint, tried: &[Key]) -> Option<(Lease, SocketAddr)> {
        let pick = self.balancer.borrow_mut().choose(self.now(), &self.config.service, hint, tried);
        match pick {
            Pick::Go(Choice { key, addr }) => {
                if self.has_backends.get() != Some(true) {
                    self.note_backends(true);
                }
                Some((Lease::new(Rc::clone(self), key), addr))
            }
            // Nobody waits: the policy has no queue.
            Pick::Queue(_) | Pick::Full | Pick::Nobody => {
                if tried.is_empty() {
                    self.note_backends(false);
                }
                None
            }
        }
    }

    /// How long to wait for a response head from a backend. `repeatable`: the request can be made elsewhere.
    pub(crate) fn patience(&self, key: Key, repeatable: bool) -> Duration {
        match repeatable && self.balancer.borrow().is_on_trial(key) {
            true => self.config.response_timeout.min(bounds::FIRST_ANSWER_MAX),
            false => self.config.response_timeout,
        }
    }

    /// A picked request is over.
    pub(crate) fn finish(&self, key: Key, ended: Ended) {
        let mut balancer = self.balancer.borrow_mut();
        let draining = balancer.draining();
        balancer.finish(key, ended);
        if balancer.draining() < draining {
            // Whoever withdrew the backend may be waiting for its last request.
            self.report_wanted.notify_one();
        }
    }

    /// Whether an attempt that failed on `key` may be made again. Ask once for each, after the evidence was told.
    pub(crate) fn may_retry(&self, key: Key, attempt: Attempt) -> bool {
        self.balancer.borrow_mut().may_retry(self.now(), key, attempt)
    }

    /// A response head came from a backend.
    pub(crate) fn answered(&self, key: Key, answer: muster_balance::Answer) {
        if self.balancer.borrow_mut().answered(self.now(), key, answer) != Turn::None {
            self.report_wanted.notify_one();
        }
    }

    /// Something was seen of a backend, other than an answer.
    pub(crate) fn evidence(&self, key: Key, evidence: Evidence) {
        let turn = self.balancer.borrow_mut().evidence(self.now(), key, evidence);
        if turn == Turn::Ejected {
            self.pool.borrow_mut().close(key);
        }
        if turn != Turn::None {
            self.report_wanted.notify_one();
        }
        self.trials_changed.notify_one();
    }

    /// An idle connection, idle for less than `idle_max`.
    pub(crate) fn take(&self, key: Key, idle_max: Duration) -> Option<Upstream> {
        self.pool.borrow_mut().take(Instant::now(), key, idle_max)
    }

    /// Keeps a connection that is ready for another request, if its backend may have idle ones.
    pub(crate) fn keep(&self, key: Key, upstream: Upstream) {
        if self.shares && self.balancer.borrow().keeps(key) {
            self.pool.borrow_mut().put(Instant::now(), key, upstream);
        }
    }

    /// Closes connections that were idle too long.
    pub(crate) fn sweep(&self) {
        self.pool.borrow_mut().sweep(Instant::now());
    }

    /// Backends to be tried with a connection now.
    pub(crate) fn due_trials(&self) -> Vec<Choice> {
        self.balancer.borrow_mut().due_trials(self.now())
    }

    /// When trials are due next.
    pub(crate) fn next_trials(&self) -> Option<Instant> {
        self.balancer.borrow().next_timeout().map(|at| self.start + at.0)
    }

    /// The account for the agent.
    pub(crate) fn report(&self) -> Report {
        self.balancer.borrow().report(SINK)
    }
}
