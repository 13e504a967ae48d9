//! Another configuration for a proxy that serves: all of it, or nothing.
//!
//! Whatever can fail comes first: certificates are read, sockets are bound, the picture is held against the rules. Only then do
//! listeners and routes change, and no request notices: a connection goes on, and its next request is decided by the new rules.

use crate::bind::Listen;
use crate::config::Config;
use crate::error::Error;
use crate::listen::{self, Listener, is_for};
use crate::proxy::Proxy;
use crate::routes::{Entry, Routes};
use crate::{tls, trial, trust};
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// TLS as it is spoken now.
#[derive(Debug)]
pub(crate) struct Speaking {
    pub(crate) server: Rc<tls::Server>,
    told: tls::Tls,
    asked: Rc<Notify>,
    looking: AbortHandle,
}

impl Speaking {
    /// If some of `config`'s listeners want it.
    ///
    /// # Errors
    /// When its certificates cannot be used.
    pub(crate) fn start(config: &Config) -> Result<Option<Self>, Error> {
        if !config.listen.iter().any(|listen| listen.tls) {
            return Ok(None);
        }
        let server = Rc::new(tls::Server::new(&config.tls)?);
        let asked = Rc::new(Notify::new());
        let looking = tls::run(Rc::clone(&server), config.tls.certificates.clone(), Rc::clone(&asked));
        let looking = tokio::task::spawn_local(looking).abort_handle();
        Ok(Some(Self { server, told: config.tls.clone(), asked, looking }))
    }

    /// Reads the certificates again, now.
    pub(crate) fn look(&self) {
        self.asked.notify_one();
    }
}

impl Drop for Speaking {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

/// What becomes of the listeners.
#[derive(Default)]
struct Places {
    /// Those that stay, and what they are from now on.
    stay: Vec<(Rc<Entry>, Listen)>,
    leave: Vec<Rc<Entry>>,
    come: Vec<Listener>,
}

impl Places {
    /// # Errors
    /// When a new one cannot be bound; then none stays bound.
    fn plan(entries: &[Rc<Entry>], wanted: &[Listen]) -> Result<Self, Error> {
        let mut places = Self::default();
        let mut is_taken = vec![false; wanted.len()];
        for entry in entries {
            let at = entry.spec().at.clone();
            match wanted.iter().position(|wanted| is_for(&wanted.at, &at)) {
                Some(nth) => {
                    is_taken[nth] = true;
                    places.stay.push((Rc::clone(entry), wanted[nth].clone().moved(at)));
                }
                None => places.leave.push(Rc::clone(entry)),
            }
        }
        let missing = wanted.iter().zip(is_taken).filter(|(_, is_taken)| !is_taken);
        places.come = missing.map(|(wanted, _)| listen::bind(wanted)).collect::<Result<_, _>>()?;
        Ok(places)
    }

    fn bound(&self) -> Vec<SocketAddr> {
        let stay = self.stay.iter().filter_map(|(_, spec)| spec.tcp());
        stay.chain(self.come.iter().filter_map(|listener| listener.spec.tcp())).collect()
    }
}

impl Proxy {
    /// Waits until listeners that were to go have closed their sockets, a fraction of a second: one of the same address can come then.
    pub async fn left(&self) {
        let leaving = self.leaving.take();
        for mut closing in leaving {
            // An error says that it is gone with all its clients.
            let _ = closing.wait_for(|is_closed| *is_closed).await;
        }
    }

    /// Serves by `config` from now on: its listeners, rules, services, certificates. The rest of it takes another start; what of that
    /// differs is returned, by the names of the keys.
    ///
    /// After another reload, wait for [`Proxy::left`] first. Clients stay connected, but for those of listeners that are no more: they get what is under way, and those that wait to be let
    /// in get their first answer.
    ///
    /// # Errors
    /// When this cannot be done; then everything is as before.
    pub fn reload(&self, config: &Config) -> Result<Vec<&'static str>, Error> {
        if config.listen.is_empty() {
            return Err(Error::NowhereToListen);
        }
        let plane = &self.plane;
        let routes = Rc::new(Routes::new(config, Some(&plane.routes())));
        if let Some(picture) = plane.follower.borrow().picture().filter(|_| routes.follows()) {
            trust::judge(&picture.terms, &plane.config, &routes.rules)?;
        }
        let wants_tls = config.listen.iter().any(|listen| listen.tls);
        let is_same = |now: &Speaking| wants_tls && now.told == config.tls;
        let speaking = match self.speaking.borrow().as_ref().is_some_and(is_same) {
            true => None,
            false => Some(Speaking::start(config)?),
        };
        let places = Places::plan(&self.entries.borrow(), &config.listen)?;
        // From here on nothing fails.
        match speaking {
            Some(speaking) => _ = self.speaking.replace(speaking),
            None => self.reload_certificates(),
        }
        let tls = self.speaking.borrow().as_ref().map(|speaking| Rc::clone(&speaking.server));
        let appeared = plane.change(config, &routes, tls, places.bound());
        let mut entries = Vec::new();
        for (entry, spec) in places.stay {
            entry.becomes(spec, Rc::clone(&routes));
            entries.push(entry);
        }
        for listener in places.come {
            entries.push(self.listen(listener, &routes));
        }
        for entry in places.leave {
            tracing::info!(addr = %entry.spec(), "not listened on any more");
            entry.leave();
            self.leaving.borrow_mut().push(entry.closing());
        }
        self.entries.replace(entries);
        trial::start(plane, appeared);
        self.follow_if_needed();
        Ok(differing(&plane.config, config))
    }
}

/// What takes another start, by its key.
fn differing(before: &Config, now: &Config) -> Vec<&'static str> {
    [
        ("proxy_protocol_from", before.proxy_protocol_from != now.proxy_protocol_from),
        ("send_proxy_protocol", before.send_proxy_protocol != now.send_proxy_protocol),
        ("handshake_timeout", before.handshake_timeout != now.handshake_timeout),
        ("socket", before.socket != now.socket),
        ("idle_timeout", before.idle_timeout != now.idle_timeout),
        ("tcp_idle_timeout", before.tcp_idle_timeout != now.tcp_idle_timeout),
        ("idle_max", before.idle_max != now.idle_max),
        ("drain_timeout", before.drain_timeout != now.drain_timeout),
        ("plaintext", before.plaintext != now.plaintext),
    ]
    .into_iter()
    .filter_map(|(key, differs)| differs.then_some(key))
    .collect()
}
