//! What all connections share: the balancer, the idle connections, the clock.
//!
//! One thread, so no locks: each borrow lasts for one call and never across an await. Every choice is the balancer's;
//! here its words are carried out.

use crate::access::Access;
use crate::bounds;
use crate::config::{Config, Fixed};
use crate::counters::{self, Counters, Counts, Server};
use crate::lease::Lease;
use crate::own::OwnAddresses;
use crate::pool::Pool;
use crate::service::{Protocol, Service};
use crate::stats::desk::Desk;
use crate::tls;
use crate::trust::Distrust;
use crate::upstream::{Link, Shared, Upstream};
use crate::wait::{Wait, Waits};
use muster_balance::{
    Attempt, Balancer, Call, Change, Choice, Ended, Evidence, Hint, Key, Pick, Ticket, Traits, Turn,
};
use muster_fleet::{BackendReport, Phase, Picture, Report, SERVICE_REPORTS_MAX, Standing};
use muster_tally::Tally;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

/// The name of this sink in reports.
const SINK: &str = "proxy";

/// Where a request goes.
#[derive(Debug)]
pub(crate) enum Picked {
    /// To this backend.
    Go(Lease, SocketAddr),
    /// All backends have as many as they may: it waits for one.
    Wait(Wait),
    /// The same, and it may not wait.
    Full,
    /// There is no backend that it did not try.
    Nobody,
}

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
    /// Connections to backends that speak HTTP/2.
    pub(crate) shared: Shared,
    /// Whether a connection to a backend may serve one client after the other: HTTP can, but not on one that began with a header in
    /// somebody's name. Those of HTTP/2 are in `shared`.
    shares: bool,
    /// Places for requests of HTTP/2 beyond the first of each client.
    pub(crate) streams: Arc<Semaphore>,
    own: OwnAddresses,
    /// Whether a picture has come that requests need not wait beyond.
    settled: watch::Sender<bool>,
    /// Why we cannot begin, if the very first picture was one we must not use.
    pub(crate) distrust: watch::Sender<Option<Distrust>>,
    /// The one that gets all requests, unless there is a routing.
    pub(crate) service: Rc<Service>,
    /// All that we serve, by name.
    services: BTreeMap<String, Rc<Service>>,
    /// The access log.
    pub(crate) access: Access,
    /// What operators said over HAProxy's interfaces.
    pub(crate) desk: Desk,
    /// What became of requests.
    pub(crate) counters: Counters,
    /// Requests that wait for a place.
    pub(crate) waits: Waits,
    /// Trials may be due earlier than the timer thinks.
    pub(crate) trials_changed: Notify,
    /// A report should go out now.
    pub(crate) report_wanted: Notify,
}

impl Plane {
    /// A plane without a picture, for listeners bound to `bound`.
    pub(crate) fn new(
        config: Config,
        bound: &[SocketAddr],
        tls: Option<Rc<tls::Server>>,
        access: Access,
        seed: u64,
    ) -> Self {
        let mut balancer = Balancer::new(seed);
        let start = muster_balance::Instant::default();
        let services = Service::all(&config);
        for (name, service) in &services {
            balancer.set_policy(start, name, &service.policy);
        }
        for (service, node, traits) in
            config.routing.iter().filter_map(|routing| routing.fixed.as_ref()).flat_map(|fixed| &fixed.traits)
        {
            balancer.describe(start, service, node, traits.clone());
        }
        let counters = Counters::new(match &config.routing {
            Some(routing) => routing.plan.frontends().iter().map(|front| front.name.clone()).collect(),
            None => vec![config.service.clone()],
        });
        Self {
            tls,
            access,
            counters,
            desk: Desk::new(),
            start: Instant::now(),
            balancer: RefCell::new(balancer),
            shares: config.send_proxy_protocol.is_none()
                && config.listen.iter().any(|listen| !listen.tcp)
                && services.values().any(|service| service.protocol == Protocol::Http1),
            shared: Shared::default(),
            pool: RefCell::new(Pool::new(config.idle_max, config.idle_timeout)),
            streams: Arc::new(Semaphore::new(bounds::streams_max())),
            own: OwnAddresses::new(bound),
            settled: watch::Sender::new(false),
            distrust: watch::Sender::new(None),
            service: services.get(&config.service).map(Rc::clone).unwrap_or_default(),
            services,
            waits: Waits::default(),
            trials_changed: Notify::new(),
            report_wanted: Notify::new(),
            config,
        }
    }

    /// Backends that are written down.
    pub(crate) fn fixed(&self) -> Option<&Fixed> {
        self.config.routing.as_ref()?.fixed.as_ref()
    }

    fn now(&self) -> muster_balance::Instant {
        muster_balance::Instant(self.start.elapsed())
    }

    /// Time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Acts on a picture. Returns the backends that should be connected to now.
    pub(crate) fn apply(&self, picture: &Picture) -> Vec<Choice> {
        let mut picture = self.ours(picture);
        self.own.remove_from(&mut picture);
        let changes = self.balancer.borrow_mut().apply(self.now(), &picture);
        self.counters.apply(&picture);
        if self.config.stats.is_some() {
            self.desk.apply(&picture);
        }
        let mut usable = 0;
        for (name, service) in &self.services {
            let of_service = usable_backends(&picture, name);
            service.note_backends(of_service > 0);
            usable += of_service;
        }
        tracing::debug!(epoch = picture.epoch, version = picture.version, backends = usable, "new picture");
        if usable > 0 || picture.phase == Phase::Live {
            self.settled.send_replace(true);
        }
        self.trials_changed.notify_one();
        self.act(changes)
    }

    /// Acts on what the configuration and operators say of a backend. Returns the backends that should be connected to now.
    pub(crate) fn describe(&self, service: &str, node: &str, traits: Traits) -> Vec<Choice> {
        let changes = self.balancer.borrow_mut().describe(self.now(), service, node, traits);
        self.trials_changed.notify_one();
        self.act(changes)
    }

    fn act(&self, changes: Vec<Change>) -> Vec<Choice> {
        let mut appeared = Vec::new();
        let mut withdrawn = false;
        for change in changes {
            match change {
                Change::Appeared(choice) => appeared.push(choice),
                Change::Withdrawn(key) => {
                    self.close(key);
                    withdrawn = true;
                }
                Change::Returned(_) => {}
            }
        }
        if withdrawn {
            // Whoever withdrew it waits to hear that it gets nothing more.
            self.report_wanted.notify_one();
        }
        self.waits.look();
        appeared
    }

    /// The part of `picture` that we serve. Backends of other services may be anything, such as a database that blocks
    /// hosts which connect and say nothing: they get no connection of ours.
    pub(crate) fn ours(&self, picture: &Picture) -> Picture {
        let ours = picture.services.iter().filter(|(name, _)| self.services.contains_key(*name));
        let services = ours.map(|(name, service)| (name.clone(), service.clone())).collect();
        Picture {
            epoch: picture.epoch,
            version: picture.version,
            phase: picture.phase,
            services,
            terms: picture.terms.clone(),
            refusals: Vec::new(),
        }
    }

    /// One of those that we serve.
    pub(crate) fn service_called(&self, name: &str) -> Option<&Rc<Service>> {
        self.services.get(name)
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
    pub(crate) fn pick(self: &Rc<Self>, service: &Service, hint: Hint, tried: &[Key]) -> Picked {
        let pick = self.balancer.borrow_mut().choose(self.now(), &service.name, hint, tried);
        match pick {
            Pick::Go(Choice { key, addr }) => {
                service.note_backends(true);
                Picked::Go(Lease::new(Rc::clone(self), key), addr)
            }
            Pick::Queue(ticket) => Picked::Wait(Wait::new(Rc::clone(self), ticket)),
            Pick::Full => Picked::Full,
            Pick::Nobody => {
                if tried.is_empty() {
                    service.note_backends(false);
                }
                Picked::Nobody
            }
        }
    }

    /// Whose wait for a backend is over.
    pub(crate) fn call(&self) -> Option<Call> {
        self.balancer.borrow_mut().call(self.now())
    }

    /// When there is one even if nothing happens.
    pub(crate) fn next_call(&self) -> Option<Instant> {
        self.balancer.borrow().next_call().map(|at| self.start + at.0)
    }

    /// A request waits no more.
    pub(crate) fn leave_queue(&self, ticket: Ticket) {
        self.balancer.borrow_mut().leave(ticket);
    }

    /// A backend, as it is counted.
    pub(crate) fn server(&self, key: Key) -> Rc<Server> {
        let balancer = self.balancer.borrow();
        self.counters.server(key, || {
            // Whoever holds a key holds a request on it, and so it is known.
            let (service, node) = balancer.names(key).unwrap_or_default();
            (service.to_owned(), node.to_owned())
        })
    }

    /// All that was counted so far.
    pub(crate) fn counts(&self) -> Counts {
        let services = self.services.iter();
        Counts {
            now: self.elapsed(),
            frontends: self.counters.gates().collect(),
            services: services.map(|(name, service)| (name.clone(), service.account.tally())).collect(),
            backends: self.counters.servers(),
            log_lines_lost: self.access.lost(),
        }
    }

    /// The highest values that were counted begin anew.
    pub(crate) fn clear_highest(&self) {
        self.counters.clear_highest();
        self.services.values().for_each(|service| service.account.tell(Tally::clear_highest));
    }

    /// How long to wait for a response head from a backend. `repeatable`: the request can be made elsewhere.
    pub(crate) fn patience(&self, service: &Service, key: Key, repeatable: bool) -> Duration {
        match repeatable && self.balancer.borrow().is_on_trial(key) {
            true => service.response_timeout.min(bounds::FIRST_ANSWER_MAX),
            false => service.response_timeout,
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
        self.waits.look();
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
            self.close(key);
        }
        if turn != Turn::None {
            self.report_wanted.notify_one();
        }
        self.trials_changed.notify_one();
        self.waits.look();
    }

    /// An idle connection, idle for less than `idle_max`.
    pub(crate) fn take(&self, key: Key, idle_max: Duration) -> Option<Upstream> {
        self.pool.borrow_mut().take(Instant::now(), key, idle_max)
    }

    /// Keeps a connection that is ready for another request, if its backend may have idle ones.
    pub(crate) fn keep(&self, key: Key, upstream: Upstream) {
        // A stream has served its one request.
        if self.shares && matches!(upstream.stream, Link::Own(_)) && self.balancer.borrow().keeps(key) {
            self.pool.borrow_mut().put(Instant::now(), key, upstream);
        }
    }

    /// Closes the idle connections to a backend.
    fn close(&self, key: Key) {
        self.pool.borrow_mut().close(key);
        self.shared.close(key);
    }

    /// Closes connections that were idle too long.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        self.pool.borrow_mut().sweep(now);
        self.shared.sweep(now, self.config.idle_timeout);
    }

    /// Backends to be tried with a connection now.
    pub(crate) fn due_trials(&self) -> Vec<Choice> {
        let due = self.balancer.borrow_mut().due_trials(self.now());
        // An ejection may have ended.
        self.waits.look();
        due
    }

    /// When trials are due next.
    pub(crate) fn next_trials(&self) -> Option<Instant> {
        self.balancer.borrow().next_timeout().map(|at| self.start + at.0)
    }

    /// A backend's part of it.
    pub(crate) fn report_of(&self, service: &str, node: &str) -> Option<BackendReport> {
        self.balancer.borrow().report_of(service, node)
    }

    /// The account for the agent.
    pub(crate) fn report(&self) -> Report {
        let mut report = self.balancer.borrow().report(SINK);
        let services = self.services.iter().take(SERVICE_REPORTS_MAX);
        report.services =
            services.map(|(name, service)| counters::report(name, &service.account.tally())).collect();
        report.log_lines_lost = self.access.lost();
        report
    }
}

fn usable_backends(picture: &Picture, service: &str) -> usize {
    let backends = picture.services.get(service).into_iter().flat_map(|service| service.backends.values());
    backends.filter(|backend| backend.standing != Standing::Withdrawn).count()
}
