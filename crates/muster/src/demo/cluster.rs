//! Which nodes the demo consists of, and how each is started, stopped or killed.
//!
//! ```text
//! balancer  127.77.0.1         muster run: agent, proxy (127.0.0.1:8080)
//! sN        127.77.0.(10+N)    muster run: agent, muster demo backend (port 3000)
//! ```
//! Each node has an address of its own, so each uses the ordinary ports. Each is what a container is, less its walls: one
//! `muster run`, which keeps the others right and ends the node in order.

use super::node::Node;
use super::ports::{self, Use};
use super::view::{Event, Tone, clean};
use super::watch::BALANCER;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Most backends a demo can have at a time, dead ones included.
const BACKENDS_MAX: u8 = 100;
/// A node that is not gone by then is killed, as `docker stop` would.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Gossip, as in Serf.
const GOSSIP_PORT: u16 = 7946;
/// The application's, as in the containers it stands for.
const APP_PORT: u16 = 3000;

/// Addresses of the demo.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Net {
    /// A /24 of 127.0.0.0/8; its last byte is zero.
    pub(crate) base: Ipv4Addr,
    /// Where the balancer listens.
    pub(crate) front: SocketAddrV4,
}

impl Net {
    /// Where clients on this machine are served.
    pub(crate) fn frontend(self) -> SocketAddrV4 {
        let ip = if self.front.ip().is_unspecified() { Ipv4Addr::LOCALHOST } else { *self.front.ip() };
        SocketAddrV4::new(ip, self.front.port())
    }

    fn host(self, host: u8) -> Ipv4Addr {
        let [a, b, c, _] = self.base.octets();
        Ipv4Addr::new(a, b, c, host)
    }

    fn balancer(self) -> Ipv4Addr {
        self.host(1)
    }

    /// Of `s1` and so on.
    fn backend(self, number: u8) -> Ipv4Addr {
        self.host(10 + number)
    }
}

/// Why something asked for was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// An address is not free.
    #[error("{0}")]
    Port(#[from] ports::Error),
    /// A node could not be started.
    #[error("cannot start a node: {0}")]
    Start(#[from] io::Error),
    /// Enough is enough.
    #[error("there are {BACKENDS_MAX} backends already: stop one and add it again by its name")]
    Full,
    /// Names are `s1`, `s2`, ...
    #[error("{0} is no backend of this demo; its backends: {1}")]
    Unknown(String, String),
    /// It is stopped already.
    #[error("{0} is not running: `add {0}` starts it again")]
    NotRunning(String),
    /// It need not be started.
    #[error("{0} is running")]
    Running(String),
    /// Nobody would answer requests any more.
    #[error("{0} is the last backend, without it every request gets 503: add one first, or use --force")]
    Last(String),
}

/// A backend just started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Added {
    pub(crate) name: String,
    pub(crate) ip: Ipv4Addr,
}

/// The nodes of a demo. All are killed when dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    net: Net,
    /// For configurations, sockets and logs.
    dir: PathBuf,
    balancer: Node,
    told_balancer: bool,
    /// By number: 1 is `s1`.
    backends: BTreeMap<u8, Backend>,
}

#[derive(Debug)]
struct Backend {
    node: Node,
    life: Life,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Life {
    Running,
    /// It was told to end then.
    Stopping(Instant),
    /// It ended as it was told to.
    Ended,
    /// It ended by itself, and that was told.
    Broken,
}

impl Cluster {
    /// Starts the balancer's node. Call from the main thread, as all that starts processes: see [`super::tether`].
    ///
    /// # Errors
    /// A port is taken or the node cannot be started.
    pub(crate) async fn start(net: Net, dir: &Path) -> Result<Self, Error> {
        ports::check(net.front, Use::Web, "choose another one with --port").await?;
        let gossip = SocketAddrV4::new(net.balancer(), GOSSIP_PORT);
        ports::check(gossip, Use::Gossip, "choose other addresses with --base").await?;
        let balancer = Node::balancer(BALANCER, gossip, net.front, dir)?;
        let backends = BTreeMap::new();
        Ok(Self { net, dir: dir.to_owned(), balancer, told_balancer: false, backends })
    }

    /// Starts a new backend, or the one called `name` again.
    ///
    /// # Errors
    /// It runs already, a port is taken or the node cannot be started.
    pub(crate) async fn add(&mut self, name: Option<&str>) -> Result<Added, Error> {
        let number = match name {
            Some(name) => self.number(name)?,
            None => {
                (1..=BACKENDS_MAX).find(|number| !self.backends.contains_key(number)).ok_or(Error::Full)?
            }
        };
        let name = format!("s{number}");
        if let Some(backend) = self.backends.get_mut(&number)
            && backend.node.ended().is_none()
        {
            return Err(Error::Running(name));
        }
        let ip = self.net.backend(number);
        let (web, gossip) = (SocketAddrV4::new(ip, APP_PORT), SocketAddrV4::new(ip, GOSSIP_PORT));
        ports::check(web, Use::Web, "choose other addresses with --base").await?;
        ports::check(gossip, Use::Gossip, "choose other addresses with --base").await?;

        let node = Node::backend(&name, gossip, web, self.net.balancer(), &self.dir)?;
        self.backends.insert(number, Backend { node, life: Life::Running });
        Ok(Added { name, ip })
    }

    /// Stops a backend in order: no new requests, those in flight are finished, its application ends, its agent leaves.
    ///
    /// # Errors
    /// It is unknown, not running, or the last one without `force`.
    pub(crate) fn stop(&mut self, name: &str, force: bool) -> Result<(), Error> {
        self.running(name, force)?.stop();
        Ok(())
    }

    /// `kill -9` of a backend's node with all that runs on it, as when its host loses power.
    ///
    /// # Errors
    /// It is unknown, not running, or the last one without `force`.
    pub(crate) fn kill(&mut self, name: &str, force: bool) -> Result<(), Error> {
        let backend = self.running(name, force)?;
        backend.node.kill();
        backend.life = Life::Ended;
        Ok(())
    }

    /// Takes the next steps of what was begun; tells what ended by itself.
    pub(crate) fn step(&mut self, now: Instant, at: Duration) -> Vec<Event> {
        let mut told = Vec::new();
        for (number, backend) in &mut self.backends {
            told.extend(backend.step(now).map(|what| format!("s{number} {what}")));
        }
        if !self.told_balancer
            && let Some(what) = self.broken_balancer()
        {
            self.told_balancer = true;
            told.push(format!("the balancer {what}"));
        }
        told.into_iter().map(|text| Event { at, tone: Tone::Bad, text }).collect()
    }

    /// How the balancer ended, which nobody here stops before the end.
    pub(crate) fn broken_balancer(&mut self) -> Option<String> {
        self.balancer.ended_by_itself()
    }

    /// Backends told to stop that have not yet ended, and those that run.
    pub(crate) fn live_backends(&mut self) -> usize {
        self.backends.values_mut().map(|backend| usize::from(backend.node.ended().is_none())).sum()
    }

    /// Stops all backends in order.
    pub(crate) fn stop_backends(&mut self) {
        self.backends.values_mut().filter(|backend| backend.life == Life::Running).for_each(Backend::stop);
    }

    /// Stops the balancer's node; after the backends.
    pub(crate) fn stop_balancer(&mut self) {
        self.told_balancer = true;
        self.balancer.stop();
    }

    /// Every node has ended.
    pub(crate) fn is_gone(&mut self) -> bool {
        self.live_backends() == 0 && self.balancer.ended().is_some()
    }

    /// Names and web addresses of the backends that run, with the state to show before the cluster knows them.
    pub(crate) fn running_backends(&self) -> impl Iterator<Item = (String, SocketAddrV4)> {
        let running = self.backends.iter().filter(|(_, backend)| backend.life == Life::Running);
        running
            .map(|(number, _)| (format!("s{number}"), SocketAddrV4::new(self.net.backend(*number), APP_PORT)))
    }

    /// The control socket of the balancer's agent.
    pub(crate) fn balancer_socket(&self) -> PathBuf {
        Node::socket(&self.dir, BALANCER)
    }

    fn running(&mut self, name: &str, force: bool) -> Result<&mut Backend, Error> {
        let number = self.number(name)?;
        let others = self.running_backends().filter(|(other, _)| other != name).count();
        match self.backends.get_mut(&number) {
            Some(backend) if backend.life == Life::Running => {
                if others == 0 && !force {
                    Err(Error::Last(name.to_owned()))
                } else {
                    Ok(backend)
                }
            }
            _ => Err(Error::NotRunning(name.to_owned())),
        }
    }

    fn number(&self, name: &str) -> Result<u8, Error> {
        let number = name.strip_prefix('s').and_then(|digits| digits.parse().ok());
        number.filter(|number| self.backends.contains_key(number)).ok_or_else(|| {
            let known: Vec<String> = self.backends.keys().map(|number| format!("s{number}")).collect();
            let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
            Error::Unknown(clean(name), known)
        })
    }
}

impl Backend {
    fn stop(&mut self) {
        self.node.stop();
        self.life = Life::Stopping(Instant::now());
    }

    /// The next step, if its time has come; in words, what went wrong.
    fn step(&mut self, now: Instant) -> Option<String> {
        match self.life {
            Life::Running => {
                let what = self.node.ended_by_itself()?;
                self.life = Life::Broken;
                return Some(what);
            }
            Life::Stopping(_) if self.node.ended().is_some() => self.life = Life::Ended,
            Life::Stopping(since) if now.duration_since(since) >= STOP_TIMEOUT => {
                self.node.kill();
                self.life = Life::Ended;
                return Some(format!("was killed: not gone {} s after TERM", STOP_TIMEOUT.as_secs()));
            }
            // Reaped, if it was not yet.
            Life::Ended => drop(self.node.ended()),
            Life::Stopping(_) | Life::Broken => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_has_an_address_of_its_own() {
        let front = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 8080);
        let net = Net { base: Ipv4Addr::new(127, 5, 6, 0), front };
        assert_eq!(net.balancer(), Ipv4Addr::new(127, 5, 6, 1));
        assert_eq!(net.backend(1), Ipv4Addr::new(127, 5, 6, 11));
        assert_eq!(net.backend(BACKENDS_MAX), Ipv4Addr::new(127, 5, 6, 110));
        assert_eq!(net.frontend().to_string(), "127.0.0.1:8080");
    }
}
