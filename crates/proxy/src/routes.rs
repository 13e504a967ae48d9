//! What is served and by which rules, as it is now. When the configuration is read again, another takes its place as a whole.
//!
//! ```text
//! listener -> Entry -> Routes: plan, services      a client keeps its Entry, and asks it anew for each request
//! ```
//!
//! A listener that goes keeps the routes it had, so that the clients it has let in are served by what they came for.

use crate::bind::Listen;
use crate::config::{Config, Routing};
use crate::counters::Gate;
use crate::service::Service;
use muster_fleet::{Picture, Rules};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::sync::watch;

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Rules over several services.
    pub(crate) routing: Option<Routing>,
    /// The one that gets all requests, unless there is a routing.
    pub(crate) service: Rc<Service>,
    /// All that we serve, by name.
    pub(crate) services: BTreeMap<String, Rc<Service>>,
    /// The frontends, as they are counted; without a routing, the service in place of one.
    pub(crate) gates: Vec<Rc<Gate>>,
    /// Who may serve those that an agent tells of.
    pub(crate) rules: Rules,
}

impl Routes {
    /// Those of a configuration. A service that stays as it was in `before` is the same one.
    pub(crate) fn new(config: &Config, before: Option<&Self>) -> Self {
        let mut services = Service::all(config);
        for (name, service) in &mut services {
            let Some(before) = before.and_then(|before| before.services.get(name)) else { continue };
            if service.is_like(before) {
                *service = Rc::clone(before);
            } else if let Some(service) = Rc::get_mut(service) {
                service.takes_over_from(before);
            }
        }
        let is_followed = |name: &str| services.get(name).is_some_and(|service| service.fixed.is_none());
        let rules = config.rules.iter().filter(|(name, rule)| is_followed(name) && !rule.is_empty());
        Self {
            gates: gates(config, before),
            rules: rules.map(|(name, rule)| (name.clone(), rule.clone())).collect(),
            routing: config.routing.clone(),
            service: services.get(&config.service).map(Rc::clone).unwrap_or_default(),
            services,
        }
    }

    /// Whether an agent has to tell of some.
    pub(crate) fn follows(&self) -> bool {
        self.services.values().any(|service| service.fixed.is_none())
    }

    /// Whether a picture knows one of those that it has to tell of.
    pub(crate) fn are_in(&self, picture: &Picture) -> bool {
        self.services
            .iter()
            .any(|(name, service)| service.fixed.is_none() && picture.services.contains_key(name))
    }

    /// One of those that we serve.
    pub(crate) fn service_called(&self, name: &str) -> Option<&Rc<Service>> {
        self.services.get(name)
    }

    /// The frontend that a listener belongs to.
    pub(crate) fn gate(&self, listen: &Listen) -> Option<Rc<Gate>> {
        self.gates.get(listen.frontend).cloned()
    }

    /// What a listener is for, in a word of the log.
    pub(crate) fn name_of(&self, listen: &Listen) -> &str {
        let frontend =
            self.routing.as_ref().and_then(|routing| routing.plan.frontends().get(listen.frontend));
        frontend.map_or(&self.service.name, |frontend| &frontend.name)
    }
}

/// Counting goes on for a frontend that stays.
fn gates(config: &Config, before: Option<&Routes>) -> Vec<Rc<Gate>> {
    let gate = |name: &str| {
        let known = before.and_then(|before| before.gates.iter().find(|gate| gate.name == name));
        known.map_or_else(|| Rc::new(Gate::new(name)), Rc::clone)
    };
    match &config.routing {
        Some(routing) => routing.plan.frontends().iter().map(|frontend| gate(&frontend.name)).collect(),
        None => vec![gate(&config.service)],
    }
}

/// A listener as its clients know it.
#[derive(Debug)]
pub(crate) struct Entry {
    spec: RefCell<Rc<Listen>>,
    routes: RefCell<Rc<Routes>>,
    stop: watch::Sender<bool>,
    /// It is listened on no more, while the proxy goes on.
    leaves: Cell<bool>,
    /// Its socket is closed.
    closed: watch::Sender<bool>,
}

impl Entry {
    pub(crate) fn new(spec: Listen, routes: Rc<Routes>) -> Self {
        Self {
            spec: RefCell::new(Rc::new(spec)),
            routes: RefCell::new(routes),
            stop: watch::Sender::new(false),
            leaves: Cell::new(false),
            closed: watch::Sender::new(false),
        }
    }

    /// What was asked for, with the real port.
    pub(crate) fn spec(&self) -> Rc<Listen> {
        Rc::clone(&self.spec.borrow())
    }

    /// What its clients are served by now.
    pub(crate) fn routes(&self) -> Rc<Routes> {
        Rc::clone(&self.routes.borrow())
    }

    /// The same place is spoken to in another way from now on.
    pub(crate) fn becomes(&self, spec: Listen, routes: Rc<Routes>) {
        self.spec.replace(Rc::new(spec));
        self.routes.replace(routes);
    }

    /// Becomes true when clients are let in no more.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Lets nobody in any more, since the proxy stops: who waits at the socket may wait for the next of us.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// The same, and who waits at the socket is let in before, since it has no next.
    pub(crate) fn leave(&self) {
        self.leaves.set(true);
        self.stop();
    }

    /// Its socket is closed: the address is free.
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Becomes true then.
    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.closed.subscribe()
    }

    /// Whether it was told to leave.
    pub(crate) fn leaves(&self) -> bool {
        self.leaves.get()
    }
}
