//! A running proxy, as a handle.

use crate::access::Access;
use crate::bounds;
use crate::config::Config;
use crate::counters::Counts;
use crate::error::Error;
use crate::inherited::Inherited;
use crate::last_picture::LastPicture;
use crate::listen::Listener;
use crate::plane::Plane;
use crate::reload::Speaking;
use crate::routes::{Entry, Routes};
use crate::trust::Distrust;
use crate::{follow, listen, maintenance, report, stats, trial, wait};
use muster_control::client::Client;
use muster_fleet::{Picture, Report};
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// A proxy that accepts and forwards. It lives in tasks of the [`tokio::task::LocalSet`] it was started in; its methods
/// must be called there too.
#[derive(Debug)]
pub struct Proxy {
    pub(crate) plane: Rc<Plane>,
    pub(crate) speaking: RefCell<Option<Speaking>>,
    pub(crate) entries: RefCell<Vec<Rc<Entry>>>,
    /// What becomes true with the end of those that were taken out.
    pub(crate) leaving: RefCell<Vec<watch::Receiver<bool>>>,
    addrs: Vec<SocketAddr>,
    places: Arc<Semaphore>,
    places_max: u32,
    stop: watch::Sender<bool>,
    following: Cell<Following>,
    last_picture: RefCell<Option<LastPicture>>,
}

impl Proxy {
    /// Binds the listening addresses of `config` and serves clients. There is no picture yet: give one with
    /// [`Proxy::apply`], or [`Proxy::follow`] the agent.
    ///
    /// # Errors
    /// When an address cannot be bound, or TLS is wanted and its certificates cannot be used; then none stays bound.
    ///
    /// # Panics
    /// Outside of a [`tokio::task::LocalSet`].
    pub fn start(config: Config) -> Result<Self, Error> {
        Self::start_with(config, Inherited::default())
    }

    /// The same with what was handed over.
    pub(crate) fn start_with(config: Config, inherited: Inherited) -> Result<Self, Error> {
        if config.listen.is_empty() {
            return Err(Error::NowhereToListen);
        }
        // Before anything is bound: nobody is to come who could not be served.
        let speaking = Speaking::start(&config)?;
        let access = Access::open(&config.access_logs)?;
        let held = inherited.sockets.into_iter().map(|(number, socket)| listen::adopt(number, socket));
        let listeners = listen::listeners(&config.listen, held.collect::<Result<_, _>>()?)?;
        let sockets = stats::bind(&config)?;
        let addrs: Vec<SocketAddr> = listeners.iter().filter_map(|listener| listener.spec.tcp()).collect();
        let places_max = u32::try_from(bounds::clients_max()).unwrap_or(u32::MAX);
        let places = Arc::new(Semaphore::new(places_max as usize));
        let tls = speaking.as_ref().map(|speaking| Rc::clone(&speaking.server));
        let plane = Rc::new(Plane::new(config, &addrs, tls, access, seed()));
        let stop = watch::Sender::new(false);
        plane.desk.opened(places_max, stop.subscribe());
        stats::start(&plane, sockets, &stop);
        tokio::task::spawn_local(trial::run(Rc::clone(&plane)));
        tokio::task::spawn_local(trial::sweep(Rc::clone(&plane)));
        tokio::task::spawn_local(wait::run(Rc::clone(&plane)));
        tokio::task::spawn_local(maintenance::run(Rc::clone(&plane)));
        let last_picture = RefCell::new(inherited.picture.map(LastPicture::new));
        let routes = plane.routes();
        if routes.services.values().any(|service| service.fixed.is_some()) {
            trial::start(&plane, plane.apply_again());
        }
        let (entries, following) = (RefCell::default(), Cell::new(Following::Unwanted));
        let speaking = RefCell::new(speaking);
        let proxy = Self {
            plane,
            speaking,
            entries,
            leaving: RefCell::default(),
            addrs,
            places,
            places_max,
            stop,
            following,
            last_picture,
        };
        let entries = listeners.into_iter().map(|listener| proxy.listen(listener, &routes)).collect();
        proxy.entries.replace(entries);
        Ok(proxy)
    }

    /// Lets clients in by `listener`.
    pub(crate) fn listen(&self, listener: Listener, routes: &Rc<Routes>) -> Rc<Entry> {
        let name = routes.name_of(&listener.spec).escape_default();
        match routes.routing {
            Some(_) => tracing::info!(addr = %listener.spec, frontend = %name, "listening"),
            None => tracing::info!(addr = %listener.spec, service = %name, "listening"),
        }
        listener.tune(self.plane.config.idle_timeout.max(bounds::STUCK_MIN));
        let entry = Rc::new(Entry::new(listener.spec.clone(), Rc::clone(routes)));
        let accepting =
            listen::accept(Rc::clone(&self.plane), listener, Rc::clone(&entry), Arc::clone(&self.places));
        tokio::task::spawn_local(accepting);
        entry
    }

    /// The bound addresses, in the order of the configuration, with real ports; those in the file system are not among them.
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// Follows the agent's picture on the configured control socket, and reports to it. Until it answers, the picture that was
    /// kept for this start is in force, if there is one.
    ///
    /// Where all backends are written down, only once that changes.
    pub fn follow(&self) {
        if self.following.get() == Following::Unwanted {
            self.following.set(Following::Wanted);
        }
        self.follow_if_needed();
    }

    /// Does so if it is wanted and there is something to be heard.
    pub(crate) fn follow_if_needed(&self) {
        if self.following.get() != Following::Wanted || !self.plane.routes().follows() {
            return;
        }
        self.following.set(Following::Started);
        let client = Client::new(&self.plane.config.socket);
        let following = follow::Following::start(
            Rc::clone(&self.plane),
            client.clone(),
            self.last_picture.take(),
            self.stop.subscribe(),
        );
        tokio::task::spawn_local(following.run());
        tokio::task::spawn_local(report::run(Rc::clone(&self.plane), client));
    }

    /// Returns when the agent's first picture is one that must not be used, and why.
    pub async fn distrusts(&self) -> Distrust {
        let mut distrust = self.plane.distrust.subscribe();
        match distrust.wait_for(Option::is_some).await.ok().and_then(|found| found.clone()) {
            Some(found) => found,
            // The plane holds the sender and we hold the plane.
            None => std::future::pending().await,
        }
    }

    /// Acts on a picture, in place of an agent's.
    pub fn apply(&self, picture: &Picture) {
        trial::start(&self.plane, self.plane.apply(picture));
    }

    /// Reads the certificates again, now. When they cannot be used, those of before are.
    pub fn reload_certificates(&self) {
        if let Some(speaking) = &*self.speaking.borrow() {
            speaking.look();
        }
    }

    /// Opens the files of the access log again, now.
    pub fn reopen_logs(&self) {
        self.plane.access.reopen();
    }

    /// Waits until the access log is written, at most for so long. Blocks the thread.
    pub fn flush_logs(&self, limit: Duration) {
        self.plane.access.flush(limit);
    }

    /// The account as it would be reported now.
    pub fn report(&self) -> Report {
        self.plane.report()
    }

    /// What was counted so far, of frontends, services and backends.
    pub fn counts(&self) -> Counts {
        self.plane.counts()
    }

    /// Stops accepting, closes idle clients and waits until the others have their answers, at most for `limit`.
    /// Returns how many clients were still connected then.
    pub async fn stop(&self, limit: Duration) -> u32 {
        self.stop.send_replace(true);
        self.entries.borrow().iter().for_each(|entry| entry.stop());
        let all = self.places.acquire_many(self.places_max);
        match tokio::time::timeout(limit, all).await {
            Ok(_) => 0,
            Err(_) => self.connected(),
        }
    }

    /// Clients still connected after [`Proxy::stop`] was called.
    pub(crate) fn connected(&self) -> u32 {
        let free = u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX);
        self.places_max.saturating_sub(free)
    }
}

/// Whether an agent is followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Following {
    /// Nobody has asked for it.
    Unwanted,
    /// Somebody has, and there is no service yet of which it would tell.
    Wanted,
    Started,
}

/// Different in each process, so that balancers started together do not all begin with the same backend.
fn seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
