//! The network between the hosts: how long things take, what gets lost, and who cannot reach whom.
//!
//! Conditions add up: those of the whole network ([`Link`]), of a host's own connection ([`Port`]), of one direction
//! between two hosts ([`Path`]), and partitions. TCP is modelled by what its users see: a connection costs a round trip,
//! lost segments cost time and not data, and what is cut never ends until somebody's patience does.

use fastrand::Rng;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::arrival::span;

/// How long TCP waits for an acknowledgement before it sends a segment again; doubled each time (RFC 6298).
const RETRANSMIT_AFTER: Duration = Duration::from_secs(1);
/// Times a segment is sent again; then the connection's deadline comes first.
const RETRANSMITS_MAX: u32 = 6;

/// What holds between any two hosts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Link {
    /// Every datagram takes at least this long.
    pub latency: Duration,
    /// And up to this much more, evenly spread: packets sent closer together may overtake each other.
    pub jitter: Duration,
    /// Probability that a datagram is lost.
    pub loss: f64,
    /// Probability that it arrives twice.
    pub duplicate: f64,
    /// Probability that it is late by [`Link::late_by`], behind others sent after it.
    pub late: f64,
    /// How much a late one is late.
    pub late_by: Duration,
}

impl Link {
    /// One data centre: half a millisecond, nothing lost.
    pub const CALM: Self = Self {
        latency: Duration::from_micros(300),
        jitter: Duration::from_micros(400),
        loss: 0.0,
        duplicate: 0.0,
        late: 0.0,
        late_by: Duration::from_millis(200),
    };
}

/// What holds for all that a host sends or receives.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Port {
    /// Probability that a datagram to it is lost.
    pub loss_in: f64,
    /// Probability that a datagram of it is lost.
    pub loss_out: f64,
    /// Added to the latency, each way.
    pub latency: Duration,
}

/// What holds in one direction between two hosts.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Path {
    /// No datagram passes.
    pub udp_cut: bool,
    /// No segment passes. A stream needs both directions.
    pub tcp_cut: bool,
    /// Probability that a datagram is lost.
    pub loss: f64,
    /// Added to the latency.
    pub latency: Duration,
}

/// All of it.
#[derive(Debug)]
pub struct Network {
    /// Between any two hosts.
    pub link: Link,
    ports: Vec<Port>,
    /// By (sender, receiver).
    paths: BTreeMap<(usize, usize), Path>,
    /// The side of the partition each host is on; empty when there is none.
    sides: Vec<u32>,
    rng: Rng,
}

impl Network {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            link: Link::CALM,
            ports: Vec::new(),
            paths: BTreeMap::new(),
            sides: Vec::new(),
            rng: Rng::with_seed(seed),
        }
    }

    pub(crate) fn add_host(&mut self) {
        self.ports.push(Port::default());
    }

    /// The conditions at a host's own connection.
    pub fn port(&mut self, host: usize) -> &mut Port {
        &mut self.ports[host]
    }

    /// The conditions from one host to another.
    pub fn path(&mut self, from: usize, to: usize) -> &mut Path {
        self.paths.entry((from, to)).or_default()
    }

    /// Nothing passes from one host to another; the other direction is as before.
    pub fn cut(&mut self, from: usize, to: usize) {
        let path = self.path(from, to);
        (path.udp_cut, path.tcp_cut) = (true, true);
    }

    /// Hosts of different sides do not reach each other. `side` says which one a host is on.
    pub fn partition(&mut self, side: impl Fn(usize) -> u32) {
        self.sides = (0..self.ports.len()).map(side).collect();
    }

    /// The end of a partition.
    pub fn unite(&mut self) {
        self.sides.clear();
    }

    /// Everything as on the first day; the [`Link`] stays.
    pub fn heal(&mut self) {
        self.unite();
        self.paths.clear();
        self.ports.fill(Port::default());
    }

    /// Whether datagrams and streams pass in both directions.
    pub fn are_connected(&self, a: usize, b: usize) -> bool {
        let passes = |from, to| {
            self.paths.get(&(from, to)).is_none_or(|path| !path.udp_cut && !path.tcp_cut)
                && !self.parts(from, to)
        };
        passes(a, b) && passes(b, a)
    }

    fn parts(&self, from: usize, to: usize) -> bool {
        // Hosts added later belong to side 0.
        let side = |host: usize| self.sides.get(host).copied().unwrap_or(0);
        !self.sides.is_empty() && side(from) != side(to)
    }

    /// The way from one host to another as it is now: cuts, loss, extra latency.
    fn way(&self, from: usize, to: usize) -> Path {
        let (sender, receiver) = (self.ports[from], self.ports[to]);
        let path = match self.paths.is_empty() {
            true => Path::default(),
            false => self.paths.get(&(from, to)).copied().unwrap_or_default(),
        };
        let parted = self.parts(from, to);
        let passes =
            (1.0 - self.link.loss) * (1.0 - sender.loss_out) * (1.0 - receiver.loss_in) * (1.0 - path.loss);
        Path {
            udp_cut: path.udp_cut || parted,
            tcp_cut: path.tcp_cut || parted,
            loss: 1.0 - passes,
            latency: sender.latency + receiver.latency + path.latency,
        }
    }

    fn delay(&mut self, way: Path) -> u64 {
        let jitter = span(self.link.jitter);
        let jitter = if jitter == 0 { 0 } else { self.rng.u64(..=jitter) };
        span(self.link.latency) + span(way.latency) + jitter
    }

    fn happens(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.rng.f64() < probability
    }

    /// After how many nanoseconds a datagram arrives: never, once, or twice.
    pub(crate) fn datagram(&mut self, from: usize, to: usize) -> [Option<u64>; 2] {
        let way = self.way(from, to);
        if way.udp_cut || self.happens(way.loss) {
            return [None, None];
        }
        let late = if self.happens(self.link.late) { span(self.link.late_by) } else { 0 };
        let first = self.delay(way) + late;
        let second = self.happens(self.link.duplicate).then(|| self.delay(way));
        [Some(first), second]
    }

    /// After how many nanoseconds a segment of a stream arrives; `None` if it does not.
    pub(crate) fn segment(&mut self, from: usize, to: usize) -> Option<u64> {
        let way = self.way(from, to);
        if way.tcp_cut {
            return None;
        }
        let (mut delay, mut wait) = (self.delay(way), span(RETRANSMIT_AFTER));
        for _ in 0..RETRANSMITS_MAX {
            if !self.happens(way.loss) {
                return Some(delay);
            }
            delay += wait;
            wait *= 2;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(hosts: usize) -> Network {
        let mut network = Network::new(1);
        (0..hosts).for_each(|_| network.add_host());
        network
    }

    fn arrives(network: &mut Network, from: usize, to: usize) -> bool {
        network.datagram(from, to)[0].is_some()
    }

    #[test]
    fn a_cut_is_one_way_and_a_stream_notices_either() {
        let mut network = network(2);
        network.cut(0, 1);
        assert!(!arrives(&mut network, 0, 1));
        assert!(arrives(&mut network, 1, 0));
        assert_eq!(network.segment(0, 1), None);
        assert!(!network.are_connected(1, 0));
        network.path(0, 1).tcp_cut = false;
        assert!(network.segment(0, 1).is_some(), "only datagrams are cut now");
        assert!(!arrives(&mut network, 0, 1));
        network.heal();
        assert!(arrives(&mut network, 0, 1) && network.are_connected(0, 1));
    }

    #[test]
    fn a_partition_parts_sides_and_leaves_them_whole() {
        let mut network = network(4);
        network.partition(|host| u32::from(host >= 2));
        assert!(arrives(&mut network, 0, 1) && arrives(&mut network, 3, 2));
        assert!(!arrives(&mut network, 1, 2) && network.segment(2, 0).is_none());
        network.unite();
        assert!(arrives(&mut network, 1, 2));
    }

    #[test]
    fn losses_add_up_and_cost_a_stream_time_only() {
        let mut network = network(2);
        network.link.loss = 0.5;
        network.port(1).loss_in = 0.5;
        let arrived = (0..10_000).filter(|_| arrives(&mut network, 0, 1)).count();
        assert!((2300..2700).contains(&arrived), "a quarter passes, not {arrived} of 10,000");
        let back = (0..10_000).filter(|_| arrives(&mut network, 1, 0)).count();
        assert!((4700..5300).contains(&back), "half passes the other way, not {back} of 10,000");
        let segments: Vec<_> = (0..1000).map(|_| network.segment(1, 0)).collect();
        let patient = segments.iter().flatten().count();
        assert!(patient > 950, "{patient} of 1000 segments arrive");
        assert!(segments.iter().flatten().any(|delay| *delay > span(RETRANSMIT_AFTER)));
    }

    #[test]
    fn datagrams_are_doubled_and_overtaken() {
        let mut network = network(2);
        network.link = Link { duplicate: 0.5, late: 0.1, ..Link::CALM };
        let fates: Vec<_> = (0..1000).map(|_| network.datagram(0, 1)).collect();
        let twice = fates.iter().filter(|fate| fate[1].is_some()).count();
        assert!((400..600).contains(&twice));
        let late = fates.iter().filter(|fate| fate[0] >= Some(span(Link::CALM.late_by))).count();
        assert!((50..150).contains(&late));
    }
}
