//! A cluster of Serf cores in one thread, in virtual time: packets take a few milliseconds and get lost as often as asked,
//! streams are reliable, and one seed decides everything.

use muster_serf::{
    Config, Event, Input, Instant, Limits, Member, MemberEvent, Output, Profile, Serf, Status, StreamId,
};
use muster_wire::RawAddr;
use muster_wire::memberlist::Message;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub(crate) const PORT: u16 = 7946;

/// What is under way.
enum Flight {
    Packet { from: SocketAddr, bytes: Vec<u8> },
    Stream { stream: StreamId, from: SocketAddr, bytes: Vec<u8> },
    Failed { stream: StreamId, reason: &'static str },
}

pub(crate) struct Host {
    pub(crate) serf: Serf,
    pub(crate) addr: SocketAddr,
    pub(crate) events: Vec<(Duration, Event)>,
    /// How often it was woken because it wanted to be.
    pub(crate) timeouts: usize,
    /// Processes have died, the address stays.
    dead: bool,
}

pub(crate) struct World {
    pub(crate) now: Instant,
    /// Chance of losing a datagram, in percent.
    pub(crate) loss_percent: u8,
    /// Of the nodes started from now on.
    pub(crate) limits: Limits,
    /// Who alone loses datagrams, of those it sends; `None` is everyone.
    pub(crate) lossy: Option<SocketAddr>,
    /// Everything that happened, for comparing runs.
    pub(crate) trace: Vec<String>,
    /// Every datagram sent: when, from, contents.
    pub(crate) sent: Vec<(Duration, SocketAddr, Vec<u8>)>,
    /// Every answer on a stream: from, contents.
    pub(crate) answers: Vec<(SocketAddr, Vec<u8>)>,
    hosts: BTreeMap<String, Host>,
    flights: BTreeMap<(Instant, u64), (SocketAddr, Flight)>,
    /// Accepted connections: (acceptor, its number) to (opener, its number).
    streams: BTreeMap<(SocketAddr, StreamId), (SocketAddr, StreamId)>,
    /// Pairs that cannot reach each other.
    cut: Vec<(IpAddr, IpAddr)>,
    rng: fastrand::Rng,
    next: u64,
}

pub(crate) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            now: Instant(Duration::ZERO),
            loss_percent: 0,
            limits: Limits::default(),
            lossy: None,
            trace: Vec::new(),
            sent: Vec::new(),
            answers: Vec::new(),
            hosts: BTreeMap::new(),
            flights: BTreeMap::new(),
            streams: BTreeMap::new(),
            cut: Vec::new(),
            rng: fastrand::Rng::with_seed(seed),
            next: 0,
        }
    }

    pub(crate) fn config(name: &str, ip: [u8; 4], seed: u64) -> Config {
        Config {
            name: name.into(),
            addr: RawAddr::V4(ip),
            port: PORT,
            bind_port: PORT,
            tags: [("role".into(), name.into())].into(),
            protocol: 5,
            compress: true,
            packet_overhead: 0,
            extensions: muster_serf::Extensions::ALL,
            profile: Profile::LAN,
            broadcast_timeout: secs(5),
            leave_propagate_delay: secs(1),
            limits: Limits::default(),
            memory: muster_serf::Memory::default(),
            resolves_names: true,
            seed,
            intern: None,
        }
    }

    /// Starts a process of that name, with an address of its own; again after it was stopped.
    pub(crate) fn start(&mut self, name: &str) {
        self.start_as(name, name);
    }

    /// Starts on the host that we call `host` a process that calls itself `name`.
    pub(crate) fn start_as(&mut self, host: &str, name: &str) {
        let number = u8::try_from(self.hosts.len() + 1).unwrap();
        let ip = self.hosts.get(host).map_or(IpAddr::from([10, 0, 0, number]), |host| host.addr.ip());
        let IpAddr::V4(v4) = ip else { unreachable!() };
        let seed = self.rng.u64(..);
        let config = Config { limits: self.limits, ..Self::config(name, v4.octets(), seed) };
        let serf = Serf::new(config, self.now).unwrap();
        let started =
            Host { serf, addr: SocketAddr::new(ip, PORT), events: Vec::new(), timeouts: 0, dead: false };
        self.hosts.insert(host.into(), started);
        self.collect(host);
    }

    /// Starts these nodes and joins them through the first; returns when they know each other.
    pub(crate) fn start_whole(&mut self, names: &[&str]) {
        for name in names {
            self.start(name);
        }
        for name in &names[1..] {
            self.join(name, names[0]);
        }
        self.run_until(|world| world.whole(names));
    }

    /// The process is killed: it says nothing any more.
    pub(crate) fn kill(&mut self, name: &str) {
        self.host_mut(name).dead = true;
    }

    /// Cuts or mends the network between two nodes.
    pub(crate) fn cut(&mut self, a: &str, b: &str, cut: bool) {
        let pair = (self.host(a).addr.ip(), self.host(b).addr.ip());
        self.cut.retain(|other| *other != pair);
        if cut {
            self.cut.push(pair);
        }
    }

    pub(crate) fn host(&self, name: &str) -> &Host {
        &self.hosts[name]
    }

    fn host_mut(&mut self, name: &str) -> &mut Host {
        self.hosts.get_mut(name).unwrap()
    }

    /// Gives a command and takes what follows from it.
    pub(crate) fn tell<T>(&mut self, name: &str, command: impl FnOnce(&mut Serf, Instant) -> T) -> T {
        let now = self.now;
        let result = command(&mut self.host_mut(name).serf, now);
        self.collect(name);
        result
    }

    pub(crate) fn join(&mut self, name: &str, through: &str) -> StreamId {
        let to = self.host(through).addr;
        self.tell(name, |serf, now| serf.join(now, to, false))
    }

    pub(crate) fn leave(&mut self, name: &str) {
        self.tell(name, Serf::leave);
    }

    /// A datagram from nowhere.
    pub(crate) fn inject(&mut self, to: &str, bytes: Vec<u8>) {
        let (to, from) = (self.host(to).addr, SocketAddr::from(([10, 9, 9, 9], PORT)));
        self.fly(Duration::ZERO, to, Flight::Packet { from, bytes });
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// Lets time pass until `done`, and says how long it took; panics after an hour.
    pub(crate) fn run_until(&mut self, done: impl Fn(&Self) -> bool) -> Duration {
        let (start, end) = (self.now, self.now + secs(3600));
        while !done(self) {
            assert!(self.step(end), "an hour passed in vain:\n{}", self.trace.join("\n"));
        }
        self.now - start
    }

    /// The next thing that happens, if it is before `end`.
    fn step(&mut self, end: Instant) -> bool {
        let living = self.hosts.iter().filter(|(_, host)| !host.dead);
        let timer = living.filter_map(|(name, host)| Some((host.serf.next_timeout()?, name))).min();
        let flight = self.flights.first_key_value().map(|((at, _), _)| *at);
        match (timer, flight) {
            (_, Some(at)) if at <= end && timer.is_none_or(|(due, _)| at <= due) => {
                self.now = self.now.max(at);
                if let Some((_, (to, flight))) = self.flights.pop_first() {
                    self.arrive(to, flight);
                }
                true
            }
            (Some((due, name)), _) if due <= end => {
                let name = name.clone();
                self.now = self.now.max(due);
                self.host_mut(&name).timeouts += 1;
                self.tell(&name, |serf, now| serf.handle(now, Input::Timeout));
                let again = self.host(&name).serf.next_timeout();
                assert!(again.is_none_or(|again| again > due), "{name} does not use its timeout");
                true
            }
            _ => false,
        }
    }

    fn arrive(&mut self, to: SocketAddr, flight: Flight) {
        let name = self.name_at(to);
        match (flight, name) {
            (Flight::Packet { from, bytes }, Some(name)) => {
                self.tell(&name, |serf, now| serf.handle(now, Input::Packet { from, bytes: &bytes }));
            }
            (Flight::Stream { stream, from, bytes }, Some(name)) => {
                self.tell(&name, |serf, now| serf.handle(now, Input::Stream { stream, from, bytes: &bytes }));
            }
            (Flight::Failed { stream, reason }, Some(name)) => {
                self.tell(&name, |serf, now| serf.handle(now, Input::StreamFailed { stream, reason }));
            }
            (Flight::Stream { stream: stream @ StreamId::Inbound(_), .. }, None) => {
                self.hang_up(to, stream, "connection refused");
            }
            (_, None) => {}
        }
    }

    /// Takes a node's outputs.
    fn collect(&mut self, name: &str) {
        let now = self.now.0;
        let mut outputs = VecDeque::new();
        let host = self.host_mut(name);
        while let Some(output) = host.serf.poll_output() {
            outputs.push_back(output);
        }
        let from = host.addr;
        for output in outputs {
            match output {
                Output::Send { to, bytes } => {
                    self.trace.push(format!("{now:?} {name} sends {} bytes to {to}", bytes.len()));
                    self.sent.push((now, from, bytes.clone()));
                    let lossy = self.lossy.is_none_or(|lossy| lossy == from);
                    let lost = self.rng.u8(..100) < self.loss_percent && lossy;
                    if !lost && !self.is_cut(from, to) {
                        let latency = self.latency();
                        self.fly(latency, to, Flight::Packet { from, bytes });
                    }
                }
                Output::Open { stream, to, bytes, reply, .. } => {
                    self.trace.push(format!("{now:?} {name} opens {stream:?} to {to}"));
                    let latency = self.latency();
                    if self.is_cut(from, to) {
                        self.fly(latency, from, Flight::Failed { stream, reason: "no route" });
                        continue;
                    }
                    self.next += 1;
                    let accepted = StreamId::Inbound(self.next);
                    if reply {
                        self.streams.insert((to, accepted), (from, stream));
                    }
                    self.fly(latency, to, Flight::Stream { stream: accepted, from, bytes });
                }
                Output::Answer { stream, bytes } => {
                    self.answers.push((from, bytes.clone()));
                    if let Some((to, stream)) = self.streams.remove(&(from, stream)) {
                        let latency = self.latency();
                        self.fly(latency, to, Flight::Stream { stream, from, bytes });
                    }
                }
                Output::Close { stream } => self.hang_up(from, stream, "closed"),
                Output::Event(event) => {
                    self.trace.push(format!("{now:?} {name}: {event:?}"));
                    self.host_mut(name).events.push((now, event));
                }
            }
        }
    }

    fn hang_up(&mut self, acceptor: SocketAddr, stream: StreamId, reason: &'static str) {
        if let Some((to, stream)) = self.streams.remove(&(acceptor, stream)) {
            let latency = self.latency();
            self.fly(latency, to, Flight::Failed { stream, reason });
        }
    }

    fn latency(&mut self) -> Duration {
        Duration::from_micros(self.rng.u64(500..5_000))
    }

    fn fly(&mut self, latency: Duration, to: SocketAddr, flight: Flight) {
        self.next += 1;
        self.flights.insert((self.now + latency, self.next), (to, flight));
    }

    fn is_cut(&self, a: SocketAddr, b: SocketAddr) -> bool {
        self.cut.iter().any(|&(c, d)| (a.ip(), b.ip()) == (c, d) || (b.ip(), a.ip()) == (c, d))
    }

    fn name_at(&self, addr: SocketAddr) -> Option<String> {
        let mut living = self.hosts.iter().filter(|(_, host)| !host.dead);
        living.find(|(_, host)| host.addr == addr).map(|(name, _)| name.clone())
    }

    /// How often `name` has sent this Serf message in datagrams.
    pub(crate) fn times_sent(&self, name: &str, serf: &[u8]) -> usize {
        self.messages(name, |message| matches!(message, Message::User(user) if *user == serf).then_some(()))
            .len()
    }

    /// What `name` knows of `about`.
    pub(crate) fn member(&self, name: &str, about: &str) -> Option<&Member> {
        self.host(name).serf.member(about)
    }

    pub(crate) fn status(&self, name: &str, about: &str) -> Option<Status> {
        self.member(name, about).map(|member| member.status)
    }

    /// Whether all of `names` see `about` in this status (`None`: not at all).
    pub(crate) fn all_see(&self, names: &[&str], about: &str, status: Option<Status>) -> bool {
        names.iter().all(|name| self.status(name, about) == status)
    }

    /// Whether all of `names` see each other alive, and nobody else.
    pub(crate) fn whole(&self, names: &[&str]) -> bool {
        names.iter().all(|name| {
            self.host(name).serf.members().count() == names.len()
                && names.iter().all(|other| self.status(name, other) == Some(Status::Alive))
        })
    }

    /// The events about `about` that `name` told, as words.
    pub(crate) fn told(&self, name: &str, about: &str) -> Vec<&'static str> {
        let word = |(_, event): &(Duration, Event)| match event {
            Event::Member(kind, member) if *member.name == *about => Some(match kind {
                MemberEvent::Join => "join",
                MemberEvent::Leave => "leave",
                MemberEvent::Failed => "failed",
                MemberEvent::Update => "update",
                MemberEvent::Reap => "reap",
            }),
            Event::Leaving(member) if *member.name == *about => Some("leaving"),
            Event::Staying(member) if *member.name == *about => Some("staying"),
            _ => None,
        };
        self.host(name).events.iter().filter_map(word).collect()
    }

    pub(crate) fn count(&self, name: &str, wanted: impl Fn(&Event) -> bool) -> usize {
        self.host(name).events.iter().filter(|(_, event)| wanted(event)).count()
    }

    /// The memberlist messages that `name` has sent in datagrams, when and what, as `pick` makes them.
    pub(crate) fn messages<T>(
        &self,
        name: &str,
        pick: impl Fn(&Message<'_>) -> Option<T>,
    ) -> Vec<(Duration, T)> {
        let mut found = Vec::new();
        for (at, from, bytes) in &self.sent {
            if *from == self.host(name).addr {
                muster_wire::packet::unwrap(bytes, &mut |message| {
                    found.extend(pick(&message.unwrap()).map(|picked| (*at, picked)));
                })
                .unwrap();
            }
        }
        found
    }
}
