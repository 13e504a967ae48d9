//! A network that exists only as method calls: latency, loss and cuts are fields, time is a number.

use crate::{Config, Event, Extensions, GoneWhy, Input, Instant, Output, Profile, StreamId, Swim};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use fastrand::Rng;
use muster_wire::memberlist::{Message, NodeState};
use muster_wire::{Versions, packet};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const PORT: u16 = 7946;

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// The address of host `at`.
pub(super) fn addr(at: usize) -> SocketAddr {
    let [.., high, low] = u32::try_from(at + 1).unwrap().to_be_bytes();
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, high, low)), PORT)
}

pub(super) fn name(at: usize) -> String {
    format!("n{at}")
}

pub(super) fn config(at: usize, seed: u64) -> Config {
    Config {
        name: name(at),
        addr: addr(at).ip().into(),
        port: PORT,
        bind_port: PORT,
        meta: b"\xff\x80".to_vec(),
        versions: Versions::OURS,
        compress: false,
        packet_overhead: 0,
        profile: Profile::LAN,
        extensions: Extensions::ALL,
        seed: seed.wrapping_mul(31).wrapping_add(at as u64),
        intern: None,
    }
}

/// Every leaf of a datagram, as text.
pub(super) fn leaves(bytes: &[u8]) -> Vec<String> {
    let mut leaves = Vec::new();
    packet::unwrap(bytes, &mut |message| leaves.push(format!("{:?}", message.unwrap()))).unwrap();
    leaves
}

/// One message as a datagram.
pub(super) fn datagram(message: &Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

pub(super) struct Host {
    pub(super) swim: Swim,
    pub(super) config: Config,
    pub(super) events: Vec<(Instant, Event)>,
    up: bool,
    lives: u64,
}

enum Delivery {
    Packet { from: SocketAddr, to: usize, bytes: Vec<u8> },
    Request { from: usize, stream: StreamId, life: u64, to: usize, bytes: Vec<u8> },
    Reply { from: usize, stream: StreamId, life: u64, to: usize, bytes: Vec<u8> },
    Failure { stream: StreamId, life: u64, to: usize },
}

/// Hosts, and what is on its way between them.
pub(super) struct World {
    pub(super) now: Instant,
    pub(super) hosts: Vec<Host>,
    pub(super) latency: Duration,
    /// Probability that a datagram is lost.
    pub(super) loss: f64,
    /// Every output, in order.
    pub(super) trace: String,
    /// Datagrams as (sender, receiver, bytes); for tests that look at the wire.
    pub(super) sent: Vec<(usize, SocketAddr, Vec<u8>)>,
    /// One-way cuts for datagrams; streams need both ways.
    cut: BTreeSet<(usize, usize)>,
    /// The same, of which streams know nothing.
    firewall: BTreeSet<(usize, usize)>,
    under_way: BTreeMap<(Instant, u64), Delivery>,
    accepted: BTreeMap<u64, (usize, StreamId, u64)>,
    last_id: u64,
    rng: Rng,
    seed: u64,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            now: Instant::default(),
            hosts: Vec::new(),
            latency: millis(1),
            loss: 0.0,
            trace: String::new(),
            sent: Vec::new(),
            cut: BTreeSet::new(),
            firewall: BTreeSet::new(),
            under_way: BTreeMap::new(),
            accepted: BTreeMap::new(),
            last_id: 0,
            rng: Rng::with_seed(seed),
            seed,
        }
    }

    /// `count` hosts that all joined through the first.
    pub(super) fn cluster(count: usize, seed: u64) -> Self {
        let mut world = Self::new(seed);
        for at in 0..count {
            world.add();
            if at > 0 {
                world.join(at, 0);
            }
        }
        assert!(world.run_until(secs(30), World::all_see_all), "a calm cluster converges");
        // Until the news of the joins have died down.
        world.run_for(secs(5));
        world
    }

    pub(super) fn add(&mut self) -> usize {
        let at = self.hosts.len();
        self.add_with(config(at, self.seed))
    }

    pub(super) fn add_with(&mut self, config: Config) -> usize {
        let at = self.hosts.len();
        let swim = Swim::new(config.clone(), self.now);
        self.hosts.push(Host { swim, config, events: Vec::new(), up: true, lives: 0 });
        self.drain(at);
        at
    }

    pub(super) fn join(&mut self, at: usize, through: usize) {
        self.command(at, |swim, now| {
            swim.join(now, addr(through));
        });
    }

    /// Anything else a host may be told to do.
    pub(super) fn command(&mut self, at: usize, command: impl FnOnce(&mut Swim, Instant)) {
        command(&mut self.hosts[at].swim, self.now);
        self.drain(at);
    }

    /// A datagram out of nowhere.
    pub(super) fn forge(&mut self, to: usize, from: SocketAddr, bytes: &[u8]) {
        self.hosts[to].swim.handle(self.now, Input::Packet { from, bytes });
        self.drain(to);
    }

    /// Gone without a word.
    pub(super) fn kill(&mut self, at: usize) {
        self.hosts[at].up = false;
    }

    /// The same name and address again, knowing nothing.
    pub(super) fn restart(&mut self, at: usize) {
        let host = &mut self.hosts[at];
        host.up = true;
        host.lives += 1;
        host.events.clear();
        host.config.seed += 1;
        host.swim = Swim::new(host.config.clone(), self.now);
        self.drain(at);
    }

    /// Paused: hears nothing, then is told how long it was away.
    pub(super) fn sleep(&mut self, at: usize, duration: Duration) {
        self.hosts[at].up = false;
        self.run_for(duration);
        self.hosts[at].up = true;
        self.hosts[at].swim.handle(self.now, Input::Slept(duration));
        self.drain(at);
    }

    /// Told that the CPU is withheld from it.
    pub(super) fn throttle(&mut self, at: usize) {
        self.hosts[at].swim.handle(self.now, Input::Throttled);
        self.drain(at);
    }

    pub(super) fn is_up(&self, at: usize) -> bool {
        self.hosts[at].up
    }

    /// Datagrams from `from` no longer reach `to`.
    pub(super) fn cut(&mut self, from: usize, to: usize) {
        self.cut.insert((from, to));
    }

    /// No datagram passes between the two; streams do.
    pub(super) fn firewall(&mut self, a: usize, b: usize) {
        self.firewall.extend([(a, b), (b, a)]);
    }

    /// Nothing passes between the two groups.
    pub(super) fn part(&mut self, left: &[usize], right: &[usize]) {
        for (a, b) in left.iter().flat_map(|a| right.iter().map(move |b| (*a, *b))) {
            self.cut(a, b);
            self.cut(b, a);
        }
    }

    pub(super) fn heal(&mut self) {
        self.cut.clear();
        self.firewall.clear();
    }

    pub(super) fn run_for(&mut self, duration: Duration) {
        self.run_until(duration, |_| false);
    }

    /// Runs until `done`, at most `limit`; whether it was done.
    pub(super) fn run_until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        while !done(self) {
            let Some(next) = self.next_event().filter(|next| *next <= end) else {
                self.now = end;
                return done(self);
            };
            self.now = next.max(self.now);
            self.step();
        }
        true
    }

    fn next_event(&self) -> Option<Instant> {
        let timers = self.hosts.iter().filter(|host| host.up).filter_map(|host| host.swim.next_timeout());
        let deliveries = self.under_way.keys().next().map(|(at, _)| *at);
        timers.chain(deliveries).min()
    }

    /// Deliveries first, then timers: as a shell reads its sockets before it looks at the clock.
    fn step(&mut self) {
        while let Some(entry) = self.under_way.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let delivery = entry.remove();
            self.deliver(delivery);
        }
        for at in 0..self.hosts.len() {
            let host = &mut self.hosts[at];
            if host.up && host.swim.next_timeout().is_some_and(|due| due <= self.now) {
                host.swim.handle(self.now, Input::Timeout);
                self.drain(at);
            }
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        let now = self.now;
        match delivery {
            Delivery::Packet { from, to, bytes } => {
                if self.hosts[to].up {
                    self.hosts[to].swim.handle(now, Input::Packet { from, bytes: &bytes });
                    self.drain(to);
                }
            }
            Delivery::Request { from, stream, life, to, bytes } => {
                if !self.hosts[to].up {
                    return self.send_later(Delivery::Failure { stream, life, to: from });
                }
                self.last_id += 1;
                self.accepted.insert(self.last_id, (from, stream, life));
                let inbound = StreamId::Inbound(self.last_id);
                let input = Input::Stream { stream: inbound, from: addr(from), bytes: &bytes };
                self.hosts[to].swim.handle(now, input);
                self.drain(to);
                self.hosts[to].swim.merge_request(now, inbound, &bytes);
                self.drain(to);
            }
            Delivery::Reply { from, stream, life, to, bytes } => {
                if self.hosts[to].up && self.hosts[to].lives == life {
                    let input = Input::Stream { stream, from: addr(from), bytes: &bytes };
                    self.hosts[to].swim.handle(now, input);
                    self.drain(to);
                }
            }
            Delivery::Failure { stream, life, to } => {
                if self.hosts[to].up && self.hosts[to].lives == life {
                    let input = Input::StreamFailed { stream, reason: "connection refused" };
                    self.hosts[to].swim.handle(now, input);
                    self.drain(to);
                }
            }
        }
    }

    fn send_later(&mut self, delivery: Delivery) {
        self.send_at(self.now + self.latency, delivery);
    }

    fn send_at(&mut self, at: Instant, delivery: Delivery) {
        self.last_id += 1;
        self.under_way.insert((at, self.last_id), delivery);
    }

    /// Takes a host's outputs and carries them out.
    fn drain(&mut self, at: usize) {
        while let Some(output) = self.hosts[at].swim.poll_output() {
            self.trace.push_str(&format!("{:?} n{at} {output:?}\n", self.now.0));
            match output {
                Output::Send { to, bytes } => {
                    self.sent.push((at, to, bytes.clone()));
                    let lost = self.rng.f64() < self.loss;
                    let stopped =
                        |to: &usize| self.cut.contains(&(at, *to)) || self.firewall.contains(&(at, *to));
                    let Some(to) = self.host_at(to).filter(|to| !lost && !stopped(to)) else {
                        continue;
                    };
                    self.send_later(Delivery::Packet { from: addr(at), to, bytes });
                }
                Output::Open { stream, to, bytes, deadline, .. } => {
                    let life = self.hosts[at].lives;
                    match self.host_at(to) {
                        Some(to) if !self.cut.contains(&(at, to)) && !self.cut.contains(&(to, at)) => {
                            self.send_later(Delivery::Request { from: at, stream, life, to, bytes });
                        }
                        _ => self.send_at(deadline, Delivery::Failure { stream, life, to: at }),
                    }
                }
                Output::Answer { stream, bytes } => {
                    let (to, stream, life) = self.accepted_from(stream);
                    self.send_later(Delivery::Reply { from: at, stream, life, to, bytes });
                }
                Output::Close { stream } => {
                    let (to, stream, life) = self.accepted_from(stream);
                    self.send_later(Delivery::Failure { stream, life, to });
                }
                Output::Event(event) => {
                    if let Event::StateWanted { stream, .. } = event {
                        let state = format!("\u{2}state of n{at}");
                        self.hosts[at].swim.supply_state(self.now, stream, state.as_bytes());
                    }
                    self.hosts[at].events.push((self.now, event));
                }
            }
        }
    }

    fn accepted_from(&mut self, stream: StreamId) -> (usize, StreamId, u64) {
        let StreamId::Inbound(id) = stream else { panic!("only inbound streams are answered") };
        self.accepted.remove(&id).expect("each stream is answered or closed once")
    }

    fn host_at(&self, to: SocketAddr) -> Option<usize> {
        (0..self.hosts.len()).find(|at| addr(*at) == to)
    }

    /// What `at` thinks of `other`.
    pub(super) fn state(&self, at: usize, other: usize) -> Option<NodeState> {
        self.hosts[at].swim.nodes.get(&name(other)).map(crate::nodes::Node::state)
    }

    pub(super) fn incarnation(&self, at: usize, other: usize) -> u32 {
        self.hosts[at].swim.nodes.get(&name(other)).map_or(0, |node| node.incarnation)
    }

    pub(super) fn all_see_all(&self) -> bool {
        let up = || (0..self.hosts.len()).filter(|at| self.hosts[*at].up);
        up().all(|at| up().all(|other| self.state(at, other) == Some(NodeState::Alive)))
    }

    /// When and why `at` lost `other`.
    pub(super) fn losses(&self, at: usize, other: usize) -> Vec<(Instant, GoneWhy)> {
        let gone = |(when, event): &(Instant, Event)| match event {
            Event::Gone { name: gone, why } if *gone == name(other) => Some((*when, *why)),
            _ => None,
        };
        self.hosts[at].events.iter().filter_map(gone).collect()
    }

    pub(super) fn count(&self, at: usize, which: impl Fn(&Event) -> bool) -> usize {
        self.hosts[at].events.iter().filter(|(_, event)| which(event)).count()
    }

    /// Forgets what was observed so far.
    pub(super) fn forget_history(&mut self) {
        self.sent.clear();
        self.trace.clear();
        for host in &mut self.hosts {
            host.events.clear();
        }
    }
}
