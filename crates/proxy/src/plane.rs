//! What all connections share: the balancer, the idle connections, the clock.
//!
//! One thread, so no locks: each borrow lasts for one call and never across an await. Every choice is the balancer's;
//! here its words are carried out.

mod accounts;
mod checks;

pub(crate) use checks::Due;

use crate::access::Access;
use crate::bounds;
use crate::config::Config;
use crate::counters::{Counters, Server};
use crate::lease::Lease;
use crate::own::OwnAddresses;
use crate::pool::Pool;
use crate::routes::Routes;
use crate::service::{Protocol, Service};
use crate::stats::desk::Desk;
use crate::tls;
use crate::trust::Distrust;
use crate::upstream::{Link, Shared, Upstream};
use crate::wait::{Wait, Waits};
use muster_balance::{
    Attempt, Balancer, Call, Change, Choice, Ended, Evidence, Hint, Key, Pick, Ticket, Traits, Turn,
};
use muster_fleet::{Follower, Phase, Picture, Standing, Terms};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
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
    /// What we were told at the start. What of it may change since then is in `routes` and `tls`.
    pub(crate) config: Config,
    /// For listeners with `tls`, if there are any.
    tls: RefCell<Option<Rc<tls::Server>>>,
    routes: RefCell<Rc<Routes>>,
    /// Services that were replaced or taken out while requests were under way to them: until those are over, they have their backends.
    retired: RefCell<Vec<Weak<Service>>>,
    /// Lives as long as we do, so that the picture outlives the agent, and a service that comes later is found in it.
    pub(crate) follower: RefCell<Follower>,
    start: Instant,
    balancer: RefCell<Balancer>,
    pool: RefCell<Pool<Upstream>>,
    /// Connections to backends that speak HTTP/2.
    pub(crate) shared: Shared,
    /// Whether a connection to a backend may serve one client after the other: HTTP can, but not on one that began with a header in
    /// somebody's name. Those of HTTP/2 are in `shared`.
    shares: Cell<bool>,
    /// Places for requests of HTTP/2 beyond the first of each client.
    pub(crate) streams: Arc<Semaphore>,
    /// Places for checks at the same time.
    pub(crate) check_places: Arc<Semaphore>,
    own: OwnAddresses,
    /// Whether a picture has come that requests need not wait beyond.
    settled: watch::Sender<bool>,
    /// Why we cannot begin, if the very first picture was one we must not use.
    pub(crate) distrust: watch::Sender<Option<Distrust>>,
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
    /// The routes are others now.
    pub(crate) routes_changed: Notify,
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
        let routes = Rc::new(Routes::new(&config, None));
        for (name, service) in &routes.services {
            balancer.set_policy(start, name, &service.policy);
        }
        for (service, node, traits) in
            config.routing.iter().filter_map(|routing| routing.fixed.as_ref()).flat_map(|fixed| &fixed.traits)
        {
            balancer.describe(start, service, node, traits.clone());
        }
        Self {
            tls: RefCell::new(tls),
            routes: RefCell::new(routes),
            retired: RefCell::default(),
            follower: RefCell::new(Follower::new()),
            counters: Counters::default(),
            access,
            desk: Desk::new(),
            shared: Shared::default(),
            start: Instant::now(),
            balancer: RefCell::new(balancer),
            shares: Cell::new(shares(&config, &config)),
            pool: RefCell::new(Pool::new(config.idle_max, config.idle_timeout)),
            streams: Arc::new(Semaphore::new(bounds::streams_max())),
            check_places: Arc::new(Semaphore::new(bounds::CHECKS_MAX)),
            own: OwnAddresses::new(bound),
            settled: watch::Sender::new(false),
            distrust: watch::Sender::new(None),
            waits: Waits::default(),
            trials_changed: Notify::new(),
            report_wanted: Notify::new(),
            routes_changed: Notify::new(),
            config,
        }
    }

    /// What is served now, and by which rules.
    pub(crate) fn routes(&self) -> Rc<Routes> {
        Rc::clone(&self.routes.borrow())
    }

    /// One of those that we serve.
    pub(crate) fn service_called(&self, name: &str) -> Option<Rc<Service>> {
        self.routes().service_called(name).cloned()
    }

    /// Whether a service's backends are written down.
    pub(crate) fn is_fixed(&self, service: &str) -> bool {
        self.service_called(service).is_some_and(|service| service.fixed.is_some())
    }

    /// Who speaks TLS, for listeners that want it.
    pub(crate) fn tls(&self) -> Option<Rc<tls::Server>> {
        self.tls.borrow().clone()
    }

    /// Serves by `routes` from now on, which are those of `config`. Returns the backends that should be connected to now.
    pub(crate) fn change(
        &self,
        config: &Config,
        routes: &Rc<Routes>,
        tls: Option<Rc<tls::Server>>,
        bound: Vec<SocketAddr>,
    ) -> Vec<Choice> {
        let now = self.now();
        self.tls.replace(tls);
        self.shares.set(shares(&self.config, config));
        self.own.set(bound);
        let before = self.routes.replace(Rc::clone(routes));
        for (name, service) in &before.services {
            let stays = routes.services.get(name).is_some_and(|stays| Rc::ptr_eq(stays, service));
            if !stays {
                self.retired.borrow_mut().push(Rc::downgrade(service));
            }
        }
        if !before.gates.iter().map(|gate| &gate.name).eq(routes.gates.iter().map(|gate| &gate.name)) {
            self.desk.frontends_changed();
        }
        let mut balancer = self.balancer.borrow_mut();
        for (name, service) in &routes.services {
            balancer.set_policy(now, name, &service.policy);
        }
        let described = |routes: &Routes| {
            let fixed = routes.routing.as_ref().and_then(|routing| routing.fixed.clone());
            let traits = fixed.into_iter().flat_map(|fixed| fixed.traits);
            traits.map(|(service, node, traits)| ((service, node), traits)).collect::<BTreeMap<_, _>>()
        };
        let mut traits = described(&before);
        traits.values_mut().for_each(|traits| *traits = Traits::default());
        traits.extend(described(routes));
        // An operator's word goes before the configuration's.
        for ((service, node), traits) in
            traits.into_iter().filter(|((service, node), _)| !self.desk.has_said(service, node))
        {
            // What comes of it is in the picture, which is applied below.
            balancer.describe(now, &service, &node, traits);
        }
        drop((balancer, before));
        self.routes_changed.notify_waiters();
        self.apply_again()
    }

    /// Acts again on the picture that there is, since it is another part of it that we serve.
    pub(crate) fn apply_again(&self) -> Vec<Choice> {
        let follower = self.follower.borrow();
        match follower.picture() {
            Some(picture) => self.apply(picture),
            None => self.apply(&blank()),
        }
    }

    /// Whether the last request is over to a service that was taken out.
    pub(crate) fn has_gone(&self) -> bool {
        let mut retired = self.retired.borrow_mut();
        let before = retired.len();
        retired.retain(|service| service.strong_count() > 0);
        retired.len() < before
    }

    /// All that has backends, by name.
    fn serving(&self) -> BTreeMap<String, Rc<Service>> {
        let mut serving = self.routes().services.clone();
        for service in self.retired.borrow().iter().filter_map(Weak::upgrade) {
            serving.entry(service.name.clone()).or_insert(service);
        }
        serving
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
        let (serving, routes) = (self.serving(), self.routes());
        let listed = |service: &str| usable_backends(&picture, service);
        let is_told = !routes.follows() || picture.phase == Phase::Live || {
            let followed = routes.services.values().filter(|service| service.fixed.is_none());
            followed.map(|service| listed(&service.name)).sum::<usize>() > 0
        };
        for (name, service) in &serving {
            if let Some(fixed) = &service.fixed {
                let mut fixed = fixed.clone();
                self.desk.relocate(name, &mut fixed);
                picture.services.insert(name.clone(), fixed);
            }
        }
        self.own.remove_from(&mut picture);
        let changes = self.balancer.borrow_mut().apply(self.now(), &picture);
        self.counters.apply(&picture);
        if self.config.stats.is_some() {
            self.desk.apply(&picture);
        }
        let mut usable = 0;
        for (name, service) in &routes.services {
            let of_service = usable_backends(&picture, name);
            service.note_backends(of_service > 0);
            usable += of_service;
        }
        tracing::debug!(epoch = picture.epoch, version = picture.version, backends = usable, "new picture");
        if is_told {
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
        let serving = self.serving();
        let is_ours = |name: &String| serving.get(name).is_some_and(|service| service.fixed.is_none());
        let ours = picture.services.iter().filter(|(name, _)| is_ours(name));
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
        self.turned(key, turn);
    }

    fn turned(&self, key: Key, turn: Turn) {
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
        if self.shares.get() && matches!(upstream.stream, Link::Own(_)) && self.balancer.borrow().keeps(key) {
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
}

/// HTTP can, unless connections begin with a header, which is said at the start.
fn shares(start: &Config, now: &Config) -> bool {
    let speaks_http1 = match &now.routing {
        None => now.upstream_protocol == Protocol::Http1,
        Some(routing) => routing.services.values().any(|service| service.protocol == Protocol::Http1),
    };
    start.send_proxy_protocol.is_none() && now.listen.iter().any(|listen| !listen.tcp) && speaks_http1
}

/// What is known before an agent tells.
fn blank() -> Picture {
    Picture {
        epoch: 0,
        version: 0,
        phase: Phase::Warming,
        services: BTreeMap::new(),
        terms: Terms::default(),
        refusals: Vec::new(),
    }
}

fn usable_backends(picture: &Picture, service: &str) -> usize {
    let backends = picture.services.get(service).into_iter().flat_map(|service| service.backends.values());
    backends.filter(|backend| backend.standing != Standing::Withdrawn).count()
}
