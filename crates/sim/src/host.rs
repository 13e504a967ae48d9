//! One host: the core it runs and everything around it that the shell would do.

use crate::arrival::Arrival;
use muster_serf::{Config, Extensions, Instant, Profile, Serf, Stats};
use muster_wire::tags::Tags;
use std::time::Duration;

/// What a host is made of; the same for all its lives.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its node name. Two hosts may claim one: a container created anew, or a mistake.
    pub name: String,
    /// Its first tags.
    pub tags: Tags,
    /// How patient it is.
    pub profile: Profile,
    /// What it does beyond the reference.
    pub extensions: Extensions,
    /// Hosts it looks for its cluster at.
    pub seeds: Vec<usize>,
    /// Whether it compresses what gets smaller. Off saves the simulator a lot of time.
    pub compress: bool,
}

impl Spec {
    /// An ordinary host: lan, all extensions, no seeds.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            tags: Tags::new(),
            profile: Profile::LAN,
            extensions: Extensions::ALL,
            seeds: Vec::new(),
            compress: false,
        }
    }

    /// The same with the reference's rules.
    #[must_use]
    pub fn stock(self) -> Self {
        Self { extensions: Extensions::MEMBERLIST, ..self }
    }
}

/// A host that does not run for a while.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pause {
    /// Whether it notices afterwards, as the agent does that looks at its clock. If not, it accuses others of its own sleep.
    pub noticed: bool,
    /// Whether its sockets fill up meanwhile (a stopped process, a frozen container), or nothing reaches it (a suspended
    /// machine).
    pub hears: bool,
}

impl Pause {
    /// A stopped process that notices.
    pub const FREEZE: Self = Self { noticed: true, hears: true };
}

/// Datagrams that fit a socket's buffer of 212,992 bytes, Linux's default, with what the kernel adds to each.
pub(crate) const BACKLOG_MAX: usize = 256;

/// How late a timer may ring before the agent calls it sleep.
const LATE_MAX: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) spec: Spec,
    /// The core; none while the host is down.
    pub(crate) serf: Option<Serf>,
    /// How often it was started.
    pub(crate) life: u32,
    /// The earliest wake planned; `u64::MAX` if none.
    pub(crate) wake: u64,
    /// How long it takes to handle one input.
    pub(crate) delay: u64,
    /// When it has handled everything that arrived, if it is slow.
    pub(crate) busy_until: u64,
    pub(crate) frozen: Option<Box<Frozen>>,
    pub(crate) pauses: u32,
    /// Streams it opened and waits for.
    pub(crate) open: Vec<u64>,
    /// Streams it accepted.
    pub(crate) accepted: u64,
    pub(crate) memory: Option<Memory>,
    /// The tags it should have.
    pub(crate) tags: Tags,
    pub(crate) end: End,
    /// The join under way, and whether one ever went through.
    pub(crate) joining: Option<muster_serf::StreamId>,
    pub(crate) joined: bool,
}

/// How a host that is down came to be so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// It is not down, or never was up.
    None,
    Crashed,
    Left,
}

/// A pause under way.
#[derive(Debug)]
pub(crate) struct Frozen {
    pub(crate) pause: Pause,
    pub(crate) since: Instant,
    /// Its earliest timer when it froze.
    pub(crate) due: Instant,
    pub(crate) backlog: Vec<Arrival>,
}

impl Frozen {
    /// What arrives is kept while the buffers have room. That a stream failed the host will find out by itself.
    pub(crate) fn keep(&mut self, arrival: Arrival) {
        if arrival.is_failure() || self.pause.hears && self.backlog.len() < BACKLOG_MAX {
            self.backlog.push(arrival);
        }
    }

    /// How long the agent says it slept, when it looks at its clock at `now`.
    pub(crate) fn overslept(&self, now: Instant) -> Option<Duration> {
        let late = now - self.due.max(self.since);
        (self.pause.noticed && late > LATE_MAX).then_some(late)
    }
}

/// What a snapshot keeps of a life.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    pub(crate) clocks: Stats,
    /// The members that were alive.
    pub(crate) peers: Vec<usize>,
}

impl Host {
    pub(crate) fn new(spec: Spec) -> Self {
        let tags = spec.tags.clone();
        Self {
            spec,
            serf: None,
            life: 0,
            wake: u64::MAX,
            delay: 0,
            busy_until: 0,
            frozen: None,
            pauses: 0,
            open: Vec::new(),
            accepted: 0,
            memory: None,
            tags,
            end: End::None,
            joining: None,
            joined: false,
        }
    }

    /// The configuration of its core.
    pub(crate) fn config(&self, at: usize, seed: u64) -> Config {
        let addr = crate::address::of(at);
        Config {
            name: self.spec.name.clone(),
            addr: addr.ip().into(),
            port: addr.port(),
            bind_port: addr.port(),
            tags: self.tags.clone(),
            protocol: 5,
            compress: self.spec.compress,
            packet_overhead: 0,
            profile: self.spec.profile,
            extensions: self.spec.extensions,
            broadcast_timeout: Duration::from_secs(5),
            leave_propagate_delay: Duration::from_secs(1),
            limits: muster_serf::Limits::default(),
            memory: muster_serf::Memory::default(),
            resolves_names: true,
            seed,
            intern: None,
        }
    }

    /// Forgets everything but what a snapshot keeps, which the caller saw to.
    pub(crate) fn go_down(&mut self, end: End) {
        self.serf = None;
        self.end = end;
        self.wake = u64::MAX;
        self.busy_until = 0;
        self.frozen = None;
        self.open.clear();
        self.joining = None;
        self.joined = false;
    }
}
