//! The world: hosts, the network between them, and a clock that jumps from event to event.

mod acquainted;
mod faults;
mod outputs;

use crate::address;
use crate::arrival::{Answer, Arrival, Outcome, Request, nanos, span};
use crate::host::{BACKLOG_MAX, Host, Spec};
use crate::network::Network;
use crate::queue::{Queue, What};
use crate::sharing::Sharing;
use fastrand::Rng;
use muster_serf::{Event, Input, Instant, Serf, StreamId};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

/// Something a host told its agent.
#[derive(Clone, Debug)]
pub struct Noticed {
    /// When.
    pub at: Instant,
    /// The host.
    pub host: usize,
    /// How often it had been started before.
    pub life: u32,
    /// What.
    pub event: Event,
}

/// A message between two hosts, as somebody with a wire tap sees it.
#[derive(Clone, Debug)]
pub struct Passage {
    /// When it was sent.
    pub at: Instant,
    /// Its sender.
    pub from: usize,
    /// Its receiver.
    pub to: usize,
    /// On a stream, not as a datagram.
    pub stream: bool,
    /// Whether it will arrive, as far as the network is concerned.
    pub arrives: bool,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What a run amounted to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Events of the world: arrivals, wakes, deadlines.
    pub steps: u64,
    /// Datagrams sent.
    pub packets: u64,
    /// Their bytes.
    pub packet_bytes: u64,
    /// Datagrams lost, cut or addressed to nobody.
    pub lost: u64,
    /// Streams opened.
    pub streams: u64,
    /// Bytes written on streams, by either end.
    pub stream_bytes: u64,
}

/// Hosts and what is on its way between them.
#[derive(Debug)]
pub struct World {
    now: u64,
    /// The network; change it at any time.
    pub network: Network,
    pub(crate) hosts: Vec<Host>,
    queue: Queue,
    rng: Rng,
    sharing: Arc<Sharing>,
    noticed: Vec<Noticed>,
    tap: Option<Vec<Passage>>,
    counts: Counts,
    /// The stream whose request is being handled: the core answers before it returns.
    answering: Option<(StreamId, Request)>,
    /// Who was wrong when it was last asked, and so is likely to be still.
    pub(crate) suspect: Cell<usize>,
}

impl World {
    /// Nobody, at time zero.
    pub fn new(seed: u64) -> Self {
        Self {
            now: 0,
            network: Network::new(seed ^ 0x006e_6574_776f_726b),
            hosts: Vec::new(),
            queue: Queue::default(),
            rng: Rng::with_seed(seed),
            sharing: Arc::default(),
            noticed: Vec::new(),
            tap: None,
            counts: Counts::default(),
            answering: None,
            suspect: Cell::new(0),
        }
    }

    /// `count` hosts `n1`, `n2`, ... that found each other; their joins are old news.
    pub fn cluster(count: usize, seed: u64) -> Self {
        Self::cluster_of(count, seed, |spec| spec)
    }

    /// The same, each host made by `spec` from an ordinary one.
    pub fn cluster_of(count: usize, seed: u64, spec: impl Fn(Spec) -> Spec) -> Self {
        let seeds = |at: usize| (0..count.min(2)).filter(|seed| *seed != at).collect();
        let ordinary = (0..count).map(|at| Spec { seeds: seeds(at), ..Spec::named(format!("n{}", at + 1)) });
        Self::form(ordinary.map(spec), seed)
    }

    /// These hosts, when they found each other and their joins are old news. For thousands: [`World::acquainted`].
    pub fn form(specs: impl IntoIterator<Item = Spec>, seed: u64) -> Self {
        let mut world = Self::new(seed);
        for spec in specs {
            let host = world.add(spec);
            world.start(host);
        }
        // Asked now and then: in a large cluster the question costs more than the answer is worth.
        for _ in 0..600 {
            world.run_for(Duration::from_secs(1));
            if world.is_right() {
                break;
            }
        }
        world.run_for(Duration::from_secs(5));
        world.noticed.clear();
        world
    }

    /// A host that is down as yet; its number.
    pub fn add(&mut self, spec: Spec) -> usize {
        assert!(self.hosts.len() < address::HOSTS_MAX, "no address is left");
        self.hosts.push(Host::new(spec));
        self.network.add_host();
        self.hosts.len() - 1
    }

    /// The time.
    pub fn now(&self) -> Instant {
        Instant(Duration::from_nanos(self.now))
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// How many hosts there are, up or down.
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// What a host is made of.
    pub fn spec(&self, host: usize) -> &Spec {
        &self.hosts[host].spec
    }

    /// A host's core; none while it is down.
    pub fn serf(&self, host: usize) -> Option<&Serf> {
        self.hosts[host].serf.as_ref()
    }

    /// Whatever else a core can be told.
    pub fn command<T>(&mut self, host: usize, command: impl FnOnce(&mut Serf, Instant) -> T) -> Option<T> {
        let now = self.now();
        let result = command(self.hosts[host].serf.as_mut()?, now);
        self.settle(host);
        Some(result)
    }

    /// What the hosts told since this was last asked. [`World::run_watching`] and its kin take it themselves.
    pub fn take_noticed(&mut self) -> Vec<Noticed> {
        std::mem::take(&mut self.noticed)
    }

    /// Begins or ends listening to everything that is sent.
    pub fn tap(&mut self, on: bool) {
        self.tap = on.then(Vec::new);
    }

    /// What was sent since this was last asked, if [`World::tap`] is on.
    pub fn take_passages(&mut self) -> Vec<Passage> {
        self.tap.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        self.run_watching(time, |_, _| false);
    }

    /// Runs until `done`, at most `limit`; whether it was done. It is asked when a host noticed something.
    pub fn run_until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> bool {
        done(self) || self.run_watching(limit, |world, _| done(world))
    }

    /// Runs for at most `limit`, and shows `watch` what the hosts notice, as they do; ends when it says so. Whether it
    /// did.
    pub fn run_watching(
        &mut self,
        limit: Duration,
        mut watch: impl FnMut(&Self, &[Noticed]) -> bool,
    ) -> bool {
        let end = self.now.saturating_add(span(limit));
        loop {
            if !self.noticed.is_empty() {
                let mut noticed = std::mem::take(&mut self.noticed);
                let enough = watch(self, &noticed);
                // The same buffer again: this happens millions of times.
                noticed.clear();
                self.noticed = noticed;
                if enough {
                    return true;
                }
            }
            if !self.step(end) {
                self.now = end;
                return false;
            }
        }
    }

    /// The next event, unless it is later than `end`.
    fn step(&mut self, end: u64) -> bool {
        if self.queue.next_at().is_none_or(|at| at > end) {
            return false;
        }
        let Some(next) = self.queue.pop() else { return false };
        self.now = self.now.max(next.at);
        self.counts.steps += 1;
        let host = next.host as usize;
        match next.what {
            What::Arrive(arrival) => self.arrive(host, arrival),
            What::Handle { life, arrival } => {
                if self.hosts[host].life == life {
                    self.arrive_awake(host, arrival);
                }
            }
            What::Wake => self.wake(host, next.at),
            What::Deadline { life, stream } => {
                let result = Err("timed out");
                self.arrive(host, Arrival::Outcome(Box::new(Outcome { life, stream, result })));
            }
            What::Seek { life } => self.seek(host, life),
            What::Resume { pause } => {
                if self.hosts[host].pauses == pause {
                    self.resume(host);
                }
            }
        }
        true
    }

    /// Something reaches a host, which may be down, paused or slow.
    fn arrive(&mut self, at: usize, arrival: Arrival) {
        let now = self.now;
        let host = &mut self.hosts[at];
        if host.serf.is_none() {
            if let Arrival::Request(request) = arrival {
                self.end_stream(&request, Err("connection refused"), now);
            }
        } else if host.delay > 0 && host.frozen.is_none() {
            let waiting = host.busy_until.saturating_sub(now) / host.delay;
            if waiting < BACKLOG_MAX as u64 || arrival.is_failure() {
                host.busy_until = host.busy_until.max(now) + host.delay;
                let (ready, life) = (host.busy_until, host.life);
                self.queue.push(ready, at, What::Handle { life, arrival });
            }
        } else {
            self.arrive_awake(at, arrival);
        }
    }

    /// The host has come to it, unless it is paused.
    fn arrive_awake(&mut self, at: usize, arrival: Arrival) {
        match &mut self.hosts[at].frozen {
            Some(frozen) => frozen.keep(arrival),
            None => self.handle(at, arrival),
        }
    }

    /// Hands an arrival to the core.
    fn handle(&mut self, at: usize, arrival: Arrival) {
        let now = self.now();
        let host = &mut self.hosts[at];
        let Some(serf) = &mut host.serf else { return };
        match arrival {
            Arrival::Packet { from, bytes } => {
                let from = address::of(from as usize);
                serf.handle(now, Input::Packet { from, bytes: &bytes });
            }
            Arrival::Request(request) => {
                host.accepted += 1;
                let stream = StreamId::Inbound(host.accepted);
                let from = address::of(request.opener as usize);
                serf.handle(now, Input::Stream { stream, from, bytes: &request.bytes });
                self.answering = Some((stream, *request));
            }
            Arrival::Outcome(outcome) => {
                let open = host.open.iter().position(|stream| *stream == outcome.stream);
                let Some(open) = open.filter(|_| outcome.life == host.life) else { return };
                host.open.swap_remove(open);
                let stream = StreamId::Outbound(outcome.stream);
                match outcome.result {
                    Ok(Answer::Written) => return,
                    Ok(Answer::Bytes { from, bytes }) => {
                        let from = address::of(from as usize);
                        serf.handle(now, Input::Stream { stream, from, bytes: &bytes });
                    }
                    Err(reason) => serf.handle(now, Input::StreamFailed { stream, reason }),
                }
            }
        }
        self.settle(at);
    }

    /// A timer of the host may be due. It is planned lazily: when it was moved, this comes for nothing.
    fn wake(&mut self, at: usize, planned: u64) {
        let now = self.now();
        let host = &mut self.hosts[at];
        if host.wake != planned {
            return;
        }
        host.wake = u64::MAX;
        let Some(serf) = host.serf.as_mut().filter(|_| host.frozen.is_none()) else { return };
        if host.busy_until > self.now {
            host.wake = host.busy_until;
            self.queue.push(host.wake, at, What::Wake);
            return;
        }
        if serf.next_timeout().is_some_and(|due| due <= now) {
            serf.handle(now, Input::Timeout);
        }
        self.settle(at);
    }

    /// Plans the host's next wake.
    fn plan_wake(&mut self, at: usize) {
        let host = &mut self.hosts[at];
        let due = host.serf.as_ref().and_then(Serf::next_timeout).map_or(u64::MAX, nanos);
        if due < host.wake {
            host.wake = due.max(self.now);
            self.queue.push(host.wake, at, What::Wake);
        }
    }
}
