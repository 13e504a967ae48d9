//! One service, as its requests need it.

use crate::check::Check;
use crate::config::{Config, Maintenance};
use crate::counters::Account;
use muster_balance::Policy;
use muster_routes::Page;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// What backends speak.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 without TLS and without asking (RFC 9113, 3.3), as gRPC does.
    H2c,
}

/// A service that we serve.
#[derive(Debug, Default)]
pub(crate) struct Service {
    /// Its name.
    pub(crate) name: String,
    /// How its backends are chosen.
    pub(crate) policy: Policy,
    /// What its backends speak.
    pub(crate) protocol: Protocol,
    /// Longest wait for a TCP connection to a backend.
    pub(crate) connect_timeout: Duration,
    /// Longest wait for a response head.
    pub(crate) response_timeout: Duration,
    /// How long nothing of a response that began may come.
    pub(crate) stall_timeout: Duration,
    /// How its backends are asked whether they are well.
    pub(crate) check: Option<Check>,
    /// When it is closed.
    pub(crate) maintenance: Option<Maintenance>,
    /// Its backends, where they are written down.
    pub(crate) fixed: Option<muster_fleet::Service>,
    /// The file of its maintenance was there when last looked.
    closed: Cell<bool>,
    /// What became of its requests.
    pub(crate) account: Rc<Account>,
    /// Whether it had a backend when last looked; `None` before the first look.
    has_backends: Cell<Option<bool>>,
}

impl Service {
    /// All that a configuration speaks of, by name.
    pub(crate) fn all(config: &Config) -> BTreeMap<String, Rc<Self>> {
        let pictured = config.routing.iter().filter_map(|routing| routing.fixed.as_ref());
        let pictured: Vec<_> = pictured.map(|fixed| &fixed.picture.services).collect();
        let make = |name: &str,
                    policy: &Policy,
                    protocol,
                    [connect_timeout, response_timeout, stall_timeout]: [Duration; 3]| {
            let service = Self {
                name: name.into(),
                policy: policy.clone(),
                protocol,
                connect_timeout,
                response_timeout,
                stall_timeout,
                fixed: pictured.iter().find_map(|services| services.get(name)).cloned(),
                ..Self::default()
            };
            (name.to_owned(), service)
        };
        let shared = |(name, service)| (name, Rc::new(service));
        match &config.routing {
            None => {
                let Config { service, policy, upstream_protocol, .. } = config;
                let waits = [config.connect_timeout, config.response_timeout, config.stall_timeout];
                [shared(make(service, policy, *upstream_protocol, waits))].into()
            }
            Some(routing) => {
                let all = routing.services.iter();
                all.map(|(name, service)| {
                    let waits = [service.connect_timeout, service.response_timeout, service.stall_timeout];
                    let (name, made) = make(name, &service.policy, service.protocol, waits);
                    let (maintenance, check) = (service.maintenance.clone(), service.check.clone());
                    shared((name, Self { maintenance, check, ..made }))
                })
                .collect()
            }
        }
    }

    /// Whether nothing but what was seen of it differs.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let told = |service: &Self| {
            (service.protocol, service.connect_timeout, service.response_timeout, service.stall_timeout)
        };
        self.name == other.name
            && self.policy == other.policy
            && told(self) == told(other)
            && self.check == other.check
            && self.maintenance == other.maintenance
            && self.fixed == other.fixed
    }

    /// What was seen of the one in whose place it comes.
    pub(crate) fn takes_over_from(&mut self, before: &Self) {
        self.account = Rc::clone(&before.account);
        self.has_backends.set(before.has_backends.get());
        let file =
            |service: &Self| service.maintenance.as_ref().and_then(|maintenance| maintenance.file.clone());
        self.closed.set(before.closed.get() && file(self) == file(before));
    }

    /// Whether the file of its maintenance is there; true when that is news.
    pub(crate) fn close(&self, is_there: bool) -> bool {
        self.closed.replace(is_there) != is_there
    }

    /// What its clients get while it is closed.
    pub(crate) fn closed(&self) -> Option<&Page> {
        let maintenance = self.maintenance.as_ref()?;
        (maintenance.now || self.closed.get()).then_some(&maintenance.page)
    }

    /// One line when the service becomes empty and one when it recovers.
    pub(crate) fn note_backends(&self, any: bool) {
        let before = self.has_backends.replace(Some(any));
        if before == Some(any) {
            return;
        }
        let service = self.name.escape_default();
        match (before, any) {
            (_, false) => tracing::warn!(%service, "no backend is ready: requests get 503 until one is"),
            (Some(_), true) => tracing::info!(%service, "backends are ready again"),
            (None, true) => tracing::info!(%service, "backends are ready"),
        }
    }
}
