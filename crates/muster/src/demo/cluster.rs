//! Which processes the demo consists of, and how each node is stopped or killed.
//!
//! ```text
//! balancer  127.77.0.1         muster agent, muster proxy (127.0.0.1:8080)
//! sN        127.77.0.(10+N)    muster agent, muster demo backend (port 3000)
//! ```
//! Each node has an address of its own, so each uses the ordinary ports.

use super::ports::{self, Use};
use super::spawn::Process;
use super::view::{Event, Tone, clean};
use super::watch::BALANCER;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Most backends a demo can have at a time, dead ones included.
const BACKENDS_MAX: u8 = 100;
/// Between the agent's leave and the application's stop: gossip and the proxy need far less.
const LEAVE_TO_STOP: Duration = Duration::from_secs(1);
/// A node that is not gone by then is killed; it fits a `docker stop`'s ten seconds.
const STOP_TIMEOUT: Duration = Duration::from_secs(9);
/// Gossip, as in Serf.
const GOSSIP_PORT: u16 = 7946;
/// Of Serf's RPC.
const RPC_PORT: u16 = 7373;
/// The application's, as in the containers it stands for.
const APP_PORT: u16 = 3000;
/// Configuration file of every role, in the run directory.
const CONFIG: &str = "demo.toml";

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
    /// A process could not be started.
    #[error("cannot start a process: {0}")]
    Spawn(#[from] io::Error),
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

/// The processes of a demo. All are killed when dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    net: Net,
    /// For sockets and logs.
    dir: PathBuf,
    agent: Process,
    proxy: Process,
    told_balancer: bool,
    /// By number: 1 is `s1`.
    backends: BTreeMap<u8, Backend>,
}

#[derive(Debug)]
struct Backend {
    agent: Process,
    app: Process,
    life: Life,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Life {
    Running,
    /// The agent was told to leave then.
    Leaving(Instant),
    /// The application was told to stop as well.
    Stopping(Instant),
    /// It ended as it was told to.
    Ended,
    /// One of its processes ended by itself, and that was told.
    Broken,
}

impl Cluster {
    /// Starts the balancer's node. Call from the main thread, as all that starts processes: see [`super::tether`].
    ///
    /// # Errors
    /// A port is taken or a process cannot be started.
    pub(crate) async fn start(net: Net, dir: &Path) -> Result<Self, Error> {
        ports::check(net.front, Use::Web, "choose another one with --port").await?;
        let gossip = SocketAddrV4::new(net.balancer(), GOSSIP_PORT);
        ports::check(gossip, Use::Gossip, "choose other addresses with --base").await?;
        std::fs::write(
            dir.join(CONFIG),
            "# Nothing: the demo is the same whatever this host is configured for.\n",
        )?;
        let socket = dir.join("balancer.sock");
        let agent = agent(BALANCER, gossip, dir, &["role=balancer", "balances=1"], None);
        let agent = Process::spawn(&agent, &[], dir.join("balancer-agent.log"))?;
        let proxy: [OsString; 9] = [
            "proxy".into(),
            "--config".into(),
            dir.join(CONFIG).into(),
            "--listen".into(),
            net.front.to_string().into(),
            "--service".into(),
            "backend".into(),
            "--socket".into(),
            socket.into(),
        ];
        let proxy = Process::spawn(&proxy, &[], dir.join("balancer-proxy.log"))?;
        let backends = BTreeMap::new();
        Ok(Self { net, dir: dir.to_owned(), agent, proxy, told_balancer: false, backends })
    }

    /// Starts a new backend, or the one called `name` again.
    ///
    /// # Errors
    /// It runs already, a port is taken or a process cannot be started.
    pub(crate) async fn add(&mut self, name: Option<&str>) -> Result<Added, Error> {
        let number = match name {
            Some(name) => self.number(name)?,
            None => {
                (1..=BACKENDS_MAX).find(|number| !self.backends.contains_key(number)).ok_or(Error::Full)?
            }
        };
        let name = format!("s{number}");
        if let Some(backend) = self.backends.get_mut(&number)
            && !(backend.agent.ended().is_some() && backend.app.ended().is_some())
        {
            return Err(Error::Running(name));
        }
        let ip = self.net.backend(number);
        let (web, gossip) = (SocketAddrV4::new(ip, APP_PORT), SocketAddrV4::new(ip, GOSSIP_PORT));
        ports::check(web, Use::Web, "choose other addresses with --base").await?;
        ports::check(gossip, Use::Gossip, "choose other addresses with --base").await?;

        let identity =
            [("SERVER_IP", ip.to_string()), ("SERVER_NAME", name.clone()), ("SERVER_TAG", "demo".to_owned())];
        let listen = web.to_string();
        let app = ["demo", "backend", "--listen", &listen].map(OsString::from);
        let app = Process::spawn(&app, &identity, self.dir.join(format!("{name}-app.log")))?;
        let seed = self.net.balancer().to_string();
        let agent = agent(&name, gossip, &self.dir, &["role=backend", "port=3000"], Some(&seed));
        let agent = Process::spawn(&agent, &[], self.dir.join(format!("{name}-agent.log")))?;
        self.backends.insert(number, Backend { agent, app, life: Life::Running });
        Ok(Added { name, ip })
    }

    /// Stops a backend in order: its agent leaves, a second later its application finishes and ends.
    ///
    /// # Errors
    /// It is unknown, not running, or the last one without `force`.
    pub(crate) fn stop(&mut self, name: &str, force: bool) -> Result<(), Error> {
        let backend = self.running(name, force)?;
        backend.agent.signal(Signal::TERM);
        backend.life = Life::Leaving(Instant::now());
        Ok(())
    }

    /// `kill -9` of a backend's agent and application, as when its host loses power.
    ///
    /// # Errors
    /// It is unknown, not running, or the last one without `force`.
    pub(crate) fn kill(&mut self, name: &str, force: bool) -> Result<(), Error> {
        let backend = self.running(name, force)?;
        backend.app.signal(Signal::KILL);
        backend.agent.signal(Signal::KILL);
        backend.life = Life::Ended;
        Ok(())
    }

    /// Takes the next steps of what was begun; tells what ended by itself.
    pub(crate) fn step(&mut self, now: Instant, at: Duration) -> Vec<Event> {
        let mut told = Vec::new();
        for (number, backend) in &mut self.backends {
            told.extend(backend.step(now).map(|what| format!("s{number}'s {what}")));
        }
        if !self.told_balancer
            && let Some(what) = self.broken_balancer()
        {
            self.told_balancer = true;
            told.push(format!("the balancer's {what}"));
        }
        told.into_iter().map(|text| Event { at, tone: Tone::Bad, text }).collect()
    }

    /// What ended of the balancer's node, which nobody here stops before the end.
    pub(crate) fn broken_balancer(&mut self) -> Option<String> {
        ended("agent", &mut self.agent).or_else(|| ended("proxy", &mut self.proxy))
    }

    /// Backends told to stop that have not yet ended, and those that run.
    pub(crate) fn live_backends(&mut self) -> usize {
        self.backends.values_mut().map(|backend| usize::from(!backend.is_gone())).sum()
    }

    /// Stops all backends in order.
    pub(crate) fn stop_backends(&mut self) {
        for backend in self.backends.values_mut().filter(|backend| backend.life.is_up()) {
            backend.agent.signal(Signal::TERM);
            backend.life = Life::Leaving(Instant::now());
        }
    }

    /// Stops the balancer's node; after the backends.
    pub(crate) fn stop_balancer(&mut self) {
        self.told_balancer = true;
        self.proxy.signal(Signal::TERM);
        self.agent.signal(Signal::TERM);
    }

    /// Every process has ended.
    pub(crate) fn is_gone(&mut self) -> bool {
        self.live_backends() == 0 && self.agent.ended().is_some() && self.proxy.ended().is_some()
    }

    /// Names and web addresses of the backends that run, with the state to show before the cluster knows them.
    pub(crate) fn running_backends(&self) -> impl Iterator<Item = (String, SocketAddrV4)> {
        let running = self.backends.iter().filter(|(_, backend)| backend.life == Life::Running);
        running
            .map(|(number, _)| (format!("s{number}"), SocketAddrV4::new(self.net.backend(*number), APP_PORT)))
    }

    /// The control socket of the balancer's agent.
    pub(crate) fn balancer_socket(&self) -> PathBuf {
        self.dir.join("balancer.sock")
    }

    fn running(&mut self, name: &str, force: bool) -> Result<&mut Backend, Error> {
        let number = self.number(name)?;
        let others = self.running_backends().filter(|(other, _)| other != name).count();
        match self.backends.get_mut(&number) {
            Some(backend) if backend.life.is_up() => {
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

impl Life {
    /// Not told to end yet; of a broken one, one process may still run.
    fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Broken)
    }
}

impl Backend {
    fn is_gone(&mut self) -> bool {
        // Not shortened: both are to be reaped.
        let (agent, app) = (self.agent.ended().is_some(), self.app.ended().is_some());
        agent && app
    }

    /// The next step, if its time has come; in words, what ended by itself.
    fn step(&mut self, now: Instant) -> Option<String> {
        let is_gone = self.is_gone();
        match self.life {
            Life::Running => {
                let what = ended("agent", &mut self.agent).or_else(|| ended("application", &mut self.app))?;
                self.life = Life::Broken;
                return Some(what);
            }
            Life::Leaving(since) if now.duration_since(since) >= LEAVE_TO_STOP => {
                self.app.signal(Signal::TERM);
                self.life = Life::Stopping(since);
            }
            Life::Stopping(_) if is_gone => self.life = Life::Ended,
            Life::Stopping(since) if now.duration_since(since) >= STOP_TIMEOUT => {
                self.app.signal(Signal::KILL);
                self.agent.signal(Signal::KILL);
                self.life = Life::Ended;
                return Some(format!(
                    "processes were killed: not gone {} s after TERM",
                    STOP_TIMEOUT.as_secs()
                ));
            }
            Life::Leaving(_) | Life::Stopping(_) | Life::Ended | Life::Broken => {}
        }
        None
    }
}

/// What to say of a process that nobody told to end.
fn ended(what: &str, process: &mut Process) -> Option<String> {
    let status = process.ended()?;
    let words = process.last_words();
    let words: Vec<String> = words.lines().map(clean).collect();
    let words =
        if words.is_empty() { String::new() } else { format!("; its last words: {}", words.join(" / ")) };
    Some(format!("{what} (process {}) ended by itself, {status}{words}", process.pid()))
}

fn agent(name: &str, bind: SocketAddrV4, dir: &Path, tags: &[&str], join: Option<&str>) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["agent".into()];
    // Each on its own address, as on hosts of their own.
    let rpc = SocketAddrV4::new(*bind.ip(), RPC_PORT).to_string();
    let bind = bind.to_string();
    let mut flag =
        |flag: &str, value: &std::ffi::OsStr| args.extend([OsString::from(flag), value.to_owned()]);
    flag("--node", name.as_ref());
    flag("--bind", bind.as_ref());
    flag("--rpc-addr", rpc.as_ref());
    flag("--socket", dir.join(format!("{name}.sock")).as_os_str());
    flag("--config", dir.join(CONFIG).as_os_str());
    for tag in tags {
        flag("--tag", tag.as_ref());
    }
    if let Some(seed) = join {
        flag("--join", seed.as_ref());
    }
    args
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
