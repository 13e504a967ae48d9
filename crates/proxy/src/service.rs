//! One service, as its requests need it.

use crate::config::{Config, ServiceConfig};
use crate::counters::Account;
use muster_balance::Policy;
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
    /// What became of its requests.
    pub(crate) account: Account,
    /// Whether it had a backend when last looked; `None` before the first look.
    has_backends: Cell<Option<bool>>,
}

impl Service {
    /// All that a configuration speaks of, by name.
    pub(crate) fn all(config: &Config) -> BTreeMap<String, Rc<Self>> {
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
                account: Account::default(),
                has_backends: Cell::new(None),
            };
            (name.to_owned(), Rc::new(service))
        };
        match &config.routing {
            None => {
                let Config { service, policy, upstream_protocol, .. } = config;
                let waits = [config.connect_timeout, config.response_timeout, config.stall_timeout];
                [make(service, policy, *upstream_protocol, waits)].into()
            }
            Some(routing) => {
                let all = routing.services.iter();
                all.map(|(name, service)| {
                    let ServiceConfig { policy, protocol, connect_timeout, response_timeout, stall_timeout } =
                        service;
                    make(name, policy, *protocol, [*connect_timeout, *response_timeout, *stall_timeout])
                })
                .collect()
            }
        }
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
