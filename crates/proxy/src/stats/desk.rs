//! What operators said over HAProxy's interfaces. It outlives pictures, and ends with the process, as in HAProxy.

use super::counters::Cleared;
use crate::plane::Plane;
use crate::trial;
use muster_balance::{Stickiness, Traits};
use muster_fleet::Picture;
use muster_haproxy_stats::{Board, Change, Facts, Missing, Server, State};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::sync::watch;

/// Kept by the plane, if there is an interface.
#[derive(Debug)]
pub(crate) struct Desk {
    /// The picture in force.
    pub(super) picture: RefCell<Picture>,
    /// By service and node.
    said: RefCell<BTreeMap<(String, String), Said>>,
    /// Frontends that take no new clients.
    pub(super) paused: watch::Sender<BTreeSet<usize>>,
    /// How many clients the proxy takes, and whether it stops.
    door: OnceCell<Door>,
    /// What was counted when somebody cleared it.
    pub(super) cleared: RefCell<Cleared>,
    /// Answers of pages on their way, each of which may be large.
    pub(super) pages: Cell<usize>,
}

#[derive(Debug)]
struct Door {
    most: u32,
    stop: watch::Receiver<bool>,
}

/// What was said of one server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Said {
    /// `None`: what the configuration says.
    pub(super) state: Option<State>,
    pub(super) weight: Option<u16>,
    pub(super) addr: Option<SocketAddr>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            picture: RefCell::new(Picture {
                epoch: 0,
                version: 0,
                phase: muster_fleet::Phase::Warming,
                services: BTreeMap::new(),
                terms: muster_fleet::Terms::default(),
                refusals: Vec::new(),
            }),
            said: RefCell::default(),
            paused: watch::Sender::default(),
            door: OnceCell::new(),
            cleared: RefCell::default(),
            pages: Cell::new(0),
        }
    }

    /// There is a new picture.
    pub(crate) fn apply(&self, picture: &Picture) {
        *self.picture.borrow_mut() = picture.clone();
    }

    /// So many clients are taken, until `stop` becomes true.
    pub(crate) fn opened(&self, most: u32, stop: watch::Receiver<bool>) {
        // It is called once, by whoever starts the proxy.
        let _ = self.door.set(Door { most, stop });
    }

    /// Clients at most.
    pub(super) fn clients_max(&self) -> u64 {
        self.door.get().map_or(0, |door| door.most.into())
    }

    /// No new clients are taken.
    pub(super) fn is_stopping(&self) -> bool {
        self.door.get().is_some_and(|door| *door.stop.borrow())
    }

    /// Which frontends take no new clients.
    pub(crate) fn paused(&self) -> watch::Receiver<BTreeSet<usize>> {
        self.paused.subscribe()
    }

    pub(super) fn said(&self, service: &str, node: &str) -> Said {
        let said = self.said.borrow();
        said.get(&(service.to_owned(), node.to_owned())).copied().unwrap_or_default()
    }

    /// Puts backends that are written down to where operators said that they are.
    pub(crate) fn relocate(&self, service: &str, fixed: &mut muster_fleet::Service) {
        for ((of, node), said) in &*self.said.borrow() {
            let backend = fixed.backends.get_mut(node).filter(|_| of == service);
            if let (Some(backend), Some(addr)) = (backend, said.addr) {
                backend.addr = addr;
            }
        }
    }

    /// Whether anything was said of a server but its address.
    pub(crate) fn has_said(&self, service: &str, node: &str) -> bool {
        let said = self.said(service, node);
        said.state.is_some() || said.weight.is_some()
    }

    /// The numbers of frontends mean others now.
    pub(crate) fn frontends_changed(&self) {
        self.paused.send_replace(BTreeSet::new());
        self.cleared.borrow_mut().forget_frontends();
    }

    fn say(&self, service: &str, node: &str, change: impl FnOnce(&mut Said)) -> Said {
        let mut all = self.said.borrow_mut();
        let said = all.entry((service.to_owned(), node.to_owned())).or_default();
        change(said);
        *said
    }
}

/// The plane, as tools ask it.
pub(super) struct Asked<'p>(pub(super) &'p Rc<Plane>);

impl Board for Asked<'_> {
    fn facts(&self) -> Rc<Facts> {
        Rc::new(super::facts::all(self.0))
    }

    fn server(&self, backend: &str, server: &str) -> Result<Server, Missing> {
        super::facts::one(self.0, backend, server)
    }
}

/// Carries out what a tool may ask for.
pub(super) fn change(plane: &Rc<Plane>, change: Change) {
    tracing::info!(?change, "a tool changes this over HAProxy's interface");
    match change {
        Change::State { backend, server, state } => {
            // With nothing said, what the configuration disables is enabled by `ready` all the same.
            describe(plane, &backend, &server, |said| said.state = Some(state));
        }
        Change::Weight { backend, server, weight } => {
            describe(plane, &backend, &server, |said| said.weight = Some(weight));
        }
        Change::Address { backend, server, addr } => relocate(plane, &backend, &server, addr),
        Change::Pause { front, is_paused } => {
            let named = super::facts::frontend(plane, &front);
            let Some(number) = named else { return };
            plane.desk.paused.send_modify(|paused| {
                if is_paused {
                    paused.insert(number)
                } else {
                    paused.remove(&number)
                };
            });
        }
        Change::Clear { all } => super::counters::clear(plane, all),
    }
}

/// What an operator says goes before what the configuration does.
fn describe(plane: &Rc<Plane>, service: &str, node: &str, change: impl FnOnce(&mut Said)) {
    let said = plane.desk.say(service, node, change);
    let mut traits = configured(plane, service, node);
    let sticks =
        plane.service_called(service).is_some_and(|service| service.policy.sticky == Stickiness::Cookie);
    traits.weight = said.weight.or(traits.weight);
    match said.state {
        None => {}
        Some(State::Ready) => traits.maintenance = false,
        Some(State::Maintenance) => traits.maintenance = true,
        // Nobody new; only where clients have a cookie may some be its own.
        Some(State::Drain) if sticks => traits.weight = Some(0),
        Some(State::Drain) => traits.maintenance = true,
    }
    trial::start(plane, plane.describe(service, node, traits));
}

/// What the configuration says.
pub(super) fn configured(plane: &Plane, service: &str, node: &str) -> Traits {
    let routes = plane.routes();
    let fixed = routes.routing.as_ref().and_then(|routing| routing.fixed.as_ref());
    let mut of_node = fixed
        .into_iter()
        .flat_map(|fixed| &fixed.traits)
        .filter(|(of, name, _)| of == service && name == node);
    of_node.next().map(|(_, _, traits)| traits.clone()).unwrap_or_default()
}

/// A server that is written down is elsewhere now.
fn relocate(plane: &Rc<Plane>, service: &str, node: &str, addr: SocketAddr) {
    plane.desk.say(service, node, |said| said.addr = Some(addr));
    trial::start(plane, plane.apply_again());
}
